"""Permissions as people look for them: app by app, one line for each thing, what may be done with it side by side."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django import forms
from django.apps import apps
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.admin_site import DAILY_ORDER

VERBS = {"view": _("view"), "add": _("add"), "change": _("change"), "delete": _("delete")}


class Act(NamedTuple):
    """One permission: its code, the word beside its box, and what it permits in full."""

    code: str
    word: str
    label: str


class Line(NamedTuple):
    """One thing, and what may be done with it."""

    thing: str
    acts: list[Act]


class Section(NamedTuple):
    """One app."""

    name: str
    lines: list[Line]


def sections(codes: Iterable[str]) -> list[Section]:
    """These permissions, apps in the order of a working day; things by name, other acts last."""
    chosen: dict[str, dict[str, list[Act]]] = {}
    for code in sorted(codes, key=_place):
        app, thing, act = _read(code)
        chosen.setdefault(app, {}).setdefault(thing, []).append(act)
    order = sorted(chosen, key=lambda app: (DAILY_ORDER.get(app, len(DAILY_ORDER)), app))
    return [Section(_app_name(app), _lines(chosen[app])) for app in order]


def _lines(things: dict[str, list[Act]]) -> list[Line]:
    lines = [Line(thing, acts) for thing, acts in things.items()]
    return sorted(lines, key=lambda line: (not line.thing, line.thing))


def _place(code: str) -> tuple[int, str]:
    """Looking comes before changing."""
    verb = code.partition(".")[2].partition("_")[0]
    return (list(VERBS).index(verb) if verb in VERBS else len(VERBS), code)


def _read(code: str) -> tuple[str, str, Act]:
    """The app, the thing (or "" for an act that is not about one kind of row) and the act of a code."""
    app, _dot, codename = code.partition(".")
    known = permissions.known().get(code)
    label: str | Promise = known.label if known else code
    verb, _dash, model = codename.partition("_")
    if verb in VERBS and (noun := _noun(app, model)):
        return app, noun, Act(code, str(VERBS[verb]), str(label))
    return app, "", Act(code, str(label), str(label))


def _noun(app: str, model: str) -> str:
    try:
        return str(capfirst(str(apps.get_model(app, model)._meta.verbose_name)))
    except LookupError:
        return ""


def _app_name(app: str) -> str:
    try:
        return str(apps.get_app_config(app).verbose_name)
    except LookupError:
        return app


class PermissionTable(forms.CheckboxSelectMultiple):
    """Boxes in a fieldset for each app and a group for each thing."""

    template_name = "admin/accounts/role/permissions.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The sections of what may be chosen."""
        context = super().get_context(name, value, attrs)
        chosen = set(context["widget"]["value"] or ())
        return context | {"sections": sections(code for code, _label in self.choices), "chosen": chosen}
