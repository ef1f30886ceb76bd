"""How the verbs of booking say no. Each is a ValidationError with a sentence a visitor understands."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from scheduling.openings import Opening


class Refused(ValidationError):
    """A booking verb said no; `code` is the short name a program reads."""

    words: Any = _("This cannot be done.")
    short = "refused"

    def __init__(self, **params: Any) -> None:
        super().__init__(self.words, code=self.short, params=params or None)


class SlotTaken(Refused):
    """Somebody else has that time; `nearest` are the closest openings, in order."""

    words, short = _("This time has just been taken."), "taken"

    def __init__(self, *, nearest: Sequence[Opening] = ()) -> None:
        super().__init__()
        self.nearest = list(nearest)


class NotAnOpening(Refused):
    """Nobody is open then, or bookings do not begin at that minute."""

    words, short = _("This is not one of the times that can be booked."), "not_an_opening"


class TooSoon(Refused):
    """Less than the minimum notice ahead."""

    words, short = _("This time is too soon to be booked."), "too_soon"


class OutsideWindow(Refused):
    """Further ahead than the service can be booked."""

    words, short = _("This time is too far ahead to be booked yet."), "outside_window"


class HoldExpired(Refused):
    """The hold ran out before it was confirmed."""

    words, short = (
        _("The time was kept for you for a few minutes, which are over. Please choose it again."),
        "hold_expired",
    )


class TooLate(Refused):
    """Past the notice in which the customer may cancel or move."""

    words, short = _("It is too late to change this appointment here. Please call us."), "too_late"


class NotYet(Refused):
    """What ends an appointment cannot be said before it has begun."""

    words, short = _("This appointment has not begun yet."), "not_yet"


class AlreadyOver(Refused):
    """Cancelled, expired, completed, or past."""

    words, short = _("This appointment is already over or was cancelled."), "already_over"


class DifferentBody(Refused):
    """The same request key came with other content."""

    words, short = _("This request was already sent with other content. Please start again."), "different_body"


class ReasonMissing(Refused):
    """A rule was to be set aside without saying why."""

    words, short = _("Please say why the rule is set aside."), "reason_missing"


class NotAllowed(Refused):
    """A rule was to be set aside by somebody who may not."""

    words, short = _("You may not set this rule aside."), "not_allowed"


class Crowded(Refused):
    """The database could not settle the race in a few tries."""

    words, short = _("Many people are booking right now. Please try again."), "crowded"
