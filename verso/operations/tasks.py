"""Celery's door to operations."""

from celery import shared_task
from django.utils import timezone

from verso.operations import heartbeats


@shared_task(ignore_result=True)
def note_heartbeat() -> None:
    """Say that beat, queue and worker work."""
    heartbeats.note(at=timezone.now())
