"""What every page must say about who looks at it."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import impersonation
from accounts.models import User
from accounts.session_store import StoreDown


def seen_as(request: HttpRequest) -> dict[str, Any]:
    """`seen_as`: the member as whom somebody sees the site, `seen_by` being who they are; None for everybody else.

    Public pages ask the session only where the marking cookie says that there is something to ask.
    """
    return {"seen_as": SimpleLazyObject(lambda: _other(request))}


def _other(request: HttpRequest) -> User | None:
    if impersonation.COOKIE not in request.COOKIES and not hasattr(request, "_session_user"):
        return None
    try:
        user = request.user
        return user if isinstance(user, User) and user.seen_by is not None else None
    except StoreDown:
        return None
