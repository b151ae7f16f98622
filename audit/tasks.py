"""Celery's entry points: an id in, one call out. Without a broker nobody calls them; a runner beside the server looks
for itself.
"""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from audit import checkpoints, deliveries, exporter, verification

logger = logging.getLogger(__name__)


def dispatch(export_id: UUID) -> None:
    """A broker that is away is no reason to fail: the row is there, and the sweeper comes by."""
    if not settings.CALLBOARD["BROKER_URL"]:
        return
    try:
        run_export.apply_async((str(export_id),), retry=False)
    except OperationalError as error:
        logger.warning("export %s: the broker can't be reached (%s), the sweeper will find it", export_id, error)


@shared_task
def run_export(export_id: str) -> None:
    exporter.run(UUID(export_id))


@shared_task
def sweep() -> None:
    """Whatever nobody works on is offered again. A sixth of a lease is time enough for a message to arrive."""
    exporter.give_up()
    for export_id in exporter.due(waiting_since=timedelta(seconds=settings.CALLBOARD["EXPORT_LEASE"]) / 6):
        dispatch(export_id)


@shared_task
def expire() -> None:
    exporter.expire()


@shared_task
def sign() -> None:
    checkpoints.make_if_moved()


@shared_task
def deliver() -> None:
    deliveries.deliver()


@shared_task
def verify() -> None:
    verification.check_and_record()
