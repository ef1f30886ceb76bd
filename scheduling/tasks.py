"""Celery's door: what the clock does with bookings."""

from celery import shared_task
from django.utils import timezone

from accounts.models import Tenant
from governance import tenancy
from scheduling import bookings


@shared_task(ignore_result=True)
def release_holds() -> None:
    """Let go of holds that have run out, tenant by tenant."""
    for tenant in Tenant.objects.order_by("pk"):
        with tenancy.within(tenant):
            bookings.release_expired(at=timezone.now())
