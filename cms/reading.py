"""What readers find: a path, the blog's list. Questions only; each costs one query, whatever the number of entries."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core import signing
from django.db.models import Q
from django.db.models.functions import Now

from cms.models import Entry, Publication

PAGE_SIZE = 12
SALT = "cms.list"
LIGHT = ("html", "summary")


@dataclass(frozen=True, slots=True)
class Moved:
    """The entry is elsewhere now."""

    to: str


@dataclass(frozen=True, slots=True)
class Gone:
    """It was here, and is not any more."""


class NoCursor(ValueError):
    """Not a place in a list of ours."""


def at(path: str, *, languages: list[str]) -> Publication | Moved | Gone | None:
    """What a reader finds at a path, in the first of their languages there is, else in any.

    An address of old leads to where the entry is now, in one step, however often it moved.
    """
    live = list(Publication.objects.live().filter(path=path).select_related("revision", "entry"))
    if live:
        return min(live, key=lambda row: languages.index(row.locale) if row.locale in languages else len(languages))
    former = Publication.objects.standing().filter(path=path, starts_at__lte=Now()).order_by("-starts_at").first()
    if former is None:
        return None
    now = Publication.objects.live().filter(entry=former.entry_id).defer(*LIGHT).first()
    return Moved(now.path) if now else Gone()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list, and the cursor of what comes after it; "" at the end."""

    rows: list[Publication]
    after: str = ""


def posts(*, locale: str, after: str = "", size: int = PAGE_SIZE) -> Page:
    """The live posts of a language, newest first, after a cursor. Refuses with `NoCursor`."""
    rows = Publication.objects.live().filter(kind=Entry.Kind.POST, locale=locale).defer("html")
    if after:
        first_at, key = _place(after)
        rows = rows.filter(Q(first_at__lt=first_at) | Q(first_at=first_at, id__lt=key), first_at__lte=first_at)
    found = list(rows.order_by("-first_at", "-id")[: size + 1])
    return Page(found[:size], _cursor(found[size - 1]) if len(found) > size else "")


def _cursor(row: Publication) -> str:
    return signing.dumps([row.first_at.isoformat(), str(row.pk)], salt=SALT)


def _place(cursor: str) -> tuple[datetime, UUID]:
    try:
        first_at, key = signing.loads(cursor, salt=SALT)
        return datetime.fromisoformat(first_at), UUID(key)
    except (signing.BadSignature, ValueError, TypeError) as wrong:
        raise NoCursor from wrong
