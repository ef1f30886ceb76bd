"""A natural person a tenant holds data about: the only place of their name, e-mail and phone."""

import time
from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance import keys, tenancy
from governance.models.encrypted import BlindIndexField, EncryptedTextField, PersonKeyField
from governance.models.tenant_owned import TenantOwned


class Person(TenantOwned):
    """One natural person, whether or not they can sign in. Written through `governance.people`."""

    name = EncryptedTextField(_("name"), person="self", max_length=200)
    email = EncryptedTextField(_("e-mail"), person="self", max_length=254, blank=True, default="")
    phone = EncryptedTextField(_("phone"), person="self", max_length=40, blank=True, default="")
    email_index = BlindIndexField(of="email")
    phone_index = BlindIndexField(of="phone")
    wrapped_key = PersonKeyField(null=True, editable=False)
    key_generation = models.PositiveSmallIntegerField(_("key generation"), default=1, editable=False)
    locale = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now, editable=False)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("person")
        verbose_name_plural = _("people")
        indexes = [
            models.Index(fields=["tenant", "email_index"], name="person_by_email"),
            models.Index(fields=["tenant", "phone_index"], name="person_by_phone"),
            models.Index(fields=["tenant", "-created_at"], name="person_newest"),
        ]

    def __str__(self) -> str:
        """The name; for an erased person, that and when; never an error."""
        try:
            return str(self.name)
        except keys.Erased:
            return str(erased_words(self.erased_at))
        except (keys.Unreadable, tenancy.NoTenant, tenancy.AnotherTenant):
            return str(_("unreadable"))

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any) -> Self:
        """The row as read now; `read_at` (monotonic seconds) says when, for the erase epoch."""
        person = super().from_db(db, field_names, values, **kwargs)
        person.read_at = time.monotonic()
        return person

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read the row again."""
        super().refresh_from_db(*args, **kwargs)
        self.read_at = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        """Without the key: what lies in a cache or a queue must ask the database before it can be read."""
        state: dict[str, Any] = super().__getstate__()
        for name in ("wrapped_key", "key_generation", "erased_at", "read_at"):
            state.pop(name, None)
        return state


def erased_words(at: Any) -> str:
    """How an erased value is shown."""
    if at is None:
        return str(_("erased"))
    return str(_("erased on %(date)s") % {"date": timezone.localtime(at).date().isoformat()})


class NameToken(TenantOwned):
    """The keyed hash of a beginning of one word of a person's name: how staff find people by name."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="name_tokens")
    token = models.CharField(max_length=32)

    class Meta(TenantOwned.Meta):
        verbose_name = _("name token")
        verbose_name_plural = _("name tokens")
        constraints = [models.UniqueConstraint(fields=["tenant", "token", "person"], name="one_name_token")]

    def __str__(self) -> str:
        return self.token
