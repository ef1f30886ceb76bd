"""Services: what is offered. Typed freely; every change is watched and written into the ledger."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from governance.admin import TenantAdmin, TenantTabularInline
from scheduling.admin.bookables import NamedForm
from scheduling.models import Service, ServiceBookable


class ServiceBookableInline(TenantTabularInline):
    """Who and what serves, in order of preference."""

    model = ServiceBookable
    form = NamedForm
    extra = 1
    fields = ("bookable", "order")


@admin.register(Service)
class ServiceAdmin(TenantAdmin):
    """What customers can book."""

    list_display = ("name", "duration", "price_shown", "is_active", "order", "on_site")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (ServiceBookableInline,)
    fieldsets = (
        (None, {"fields": ("name", "slug", "summary", "description", ("price", "currency"), ("is_active", "order"))}),
        (
            _("How long it takes"),
            {
                "fields": (("duration_minutes", "step_minutes"), ("buffer_before_minutes", "buffer_after_minutes")),
                "description": _(
                    "Preparation and tidying keep the time around an appointment free; customers do not see them."
                ),
            },
        ),
        (
            _("Rules for customers"),
            {
                "fields": (
                    ("minimum_notice_minutes", "window_days"),
                    ("cancel_notice_minutes", "reschedule_notice_minutes"),
                ),
                "description": _(
                    "60 minutes are an hour, 1440 a day. Staff with permission to do so may set these aside."
                ),
            },
        ),
        (
            _("Who and what it takes"),
            {
                "fields": ("assignment", ("people_needed", "rooms_needed"), ("equipment_needed", "units_needed")),
                "description": _("One booking takes this many of each kind, out of those listed below."),
            },
        ),
    )

    @admin.display(description=_("duration"), ordering="duration_minutes")
    def duration(self, service: Service) -> str:
        """The customer's part, in minutes."""
        return _("%(minutes)d min") % {"minutes": service.duration_minutes}

    @admin.display(description=_("price"), ordering="price")
    def price_shown(self, service: Service) -> str:
        """The price with its currency."""
        return "" if service.price is None else f"{service.price} {service.currency}".strip()

    @admin.display(description=_("on the site"))
    def on_site(self, service: Service) -> SafeString | str:
        """A link to its free times."""
        if not service.is_active:
            return "–"
        return format_html('<a href="/book/{}/">{}</a>', service.slug, _("free times"))

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """A service with appointments is switched off, not deleted."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.appointments.exists())
