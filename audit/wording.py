"""What acts, messages and things are called in staff's words. Each app names its own in its `acts.py`.

wording.name({"scheduling.appointment.booked": _("Booked"), "scheduling.confirmation": _("Confirmation")})
"""

from collections.abc import Mapping

from django.apps import apps
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

_named: dict[str, str | Promise] = {}
_CHANGES = {"created": _("Added"), "changed": _("Changed"), "deleted": _("Deleted")}
_ACTORS = {"anonymous": _("a visitor"), "customer": _("the customer"), "system": _("the system")}
_DOORS = {
    "web": _("site"),
    "admin": _("back office"),
    "task": _("background task"),
    "command": _("command"),
    "beat": _("timetable"),
}
SHORT = 8


def name(words: Mapping[str, str | Promise]) -> None:
    """Say what codes of acts, messages or kinds of things are called."""
    _named.update(words)


def is_named(code: str) -> bool:
    """Whether some app has said what this code is called."""
    return code in _named


def acts() -> dict[str, str]:
    """Every act with a name of its own, `app.thing.done`, in the reader's language."""
    return {code: str(words) for code, words in sorted(_named.items()) if code.count(".") == 2}


def of(code: str) -> str:
    """A code in words: its own name, what happens to any row, or else the code made readable."""
    last = code.rpartition(".")[2]
    return str(_named.get(code) or _CHANGES.get(last) or capfirst(last.replace("_", " ")))


def kind(label: str) -> str:
    """The kind of a thing in words: its own name, or its model's."""
    if label in _named:
        return str(_named[label])
    try:
        return str(capfirst(str(apps.get_model(label)._meta.verbose_name)))
    except (LookupError, ValueError):
        return label


def actor(kind: str) -> str:
    """A kind of actor in words."""
    return str(_ACTORS.get(kind, kind))


def door(code: str) -> str:
    """The door an act came in by, in words."""
    return str(_DOORS.get(code, code))


def short(thing_id: str) -> str:
    """An id as a person compares it: its last letters, which differ where whole ids begin alike."""
    return thing_id if len(thing_id) <= 2 * SHORT else f"…{thing_id[-SHORT:]}"
