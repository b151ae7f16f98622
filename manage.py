#!/usr/bin/env python
"""Django's command line: `manage.py migrate`, `first_start`, `service_account`, `api_key`, `audit_verify`."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
