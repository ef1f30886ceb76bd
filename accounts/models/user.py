"""A person who signs in. E-mail is the login; rights come from role grants, never from flags here."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import (  # type: ignore[attr-defined]
    AbstractBaseUser,
    BaseUserManager,
    _user_has_module_perms,
    _user_has_perm,
)
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.authenticator import Authenticator
from accounts.models.security_key import SecurityKey
from governance.fields import uuid7


def normalise_email(email: str) -> str:
    """The form in which two spellings of one address are equal: NFKC, case-folded, trimmed."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


class UserManager(BaseUserManager["User"]):
    """Finds and makes users by e-mail."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """A new user; without a password they can only arrive by another door."""
        user = self.model(email=email.strip(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email_key=normalise_email(username or ""))


class User(AbstractBaseUser):  # type: ignore[django-manager-missing]
    """A person who signs in, to one tenant or several.

    `is_operator` marks those who run the platform: with a staff membership in a tenant they also see what belongs to
    no tenant (tenants, hosts, the beat's timetable). Only `manage.py create_owner --operator` sets it; no page does.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    email_key = models.CharField(max_length=254, unique=True, editable=False)
    display_name = models.CharField(_("name"), max_length=120, blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    is_operator = models.BooleanField(_("operates the platform"), default=False, editable=False)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    # When the password was chosen, and why the next sign-in must choose another ("" when it need not).
    password_set_at = models.DateTimeField(_("password chosen"), null=True, editable=False)
    # When a breach was last looked for, and none found; None after each change.
    password_checked_at = models.DateTimeField(_("looked for in breaches"), null=True, editable=False)
    password_must_change = models.CharField(max_length=20, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    # How strongly the session this user was loaded from is verified; None outside a session. See `accounts.signin`.
    assurance_level: int | None = None
    # Who really sits there while this user is seen by somebody else, and until when. See `accounts.impersonation`.
    seen_by: "User | None" = None
    seen_until: datetime | None = None
    # What the API token this user was loaded by may do; None without one. See `accounts.tokens`.
    token_scopes: frozenset[str] | None = None
    # What `policies.held` read for this object, by tenant.
    held_here: dict[Any, Any] | None = None

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["email_key"]

    def __str__(self) -> str:
        return self.display_name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the login key in step with the e-mail."""
        self.email_key = normalise_email(self.email)
        super().save(*args, **kwargs)

    def get_short_name(self) -> str:
        """How pages greet them."""
        return str(self)

    @classmethod
    def of_tenant(cls) -> "models.QuerySet[User]":
        """Users with a membership in the active tenant, ended ones included."""
        return cls.objects.filter(pk__in=apps.get_model("accounts", "Membership").objects.values("user"))

    def has_perm(self, code: str, obj: models.Model | None = None) -> bool:
        """Whether a live grant in the active tenant permits this."""
        return self.is_active and _user_has_perm(self, code, obj)

    def has_perms(self, codes: Iterable[str], obj: models.Model | None = None) -> bool:
        """Whether all of these are permitted."""
        return all(self.has_perm(code, obj) for code in codes)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether anything in this app is permitted."""
        return self.is_active and _user_has_module_perms(self, app_label)

    def end_sessions(self) -> None:
        """End every session at its next request. Whoever acts in one renews it with `signin.step_up`."""
        User.objects.filter(pk=self.pk).update(session_epoch=models.F("session_epoch") + 1)
        self.refresh_from_db(fields=["session_epoch"])

    def has_second_factor(self) -> bool:
        """Whether an authenticator or a security key is enrolled, for whichever host. One query."""
        mine = User.objects.filter(pk=self.pk)
        either = models.Exists(Authenticator.objects.filter(user=self, confirmed=True)) | models.Exists(
            SecurityKey.objects.filter(user=self)
        )
        return mine.filter(either).exists()
