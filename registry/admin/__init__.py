"""Pages of Django's admin. Every change is a call of a service."""

from registry.admin import settings as settings
from registry.admin import subjects as subjects
