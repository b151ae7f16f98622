"""The WSGI application, for granian (`config/serve.py`) or any other WSGI server."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Loads the views now: the first request would wait for them.
resolve("/healthz")
