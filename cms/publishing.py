"""What is public when. Publishing is planning that begins now; nothing has to run for a plan to come true.

Of one entry the publications follow one another: each ends where the next begins, or when it expires. The database
refuses overlaps, of an entry and of an address, for all time (`cms.guards`); here they are told in words.
"""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit import ledger
from cms import addresses, drafting, guards, rendering
from cms.models import Entry, Publication, Release, Revision


class PathTaken(ValidationError):
    """Another entry has, or will have, this address then."""

    def __init__(self, path: str) -> None:
        super().__init__(_("The address %(path)s is taken then."), code="path_taken", params={"path": path})


class PlannedThen(ValidationError):
    """Another version of this entry begins at that very moment."""

    def __init__(self) -> None:
        super().__init__(_("Another version is planned for that moment."), code="planned_then")


class NotThisEntrys(ValidationError):
    """The revision belongs to another entry."""

    def __init__(self) -> None:
        super().__init__(_("This version belongs to another entry."), code="not_this_entrys")


class WrongSpan(ValidationError):
    """It would end before it begins, or begin in the past."""

    def __init__(self) -> None:
        super().__init__(_("It must begin now or later, and end after that."), code="wrong_span")


class HasBegun(ValidationError):
    """What has begun cannot be called off, only taken down."""

    def __init__(self) -> None:
        super().__init__(_("This is public already, or was. Take it down instead."), code="has_begun")


class NotPublic(ValidationError):
    """Nothing of it is public."""

    def __init__(self) -> None:
        super().__init__(_("Nothing of this is public."), code="not_public")


def publish(entry: Entry, revision: Revision, *, by: User | None, at: datetime) -> Publication:
    """Make a revision public from now on. Refuses as `schedule`."""
    return schedule(entry, revision, starts_at=at, by=by, at=at)


def schedule(
    entry: Entry,
    revision: Revision,
    *,
    starts_at: datetime,
    by: User | None,
    at: datetime,
    expires_at: datetime | None = None,
    release: Release | None = None,
) -> Publication:
    """Plan a revision to be public from `starts_at` until `expires_at`, the next version, or for good.

    Refuses `NotThisEntrys`, `WrongSpan`, `PlannedThen`, `PathTaken`, `addresses.NoAddress`, `drafting.InTheTrash`.
    """
    if revision.entry_id != entry.pk:
        raise NotThisEntrys
    if starts_at < at or (expires_at is not None and expires_at <= starts_at):
        raise WrongSpan
    path = addresses.of(entry, revision.slug, at=starts_at)
    try:
        with transaction.atomic():
            entry = drafting.locked(entry)
            made = _placed(entry, revision, path, starts_at, expires_at, release=release, by=by, at=at)
            ledger.record(
                "cms.entry.published" if starts_at == at else "cms.entry.scheduled", entry, changes=_told(made)
            )
    except IntegrityError as refused:
        if guards.refused(refused) == guards.ONE_PER_PATH:
            raise PathTaken(path) from refused
        raise
    return made


def _placed(
    entry: Entry,
    revision: Revision,
    path: str,
    starts_at: datetime,
    expires_at: datetime | None,
    *,
    release: Release | None,
    by: User | None,
    at: datetime,
) -> Publication:
    standing = Publication.objects.standing().filter(entry=entry)
    if standing.filter(starts_at=starts_at).exists():
        raise PlannedThen
    earlier = standing.filter(starts_at__lt=starts_at).order_by("-starts_at").first()
    later = standing.filter(starts_at__gt=starts_at).order_by("starts_at").first()
    if earlier is not None and (earlier.ends_at is None or earlier.ends_at > starts_at):
        earlier.ends_at = starts_at
        earlier.save(update_fields=["ends_at"])
    first = standing.filter(starts_at__lte=starts_at).order_by("starts_at").values_list("first_at", flat=True).first()
    return Publication.objects.create(
        entry=entry,
        revision=revision,
        release=release,
        kind=entry.kind,
        locale=entry.locale,
        path=path,
        title=revision.title,
        summary=revision.content.get("summary", ""),
        html=rendering.body_of(revision),
        first_at=first or starts_at,
        starts_at=starts_at,
        expires_at=expires_at,
        ends_at=min(filter(None, (expires_at, later.starts_at if later else None)), default=None),
        published_by=by,
        made_at=at,
    )


def unpublish(entry: Entry, *, by: User | None, at: datetime, when: datetime | None = None) -> Publication:
    """Take down what is public, now or `when`; what is planned after that stays. Refuses `NotPublic`, `WrongSpan`."""
    when = when or at
    if when < at:
        raise WrongSpan
    with transaction.atomic():
        entry = drafting.locked(entry)
        live = Publication.objects.live_at(when).filter(entry=entry, starts_at__lt=when).first()
        if live is None:
            raise NotPublic
        before, live.expires_at, live.ends_at = live.ends_at, when, when
        live.save(update_fields=["expires_at", "ends_at"])
        facts = {"publication": [None, str(live.pk)], "ends_at": [_stamp(before), _stamp(when)]}
        ledger.record("cms.entry.unpublished", entry, changes=facts)
    return live


def cancel(publication: Publication, *, by: User | None, at: datetime) -> Publication:
    """Call a plan off; the version before it goes on instead. Refuses `HasBegun`."""
    with transaction.atomic():
        entry = drafting.locked(publication.entry)
        planned = Publication.objects.standing().filter(pk=publication.pk, starts_at__gt=at).first()
        if planned is None:
            raise HasBegun
        planned.cancelled_at = at
        planned.save(update_fields=["cancelled_at"])
        _go_on(entry, planned)
        ledger.record("cms.entry.plan_cancelled", entry, changes=_told(planned))
    return planned


def _go_on(entry: Entry, instead_of: Publication) -> None:
    """Whatever ended only because of a plan that was called off lasts until the next one, or its own expiry."""
    standing = Publication.objects.standing().filter(entry=entry)
    before = standing.filter(ends_at=instead_of.starts_at).filter(
        Q(expires_at=None) | Q(expires_at__gt=instead_of.starts_at)
    )
    for row in before.order_by("-starts_at")[:1]:
        later = standing.filter(starts_at__gt=row.starts_at).order_by("starts_at").first()
        row.ends_at = min(filter(None, (row.expires_at, later.starts_at if later else None)), default=None)
        row.save(update_fields=["ends_at"])


def _told(made: Publication) -> dict[str, list[str | None]]:
    """What the ledger says of a publication: which words exactly, where and when."""
    return {
        "publication": [None, str(made.pk)],
        "sha256": [None, made.revision.sha256],
        "path": [None, made.path],
        "starts_at": [None, _stamp(made.starts_at)],
        "ends_at": [None, _stamp(made.ends_at)],
    }


def _stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
