"""The catalogue of personal data: every app says in its `personal_data.py`, field by field, what it holds and why.

    from governance.registry import Basis, Erase, Personal, holds, holds_nothing

    holds(
        "scheduling.Appointment",
        about="customer",                     # dotted path from the row to the Person; "self" on Person
        personal={
            "note": Personal(
                "user.content", purpose="to prepare the appointment", basis=Basis.CONTRACT,
                keep="90 days after the appointment", erase=Erase.KEY,
            ),
            "start end": Personal(…),         # several fields under one rule: names separated by spaces
        },
        nothing="id tenant service state version",  # fields without personal data, by name
    )
    holds_nothing("scheduling.Service", "id tenant name slug …")

Nothing is allowed by default: a system check fails for a field that is in neither list, or in a list but not a field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Basis(StrEnum):
    """Why we may hold it: GDPR Article 6(1)."""

    CONSENT = "6.1.a"
    CONTRACT = "6.1.b"
    LEGAL_OBLIGATION = "6.1.c"
    LEGITIMATE_INTERESTS = "6.1.f"


class Sensitivity(StrEnum):
    """Who may see it at most."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class Erase(StrEnum):
    """What erasing a person does to it."""

    KEY = "unreadable once the person's key is destroyed"
    OVERWRITE = "overwritten"
    DELETE = "deleted with its row"
    KEEP = "kept"


@dataclass(frozen=True, slots=True)
class Personal:
    """One rule: `category` is a fideslang data category ("user.contact.email").

    `purpose` and `keep` are words the person reads: why it is held, and how long.
    """

    category: str
    purpose: "_StrPromise | str"
    basis: Basis
    keep: "_StrPromise | str"
    erase: Erase
    export: bool = True
    sensitivity: Sensitivity = Sensitivity.CONFIDENTIAL
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """What one model holds: rules by field name, and the fields that hold nothing personal."""

    label: str
    about: str
    personal: Mapping[str, Personal]
    nothing: frozenset[str]


_holdings: dict[str, Holding] = {}


def holds(label: str, *, about: str, personal: Mapping[str, Personal], nothing: str = "") -> None:
    """Say what a model holds about the person at the end of the dotted path `about`."""
    rules = {name: rule for names, rule in personal.items() for name in names.split()}
    _holdings[label.lower()] = Holding(label, about, rules, frozenset(nothing.split()))


def holds_nothing(label: str, fields: str) -> None:
    """Say by name that no field of a model holds personal data."""
    holds(label, about="", personal={}, nothing=fields)


def holding(model: type[models.Model]) -> Holding | None:
    """What was said about a model."""
    return _holdings.get(model._meta.label_lower)


def holdings() -> list[Holding]:
    """The whole catalogue."""
    return sorted(_holdings.values(), key=lambda held: held.label)


def is_ours(app: AppConfig) -> bool:
    """Whether an app is part of this project rather than a library."""
    return (Path(settings.ROOT) / app.name.replace(".", "/") / "__init__.py").exists()


def fields_of(model: type[models.Model]) -> set[str]:
    """Every field of a model that stores something."""
    return {field.name for field in (*model._meta.concrete_fields, *model._meta.local_many_to_many)}


def gaps() -> list[tuple[Any, str]]:
    """(model, what is missing) for every project model not wholly classified."""
    ours = [model for app in apps.get_app_configs() if is_ours(app) for model in app.get_models()]
    return [(model, gap) for model in ours if not model._meta.proxy for gap in _gaps(model)]


def _gaps(model: type[models.Model]) -> list[str]:
    held, fields = holding(model), fields_of(model)
    if held is None:
        return [f"{model._meta.label} is not in the catalogue of personal data"]
    named = set(held.personal) | held.nothing
    twice = set(held.personal) & held.nothing
    return [
        *(f"{model._meta.label}.{name} is not classified" for name in sorted(fields - named)),
        *(f"{model._meta.label} has no field {name}" for name in sorted(named - fields)),
        *(f"{model._meta.label}.{name} is called personal and not" for name in sorted(twice)),
    ]
