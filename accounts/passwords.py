"""Choosing a password, and the link with which somebody chooses their first."""

from datetime import datetime

from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, User
from audit import ledger


class LinkOver(ValidationError):
    """The link was used, is older than three days, or was never one."""

    def __init__(self) -> None:
        super().__init__(_("This link has been used or is too old. Ask for a new one."), code="link_over")


def change(user: User, *, new: str, at: datetime) -> None:
    """Set a new password, validated by the caller; every session ends at its next request."""
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        user.end_sessions()
        ledger.record("accounts.password.changed", user)


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
