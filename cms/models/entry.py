"""A post or a page: the thing itself, without words, address or state of its own."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.fields import uuid7
from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager


class Kind(models.TextChoices):
    """What an entry is."""

    POST = "post", _("post")
    PAGE = "page", _("page")


class EntryQuerySet(models.QuerySet["Entry"]):
    """Choices of entries, read aloud."""

    def kept(self) -> Self:
        """Those that are not in the trash."""
        return self.filter(trashed_at=None)

    def trashed(self) -> Self:
        """Those in the trash."""
        return self.exclude(trashed_at=None)


class Entry(TenantOwned):
    """What is written stands in its revisions, what is public when in its publications.

    `work` is the same for translations of one text; each language is an entry of its own.
    """

    kind = models.CharField(_("kind"), max_length=4, choices=Kind.choices, editable=False)
    locale = models.CharField(_("language"), max_length=10, editable=False)
    work = models.UUIDField(default=uuid7, editable=False)
    parent = models.ForeignKey(
        "self", verbose_name=_("beneath"), on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    created_at = models.DateTimeField(_("created"), editable=False)
    trashed_at = models.DateTimeField(_("in the trash since"), null=True, editable=False)

    objects = TenantManager.from_queryset(EntryQuerySet)()  # type: ignore[misc]

    Kind = Kind

    class Meta(TenantOwned.Meta):
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "work", "locale"], name="entry_once_per_language"),
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="entry_kind_known"),
            models.CheckConstraint(
                condition=models.Q(kind=Kind.PAGE) | models.Q(parent=None), name="entry_only_pages_nest"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk.hex[-8:]}"

    def is_trashed(self) -> bool:
        """Whether it lies in the trash."""
        return self.trashed_at is not None

    def trash(self, *, at: datetime) -> None:
        """Put it in the trash."""
        self.trashed_at = at
        self.save(update_fields=["trashed_at"])

    def restore(self) -> None:
        """Take it out again."""
        self.trashed_at = None
        self.save(update_fields=["trashed_at"])
