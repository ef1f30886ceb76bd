"""Writing: entries are begun, and every save is a revision of its own. Nothing public changes by it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit import ledger
from cms import content
from cms.models import Entry, Revision


class StaleSave(ValidationError):
    """Somebody saved meanwhile. Both texts are kept; `head` is theirs."""

    def __init__(self, head: Revision) -> None:
        super().__init__(_("Somebody saved this meanwhile. Compare, and save again."), code="stale")
        self.head = head


class InTheTrash(ValidationError):
    """Nobody writes in the trash."""

    def __init__(self) -> None:
        super().__init__(_("This lies in the trash. Restore it first."), code="trashed")


class NothingNew(ValidationError):
    """It says what the last revision says."""

    def __init__(self) -> None:
        super().__init__(_("Nothing was changed, so nothing was saved."), code="nothing_new")


class WrongPlace(ValidationError):
    """A page lies beneath a page of the same language, and not beneath itself."""

    def __init__(self) -> None:
        super().__init__(_("A page cannot lie there."), code="wrong_place")


def begin(
    kind: str,
    written: Mapping[str, Any],
    *,
    locale: str,
    by: User | None,
    at: datetime,
    parent: Entry | None = None,
    translates: Entry | None = None,
    origin: str = Revision.Origin.ADMIN,
) -> Revision:
    """A new entry with its first revision. Refuses `NotContent`, `WrongPlace`."""
    if parent is not None and (kind != Entry.Kind.PAGE or parent.kind != Entry.Kind.PAGE or parent.locale != locale):
        raise WrongPlace
    same_work = {"work": translates.work} if translates else {}
    with transaction.atomic():
        entry = Entry.objects.create(kind=kind, locale=locale, parent=parent, created_at=at, **same_work)
        return _kept(entry, written, base=None, by=by, at=at, origin=origin)


def save(
    entry: Entry,
    written: Mapping[str, Any],
    *,
    expected: Revision | None,
    by: User | None,
    at: datetime,
    origin: str = Revision.Origin.ADMIN,
) -> Revision:
    """One more revision, made from `expected`. Refuses `StaleSave`, `InTheTrash`, `NothingNew`, `NotContent`."""
    with transaction.atomic():
        entry = locked(entry)
        base = head(entry)
        if base != expected:
            raise StaleSave(base)  # type: ignore[arg-type]
        return _kept(entry, written, base=base, by=by, at=at, origin=origin)


def revert(entry: Entry, to: Revision, *, by: User | None, at: datetime) -> Revision:
    """An earlier revision's words once more, as a new revision on top. Refuses as `save`."""
    written = {name: to.content.get(name, "") for name in content.NAMES}
    return save(entry, written, expected=head(entry), by=by, at=at, origin=Revision.Origin.REVERT)


def head(entry: Entry) -> Revision | None:
    """The newest revision."""
    return Revision.objects.filter(entry=entry).order_by("-number").first()


def locked(entry: Entry) -> Entry:
    """The entry, held until the transaction is over. Refuses `InTheTrash`."""
    row: Entry = Entry.objects.select_for_update().get(pk=entry.pk)
    if row.is_trashed():
        raise InTheTrash
    return row


def _kept(
    entry: Entry, written: Mapping[str, Any], *, base: Revision | None, by: User | None, at: datetime, origin: str
) -> Revision:
    said = content.tidied(written)
    if base is not None and base.content == said:
        raise NothingNew
    revision = Revision.objects.create(
        entry=entry,
        number=base.number + 1 if base else 1,
        base=base,
        content=said,
        sha256=content.digest(said),
        author=by,
        author_label=str(by)[:120] if by else "",
        origin=origin,
        created_at=at,
    )
    facts = {"revision": [str(base.pk) if base else None, str(revision.pk)], "sha256": [None, revision.sha256]}
    ledger.record("cms.revision.saved", entry, changes=facts)
    return revision
