"""API tokens: with one a program acts for its maker, for some of what they may do, until a day. Never a session."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts import conf, policies
from accounts.models import ApiToken, User
from audit import ledger

BEGINS = "verso_"
SHOWN = len(BEGINS) + 6
USED_EVERY = timedelta(minutes=1)
USE = "accounts.use_api"


class MoreThanOwn(ValidationError):
    """A token may do no more than its maker, who must be allowed to make one."""

    def __init__(self) -> None:
        super().__init__(_("A token can hold only what you may do yourself."), code="more_than_own")


class TooLong(ValidationError):
    """A token ends in the future, within a year."""

    def __init__(self) -> None:
        super().__init__(_("The end must lie in the future, at most a year from now."), code="too_long")


class NotYours(ValidationError):
    """Tokens are revoked by their makers, and by staff of no lower rank."""

    def __init__(self) -> None:
        super().__init__(_("You cannot revoke this token."), code="not_yours")


def digest(secret: str) -> str:
    """What is kept of a token. It is random and long, so that one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make(
    user: User, *, name: str, scopes: Iterable[str], expires_at: datetime, by: User, at: datetime
) -> tuple[ApiToken, str]:
    """A token for oneself, and its secret, which nobody can show again. Refuses `MoreThanOwn` and `TooLong`."""
    wanted, own = frozenset(scopes), policies.usable_permissions(user)
    if by.pk != user.pk or USE not in own or not wanted or not wanted <= own:
        raise MoreThanOwn
    if not at < expires_at <= at + conf.TOKEN_LIFE:
        raise TooLong
    secret = BEGINS + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = ApiToken(user=user, name=name.strip(), scopes=sorted(wanted), created_at=at, expires_at=expires_at)
        token.prefix, token.digest = secret[:SHOWN], digest(secret)
        token.full_clean(exclude=["prefix", "digest"])
        token.save()
        changes = {"scopes": [None, token.scopes], "until": [None, expires_at.isoformat()]}
        ledger.record("accounts.token.made", token, changes=changes)
    return token, secret


def revoke(token: ApiToken, *, by: User, at: datetime, reason: str = "") -> None:
    """End a token; twice does nothing. Refuses `NotYours`."""
    is_own = token.user_id == by.pk
    if not is_own and not policies.stands_over(by, token.user):
        raise NotYours
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
            ledger.record("accounts.token.revoked", token, reason=reason or ("by its maker" if is_own else "by staff"))


def bearer(secret: str, *, at: datetime) -> tuple[User, ApiToken] | None:
    """Whom a token speaks for, with its scopes on them; None for one that opens nothing (any more)."""
    token = ApiToken.objects.live(at=at).filter(digest=digest(secret)).select_related("user").first()
    if token is None:
        return None
    user = token.user
    if not policies.held(user).is_member:  # an ended membership, an inactive account
        return None
    user.token_scopes = frozenset(token.scopes)
    _note_use(token, at=at)
    return user, token


def _note_use(token: ApiToken, *, at: datetime) -> None:
    """At most once a minute, so that reading does not write each time."""
    stale = models.Q(last_used_at=None) | models.Q(last_used_at__lt=at - USED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=at)


def note_write(token: ApiToken, *, route: str) -> None:
    """Put into the ledger that a program is about to change something with this token."""
    ledger.record("accounts.token.used", token, reason=f"{token.prefix}… {route}")
