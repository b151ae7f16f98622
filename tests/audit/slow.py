# ruff: noqa: E402 - models can be imported once Django is set up
"""Workers that can be caught in the middle: they read ten events at a time and pause after each ten.

`python -m tests.audit.slow` is `manage.py audit_worker`, `celery -A tests.audit.slow worker` a worker of Celery. With
SLOW_DIES set the process is killed when its file is complete and the row does not say so yet; with SLOW_STOPS set it
stays in the middle until it is killed.
"""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import django

django.setup()

from django.core.management import call_command

from audit import exporter
from config.celery import app as app

PAUSE_SECONDS = 0.05
# More than ten rows, so that the row says that it has begun.
MIDDLE = 5
PATIENCE_SECONDS = 60
read = exporter._chunks
finish = exporter._finish


def read_slowly(*args: Any) -> Iterator[Any]:
    for turn, rows in enumerate(read(*args)):
        time.sleep(PAUSE_SECONDS)
        if turn == MIDDLE and os.environ.get("SLOW_STOPS"):
            time.sleep(PATIENCE_SECONDS)
        yield rows


def die(*args: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


exporter.CHUNK = 10
exporter.BEAT_SECONDS = 0.1
setattr(exporter, "_chunks", read_slowly)  # noqa: B010 - it is looser than what it stands for
if os.environ.get("SLOW_DIES"):
    setattr(exporter, "_finish", die)  # noqa: B010

if __name__ == "__main__":
    call_command("audit_worker")
