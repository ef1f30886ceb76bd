"""Configuration-like rows, edited through plain admin forms: every change is seen and goes into the ledger.

    configuration.watch(Service, mask=("price_note",))      # in the app's apps.py, ready()

Secrets and personal fields are masked whole; everything else is recorded as typed. `.update()` and `bulk_*` make no
signals, so rows changed by verbs are recorded by those verbs instead.
"""

import re
from collections.abc import Iterable
from typing import Any

from auditlog.registry import auditlog
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from audit import ledger, reading
from audit.models import LogEntry
from audit.models.log_entry import MASK

SECRET = re.compile(r"password|passwd|secret|token|api_?key|private|credential|seed|recovery", re.IGNORECASE)
VERBS = {0: "created", 1: "changed", 2: "deleted", 3: "read"}


def watch(model: type[models.Model], *, exclude: Iterable[str] = (), mask: Iterable[str] = ()) -> None:
    """See every change of this model. `exclude` fields are not looked at, `mask` fields are recorded without value."""
    masked = {*mask, *(field.name for field in model._meta.get_fields() if _is_secret(field))}
    auditlog.register(
        model,
        exclude_fields=list(exclude),
        mask_fields=sorted(masked),
        mask_callable="audit.models.log_entry.mask",
        m2m_fields={field.name for field in model._meta.many_to_many} - set(exclude),
    )


def _is_secret(field: Any) -> bool:
    """Fields named like a secret, encrypted ones, and files of personal data never show their value."""
    return bool(SECRET.search(field.name)) or hasattr(field, "person") or isinstance(field, models.BinaryField)


def record(entry: LogEntry) -> None:
    """Write the ledger's own event for a change that django-auditlog has seen."""
    model = entry.content_type.model_class()
    if model is None:
        return
    subject = ledger.Subject(model._meta.label_lower, str(entry.object_pk))
    ledger.record(f"{subject.type}.{VERBS[entry.action]}", subject, changes=_before_after(entry.changes or {}))


def _before_after(changes: dict[str, Any]) -> dict[str, Any]:
    """Plain changes as they are; m2m ones as the ids that came or went."""
    return {name: _pair(change) for name, change in changes.items()}


def _pair(change: Any) -> Any:
    if isinstance(change, dict) and change.get("type") == "m2m":
        joined = change["operation"] == "add"
        return [None, change["objects"]] if joined else [change["objects"], None]
    return list(change) if isinstance(change, list | tuple) else [None, MASK]


def shown(entry: LogEntry) -> list[reading.Change]:
    """The entry's changes as people read them."""
    pairs, model = _before_after(entry.changes or {}), entry.content_type.model_class()
    return [
        reading.Change(_label(model, name), *("" if value is None else str(value) for value in pair))
        for name, pair in pairs.items()
    ]


def _label(model: type[models.Model] | None, name: str) -> str:
    """What people call a field; its bare name where the model or the field is gone."""
    try:
        field = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        field = None
    return str(getattr(field, "verbose_name", name))
