"""Browsers somebody came in with before, known by a random cookie of which a digest per user is kept."""

from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings

from accounts.models import KnownDevice, User
from governance import tenancy

if TYPE_CHECKING:
    from django.http import HttpRequest

LONGEST = 200


def _cookie(request: "HttpRequest") -> str:
    value = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "")
    return value if len(value) <= LONGEST else ""


def _digest(user: User, value: str) -> str:
    """Salted with the user, so that two accounts used in one browser cannot be told to share it."""
    return sha256(b"verso.device" + user.pk.bytes + value.encode("utf-8", "surrogatepass")).hexdigest()


def is_known(request: "HttpRequest", user: User | None) -> bool:
    """Whether this user came in with this browser before, in the active tenant."""
    value = _cookie(request)
    if not value or user is None or tenancy.current_id_or_none() is None:
        return False
    return bool(KnownDevice.objects.filter(user=user, digest=_digest(user, value)).exists())
