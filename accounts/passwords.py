"""Choosing a password, the link with which somebody chooses their first, and when one must be chosen anew."""

from datetime import datetime, timedelta

from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext_lazy as _

from accounts import breaches, conf, factors, security
from accounts.models import Membership, PasswordHistory, User
from audit import ledger

BREACHED, EXPIRED = "breached", "expired"


class LinkOver(ValidationError):
    """The link was used, is older than three days, or was never one."""

    def __init__(self) -> None:
        super().__init__(_("This link has been used or is too old. Ask for a new one."), code="link_over")


def change(user: User, *, new: str, at: datetime) -> None:
    """Set a new password, validated by the caller; every session ends at its next request.

    The earlier one is remembered as its hash, as many of them as the policy in force says.
    """
    with transaction.atomic():
        kept = User.objects.select_for_update().get(pk=user.pk)
        _remember(kept, at=at)
        user.set_password(new)
        user.password_set_at, user.password_checked_at, user.password_must_change = at, None, ""
        user.save(update_fields=["password", "password_set_at", "password_checked_at", "password_must_change"])
        user.end_sessions()
        ledger.record("accounts.password.changed", user, reason=kept.password_must_change)


def choose_first(user: User, *, new: str, at: datetime) -> None:
    """Set a first password for somebody whose mailbox was just proven, validated by the caller.

    Whoever set up factors before that was let in by a provider alone, and may have been anybody: they go.
    """
    with transaction.atomic():
        change(user, new=new, at=at)
        factors.forget_all(user)


def _remember(user: User, *, at: datetime) -> None:
    if user.has_usable_password():
        PasswordHistory.objects.create(user=user, password=user.password, replaced_at=at)
    wanted = user.earlier_passwords.order_by("-replaced_at", "-pk").values("pk")[: security.in_force().password_history]
    user.earlier_passwords.exclude(pk__in=list(wanted.values_list("pk", flat=True))).delete()


def proved(user: User, password: str, *, at: datetime) -> None:
    """Look at a password that has just proved right: one that ran out, or is known from a breach, must be changed.

    A breach is asked about once a password, and again after `BREACH_AGAIN`: no sign-in waits for it twice.
    """
    if user.password_must_change not in ("", EXPIRED):
        return
    why = BREACHED if _is_breached(user, password, at=at) else EXPIRED if has_expired(user, at=at) else ""
    if why == user.password_must_change:
        return
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(password_must_change=why)
        user.password_must_change = why
        ledger.record("accounts.password.must_change" if why else "accounts.password.may_stay", user, reason=why)


def has_expired(user: User, *, at: datetime) -> bool:
    """Whether the policy in force sets a term, and it is over. By default there is none, for good reasons."""
    days = security.in_force().password_days
    return bool(days) and (user.password_set_at or user.created_at) + timedelta(days=days) <= at


def _is_breached(user: User, password: str, *, at: datetime) -> bool:
    """Whether the range service knows it; where it does not answer, whether the bundled list does."""
    checked_at = user.password_checked_at
    if not breaches.is_asked() or (checked_at and at - checked_at < conf.BREACH_AGAIN):
        return False
    known = breaches.is_known(password)
    if known is None:
        ledger.refused("accounts.password.checked", user, reason="the range service did not answer", outcome="failed")
        return breaches.is_common(password)
    if not known:
        User.objects.filter(pk=user.pk).update(password_checked_at=at)
        user.password_checked_at = at
    return known


def welcome_path(user: User) -> str:
    """The address, good for three days and one use, where a member chooses their first password."""
    kwargs = {"uid": urlsafe_base64_encode(force_bytes(user.pk)), "token": default_token_generator.make_token(user)}
    return reverse("accounts:welcome", kwargs=kwargs)


def welcomed(uid: str, token: str) -> User:
    """The active member of this tenant a link names. Refuses `LinkOver`."""
    try:
        user = User.objects.filter(pk=urlsafe_base64_decode(uid).decode(), is_active=True).first()
    except (ValueError, ValidationError):
        user = None
    if user is None or user.has_usable_password() or not default_token_generator.check_token(user, token):
        raise LinkOver
    if not Membership.objects.filter(user=user, is_active=True).exists():
        raise LinkOver
    return user
