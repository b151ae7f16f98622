"""Celery: `celery -A config.celery worker` and, once per installation, `celery -A config.celery beat`.

A message carries the id of a row and may be lost, late or doubled: the row decides.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.management import call_command

# What one request waits for a broker that is away.
CONNECT_SECONDS = 2

app = Celery("callboard", broker=settings.CALLBOARD["BROKER_URL"])
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    result_backend=None,
    task_ignore_result=True,
    # A task whose worker died comes again, to another one.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    # A worker waits for its broker as long as it takes.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CONNECT_SECONDS,
        # Of whoever sends: without these a request waits six seconds.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
    },
    timezone="UTC",
    # Beat's file is as old as the last task it sent: its health check looks at that.
    beat_sync_every=1,
    beat_schedule={
        "sweep": {"task": "audit.tasks.sweep", "schedule": settings.CALLBOARD["EXPORT_LEASE"] / 2},
        "sign": {"task": "audit.tasks.sign", "schedule": crontab(minute="0")},
        "deliver": {"task": "audit.tasks.deliver", "schedule": 30.0},
        "expire": {"task": "audit.tasks.expire", "schedule": crontab(minute="7")},
        "remind of keys": {"task": "config.celery.remind_of_keys", "schedule": crontab(hour="7", minute="23")},
        "verify": {"task": "audit.tasks.verify", "schedule": crontab(hour="2", minute="17")},
        "clear sessions": {"task": "config.celery.clear_sessions", "schedule": crontab(hour="3", minute="11")},
    },
)
app.autodiscover_tasks()


@app.task
def clear_sessions() -> None:
    call_command("forget_sessions")


@app.task
def remind_of_keys() -> None:
    call_command("key_reminders")
