"""Scheduling: a living room: services, openings, bookings."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SchedulingConfig(AppConfig):
    name = "scheduling"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Scheduling")

    def ready(self) -> None:
        """Guards, checks, permissions, and configuration that is watched."""
        from accounts import permissions  # noqa: PLC0415 - models must be loaded first
        from audit import configuration  # noqa: PLC0415
        from scheduling import checks, guards, policies, receivers  # noqa: F401, PLC0415

        guards.register()
        post_migrate.connect(receivers.install_guards, sender=self, dispatch_uid="scheduling.install_guards")
        permissions.register(
            policies.MANAGE, _("book, move and cancel for customers"), roles=["receptionist", "manager"]
        )
        permissions.register(policies.OVERRIDE, _("set booking rules aside, with a reason"), roles=["manager"])
        for name in ("Service", "ServiceBookable", "Bookable", "WeeklyRule", "DateOverride", "Holiday"):
            configuration.watch(self.get_model(name), exclude=["last_assigned_at"] if name == "ServiceBookable" else [])
