"""Reading the ledger: changes field by field, personal values opened where their person's key still lives."""

from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.db import models
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from audit import conf, context, ledger, wording
from audit.models import Event


class Change(NamedTuple):
    """One field of an event, as people read it; "" where there was nothing."""

    field: str
    before: str
    after: str


class Told(NamedTuple):
    """One event as a page beside the thing itself tells it; `actor` is a name, or the kind of actor."""

    at: datetime
    action: str
    outcome: str
    actor: str
    reason: str
    changes: list[Change]


def history(obj: models.Model, *, limit: int = 50) -> list[Told]:
    """What happened to one thing in the active tenant, oldest first: its newest `limit` events. Two queries."""
    mine = Event.objects.of_tenant(context.current().tenant_id).about(obj._meta.label_lower, str(obj.pk))
    events = list(mine.newest_first()[:limit])[::-1]
    names = actor_names(events)
    return [
        Told(
            event.occurred_at,
            event.action,
            event.outcome,
            names.get(event.actor_id, event.actor_kind),
            event.reason,
            changes(event),
        )
        for event in events
    ]


class Noted(NamedTuple):
    """One event as the person it concerns is told it: in words, and whether they did it themselves."""

    at: datetime
    action: str
    what: str
    outcome: str
    is_own: bool


def concerning(person_id: str, *, user_id: str, limit: int | None) -> list[Noted]:
    """What happened by and about one person in the active tenant, newest first, nobody else named. Three queries."""
    ours = Event.objects.of_tenant(context.current().tenant_id)
    asked = (ours.concerning(person_id), ours.filter(actor_id=user_id), ours.filter(object_id=user_id))
    columns = ("id", "occurred_at", "action", "outcome", "actor_id")
    found = {row for events in asked for row in events.newest_first().values_list(*columns)[:limit]}
    newest = sorted(found, key=lambda row: (row[1], row[0]), reverse=True)[:limit]
    outcomes = dict(Event.Outcome.choices)
    return [
        Noted(at, action, wording.of(action), str(outcomes.get(outcome, outcome)), actor_id == user_id)
        for _id, at, action, outcome, actor_id in newest
    ]


def changes(event: Event) -> list[Change]:
    """The event's changes, one row per field, personal values opened."""
    return read(event).changes


def read(event: Event, *, opening: bool = True) -> "Read":
    """The event's changes and whose values were opened for it; without `opening` they stay hidden."""
    reader = _Reader(event, opening)
    told = [reader.change(name, value) for name, value in event.content.get("changes", {}).items()]
    return Read(told, frozenset(reader.opened), reader.hides)


class Read(NamedTuple):
    """One event's changes, the people whose values stand there in clear, and whether some were kept hidden."""

    changes: list[Change]
    opened: frozenset[str]
    hides: bool


def actor_names(events: list[Event]) -> dict[str, str]:
    """Names of the users who acted in these events, by id, with one query for all of them."""
    ids = {event.actor_id for event in events if event.actor_kind == "user"}
    return user_names(ids)


def user_names(ids: set[str]) -> dict[str, str]:
    """Names of users, by id, with one query for all of them."""
    users: Any = get_user_model()._default_manager
    return {str(user.pk): str(user) for user in users.filter(pk__in=ids)} if ids else {}


class _Reader:
    """Reads one event and notes whose values it opened."""

    def __init__(self, event: Event, opening: bool) -> None:
        self.event, self.opening = event, opening
        self.opened: set[str] = set()
        self.hides = False

    def change(self, name: str, value: Any) -> Change:
        """One field, before and after."""
        path = f"$.changes.{name}"
        if isinstance(value, list) and len(value) == 2:
            return Change(name, self._shown(value[0], f"{path}[0]"), self._shown(value[1], f"{path}[1]"))
        return Change(name, "", self._shown(value, path))

    def _shown(self, value: Any, path: str) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, dict) and "person" in value:
            return self._personal(value, path)
        if isinstance(value, dict):
            return ", ".join(f"{key}: {self._shown(item, f'{path}.{key}')}" for key, item in value.items())
        if isinstance(value, list):
            return ", ".join(self._shown(item, f"{path}[{place}]") for place, item in enumerate(value))
        return str(value)

    def _personal(self, sealed: dict[str, Any], path: str) -> str:
        """A personal value in clear, or in words why not. Never the stored text."""
        cipher = conf.cipher()
        if sealed.get("empty"):
            return ""
        if "sealed" not in sealed or cipher is None:
            return _("withheld")
        if not self.opening:
            self.hides = True
            return _("hidden")
        place = ledger.sealed_place(str(self.event.uid), self.event.tenant, path)
        try:
            words = cipher.open(sealed["person"], sealed["sealed"], place)
        except Exception as error:  # noqa: BLE001 - whichever cipher is configured, unreadable is an answer
            return _erased(error)
        self.opened.add(sealed["person"])
        return ledger.personal_words(words)


def _erased(error: Exception) -> str:
    """A destroyed key is told apart by the date of its destruction."""
    if not hasattr(error, "at"):
        return _("unreadable")
    at = error.at
    if not isinstance(at, datetime):
        return _("erased")
    return _("erased on %(date)s") % {"date": formats.date_format(timezone.localtime(at))}
