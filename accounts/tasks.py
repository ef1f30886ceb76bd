"""Celery's door: what the clock does with sessions."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from accounts import sessions
from accounts.models import Tenant
from governance import tenancy


@shared_task(ignore_result=True)
def clearsessions() -> None:
    """Forget sessions that are over. Django's own command does it; in Redis they go by themselves."""
    call_command("clearsessions")


@shared_task(ignore_result=True)
def sweep_sessions() -> None:
    """End sessions that have run out and delete what is long over, tenant by tenant."""
    for tenant in Tenant.objects.order_by("pk"):
        with tenancy.within(tenant):
            sessions.sweep(at=timezone.now())
