"""What is public when: one revision at one address for one span of time."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cms.models.entry import Entry
from cms.models.release import Release
from cms.models.revision import Revision
from governance.models import TenantOwned
from governance.models.tenant_owned import TenantManager


class PublicationQuerySet(models.QuerySet["Publication"]):
    """Choices of publications, read aloud."""

    def standing(self) -> Self:
        """Those that were not called off."""
        return self.filter(cancelled_at=None)

    def live(self) -> Self:
        """What is public now, by the clock of the database."""
        return self.live_at(Now())

    def live_at(self, moment: datetime | Now) -> Self:
        """What is public at a moment."""
        return self.standing().filter(Q(ends_at=None) | Q(ends_at__gt=moment), starts_at__lte=moment)

    def planned(self) -> Self:
        """What will be, and is not yet."""
        return self.standing().filter(starts_at__gt=Now())

    def over(self) -> Self:
        """What was public once."""
        return self.standing().filter(ends_at__lte=Now())


class Publication(TenantOwned):
    """Two of one entry never overlap, nor two of one address: the database sees to both, for all time to come.

    `expires_at` is what somebody asked for; `ends_at` is the earlier of that and the start of whatever supersedes it.
    The words lists need lie here once more, as they were published; `html` is the rendered text.
    """

    entry = models.ForeignKey(Entry, verbose_name=_("entry"), on_delete=models.PROTECT, related_name="publications")
    revision = models.ForeignKey(
        Revision, verbose_name=_("revision"), on_delete=models.PROTECT, related_name="publications"
    )
    release = models.ForeignKey(
        Release, verbose_name=_("release"), on_delete=models.PROTECT, null=True, related_name="publications"
    )
    kind = models.CharField(max_length=4, choices=Entry.Kind.choices, editable=False)
    locale = models.CharField(_("language"), max_length=10)
    path = models.CharField(_("address"), max_length=400)
    title = models.CharField(_("title"), max_length=200)
    summary = models.TextField(_("summary"), blank=True)
    html = models.TextField(editable=False)
    # When the entry first came out: the date a reader sees, through all later versions.
    first_at = models.DateTimeField(_("first published"))
    starts_at = models.DateTimeField(_("begins"))
    expires_at = models.DateTimeField(_("taken down"), null=True)
    ends_at = models.DateTimeField(_("ends"), null=True)
    cancelled_at = models.DateTimeField(_("called off"), null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("published by"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(_("decided"))

    objects = TenantManager.from_queryset(PublicationQuerySet)()  # type: ignore[misc]

    class Meta(TenantOwned.Meta):
        verbose_name = _("publication")
        verbose_name_plural = _("publications")
        ordering = ["-starts_at"]
        indexes = [
            models.Index(fields=["tenant", "path", "locale", "-starts_at"], name="publication_at"),
            models.Index(fields=["tenant", "kind", "locale", "-first_at", "-id"], name="publication_list"),
            models.Index(fields=["entry", "-starts_at"], name="publication_history"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="publication_lasts"),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(ends_at__lte=F("expires_at")), name="publication_ends_by_expiry"
            ),
            models.CheckConstraint(
                condition=Q(path__startswith="/") & Q(path__endswith="/"), name="publication_path_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} · {self.title}"
