"""Answers to signals of Django, axes and django-otp: failures go into the ledger, changed hosts are looked up anew."""

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_login_failed
from django_otp.forms import otp_verification_failed

from accounts import guesses, signin
from governance import tenancy


def note_wrong_password(sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any) -> None:
    """A wrong password, or an unknown e-mail; one that was not looked at is `note_lock`'s."""
    if tenancy.current_id_or_none() is not None and request is not None and not guesses.is_refused(request):
        signin.note_failure(str(credentials.get("username", "")), reason="password")


def note_lock(sender: Any, request: Any, **kwargs: Any) -> None:
    """No place for a guess at an e-mail."""
    if tenancy.current_id_or_none() is not None:
        email = guesses.attempted_email(request, getattr(request, "axes_credentials", None))
        signin.note_failure(email, what="accounts.signin.locked", reason="too many wrong passwords", always=True)


def note_wrong_token(sender: Any, user: Any, **kwargs: Any) -> None:
    """A wrong or used second factor."""
    signin.note_failure(user.email, what="accounts.factor.failed", reason="authenticator")


def connect() -> None:
    """Wire everything, once."""
    user_login_failed.connect(note_wrong_password, dispatch_uid="accounts.note_wrong_password")
    user_locked_out.connect(note_lock, dispatch_uid="accounts.note_lock")
    otp_verification_failed.connect(note_wrong_token, dispatch_uid="accounts.note_wrong_token")
