"""Makes exports and checkpoints of an installation without a broker, and verifies the log once a day: looks for what
nobody works on, and does it.

Runs until SIGTERM or SIGINT, or until the process that started it is gone. Several may run at once.
"""

import logging
import os
import signal
import threading
from datetime import timedelta
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from audit import checkpoints, deliveries, exporter, verification

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.0
HOUR = 3600.0
DELIVER_SECONDS = 30.0
FIRST_CHECKPOINT_SECONDS = 60.0


class Worker:
    def __init__(self, parent: int) -> None:
        self._asked = threading.Event()
        self._parent = parent
        self._expire_at = self._deliver_at = 0.0
        # Not at once: what a start says is not to be lost in a line of the log.
        self._sign_at = monotonic() + FIRST_CHECKPOINT_SECONDS
        self._verify_at = monotonic() + HOUR

    def stop(self, *args: object) -> None:
        self._asked.set()

    def is_stopping(self) -> bool:
        # An orphan gets another parent: its server was killed.
        return self._asked.is_set() or os.getppid() != self._parent

    def work(self) -> None:
        while not self.is_stopping():
            close_old_connections()
            try:
                self.turn()
            except (DatabaseError, InterfaceError) as problem:
                logger.warning("the database refused: %s", type(problem).__name__)
            self._asked.wait(POLL_SECONDS)

    def turn(self) -> None:
        exporter.give_up()
        for export_id in exporter.due(waiting_since=timedelta(0)):
            if not self.is_stopping():
                exporter.run(export_id, stopping=self.is_stopping)
        if monotonic() >= self._expire_at:
            exporter.expire()
            self._expire_at = monotonic() + HOUR
        if monotonic() >= self._sign_at:
            checkpoints.make_if_moved()
            self._sign_at = monotonic() + HOUR
        if monotonic() >= self._verify_at:
            if verification.is_due():
                verification.check_and_record(stopping=self.is_stopping)
            self._verify_at = monotonic() + HOUR
        if monotonic() >= self._deliver_at:
            deliveries.deliver()
            self._deliver_at = monotonic() + DELIVER_SECONDS


class Command(BaseCommand):
    help = __doc__
    # They load the whole URLconf, which this process has no other use for: a third of its memory.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--parent", type=int, default=os.getppid(), help="process to end with, which started this one"
        )

    def handle(self, *args: Any, parent: int, **options: Any) -> None:
        worker = Worker(parent)
        for number in signal.SIGTERM, signal.SIGINT:
            signal.signal(number, worker.stop)
        worker.work()
