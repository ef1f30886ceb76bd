"""Celery's door: what the clock does with sessions."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from accounts import break_glass, sessions
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


@shared_task(ignore_result=True)
def end_expired_grants() -> None:
    """Take away roles whose end has come, tenant by tenant."""
    for tenant in Tenant.objects.order_by("pk"):
        with tenancy.within(tenant):
            break_glass.end_expired(at=timezone.now())
