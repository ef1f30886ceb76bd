"""What the entries and messages of this app are called in the ledger and the outbox."""

from django.utils.translation import gettext_lazy as _

from audit import wording

wording.name(
    {
        "scheduling.appointment.held": _("Held for a visitor"),
        "scheduling.appointment.hold_moved": _("Held for a visitor, another time"),
        "scheduling.appointment.expired": _("Released"),
        "scheduling.appointment.booked": _("Booked"),
        "scheduling.appointment.confirmed": _("Confirmed"),
        "scheduling.appointment.rescheduled": _("Moved"),
        "scheduling.appointment.cancelled": _("Cancelled"),
        "scheduling.appointment.completed": _("Completed"),
        "scheduling.appointment.no_show": _("No-show"),
        "scheduling.appointment.link_renewed": _("New link sent out"),
        "scheduling.bookable.opened_weekly": _("Weekly hours set"),
        "scheduling.holiday.kept": _("Holidays kept"),
        "scheduling.confirmation": _("Confirmation to the customer"),
        "scheduling.change": _("News of another time, to the customer"),
        "scheduling.cancellation": _("Cancellation to the customer"),
    }
)
