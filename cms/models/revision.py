"""What was written: one immutable state of an entry's content."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cms.models.entry import Entry
from governance.models import TenantOwned


class Origin(models.TextChoices):
    """By which door it came."""

    ADMIN = "admin", _("written")
    REVERT = "revert", _("reverted")
    IMPORT = "import", _("imported")
    COMMAND = "command", _("by command")


class Revision(TenantOwned):
    """The database refuses to change or delete it, but for its author's name. `sha256` is over the canonical JSON."""

    entry = models.ForeignKey(Entry, verbose_name=_("entry"), on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField(_("number"))
    base = models.ForeignKey("self", verbose_name=_("made from"), on_delete=models.PROTECT, null=True, related_name="+")
    content = models.JSONField(_("content"))
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    author_label = models.CharField(_("author's name"), max_length=120, blank=True)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin.choices)
    created_at = models.DateTimeField(_("saved"))

    Origin = Origin

    class Meta(TenantOwned.Meta):
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "number"], name="revision_numbered"),
            models.CheckConstraint(condition=models.Q(number__gt=0), name="revision_from_one"),
            models.CheckConstraint(condition=models.Q(origin__in=Origin.values), name="revision_origin_known"),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"

    @property
    def title(self) -> str:
        """What it is called."""
        return self._said("title")

    @property
    def slug(self) -> str:
        """Its part of the address."""
        return self._said("slug")

    @property
    def body(self) -> str:
        """Its text, as cleaned when it was saved."""
        return self._said("body")

    def _said(self, name: str) -> str:
        value: Any = self.content.get(name, "")
        return str(value)
