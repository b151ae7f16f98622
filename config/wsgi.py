"""The WSGI application, for granian (`config/serve.py`) or any other WSGI server."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.db.backends.signals import connection_created
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from config.deadline import limit_statements  # noqa: E402 - it needs the settings

connection_created.connect(limit_statements)
# Loads the views now: the first request would wait for them.
resolve("/healthz")
# What is loaded by now stays. Without this the collector walks through all of it, and through the schemas that are
# kept, each time some thousand objects were made: a check that parses a hundred versions took twice as long.
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 20)
