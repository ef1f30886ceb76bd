"""Celery's door: what the clock does with sessions."""

from celery import shared_task
from django.core.management import call_command


@shared_task(ignore_result=True)
def clearsessions() -> None:
    """Forget sessions that are over. Django's own command does it; in Redis they go by themselves."""
    call_command("clearsessions")
