"""One request, one answer: the key of a request is claimed in the booking's own transaction."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from django.db import IntegrityError, transaction

from scheduling.bookings.refusals import DifferentBody
from scheduling.models import Appointment, IdempotencyKey


class Booked(NamedTuple):
    """The answer to a booking: `token` opens the manage link; `is_new` is false for a request sent before."""

    appointment: Appointment
    token: str
    is_new: bool


class Request(NamedTuple):
    """A request that may be sent twice: the SHA-256 of its key, empty for none, and the hash of its body."""

    key: str
    body_hash: str

    @classmethod
    def of(cls, request_id: str, body_hash: str) -> "Request":
        """The request of that id; any text will do."""
        return cls(sha256(request_id.encode("utf-8", "replace")).hexdigest() if request_id else "", body_hash)

    def claim(self, *, at: datetime) -> Booked | None:
        """Be the first, or get the first one's answer; the same key at the same moment waits here for its outcome.

        Refuses with `DifferentBody`.
        """
        if self.key:
            try:
                with transaction.atomic():
                    IdempotencyKey.objects.create(key=self.key, body_hash=self.body_hash, created_at=at)
            except IntegrityError:
                answered = self.answer()
                if answered is None:
                    raise
                return answered
        return None

    def answer(self) -> Booked | None:
        """What this request was answered before, if it was. Refuses with `DifferentBody`."""
        known = IdempotencyKey.objects.select_related("appointment").filter(key=self.key).first() if self.key else None
        if known is None or known.appointment is None:
            return None
        if not secrets.compare_digest(known.body_hash, self.body_hash):
            raise DifferentBody
        return Booked(known.appointment, known.appointment.manage_token(), False)

    def note(self, appointment: Appointment) -> None:
        """Keep what came of it."""
        if self.key:
            IdempotencyKey.objects.filter(key=self.key).update(appointment=appointment)
