"""One request, one answer: the key of a request is claimed in the booking's own transaction."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from governance import tenancy
from governance.fields import uuid7
from scheduling.bookings.refusals import DifferentBody
from scheduling.kept import adapted
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

    def claim(self, appointment_id: UUID, *, at: datetime) -> Booked | None:
        """Be the first, with the appointment that is about to be made, or get the first one's answer.

        The same key at the same moment waits here for the other's outcome. Refuses with `DifferentBody`.
        """
        if not self.key or self._is_first(appointment_id, at):
            return None
        return self.answer()

    def _is_first(self, appointment_id: UUID, at: datetime) -> bool:
        """Put the key in; how many rows that made says who was first."""
        ids = (uuid7(), tenancy.current_id(), appointment_id)
        own, tenant, appointment, moment = (adapted(value, connection) for value in (*ids, at))
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [own, tenant, self.key, self.body_hash, appointment, moment])
            return bool(cursor.rowcount == 1)

    def answer(self) -> Booked | None:
        """What this request was answered before, if it was. Refuses with `DifferentBody`."""
        known = IdempotencyKey.objects.select_related("appointment").filter(key=self.key).first() if self.key else None
        if known is None:
            return None
        if not secrets.compare_digest(known.body_hash, self.body_hash):
            raise DifferentBody
        return Booked(known.appointment, known.appointment.manage_token(), False)


_CLAIM = (
    "INSERT INTO scheduling_idempotencykey (id, tenant_id, key, body_hash, appointment_id, created_at) "
    "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, key) DO NOTHING"
)
