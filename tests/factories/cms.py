"""Posts and pages for stories."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cms import drafting, publishing
from cms.models import Entry, Publication, Revision

LONG_AGO = timezone.now().replace(microsecond=0) - timedelta(days=30)


def words(title: str = "Sleep well", **more: Any) -> dict[str, Any]:
    """What somebody wrote."""
    return {"title": title, "body": f"<p>{title}, and <strong>stay</strong> so.</p>", **more}


def make_post(title: str = "Sleep well", *, locale: str = "en", at: datetime = LONG_AGO, **more: Any) -> Revision:
    """A post nobody has published."""
    return drafting.begin(Entry.Kind.POST, words(title, **more), locale=locale, by=None, at=at)


def make_page(title: str = "About", *, parent: Entry | None = None, locale: str = "en", **more: Any) -> Revision:
    """A page nobody has published."""
    return drafting.begin(Entry.Kind.PAGE, words(title, **more), locale=locale, parent=parent, by=None, at=LONG_AGO)


def another(revision: Revision, title: str, **more: Any) -> Revision:
    """The same entry, written anew."""
    head = drafting.head(revision.entry)
    return drafting.save(revision.entry, words(title, **more), expected=head, by=None, at=timezone.now())


def publish(
    revision: Revision, *, at: datetime = LONG_AGO, starts_at: datetime | None = None, **more: Any
) -> Publication:
    """Make it public, long ago if nothing is said."""
    return publishing.schedule(revision.entry, revision, starts_at=starts_at or at, by=None, at=at, **more)
