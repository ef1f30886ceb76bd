"""What is held about one person: the catalogue read row by row, for their own eyes or for a copy they take along.

Reads only, and only rows of the active tenant. A model that belongs to no tenant (what a user signs in with) is marked
`is_shared`, so that whoever answers for one tenant can leave it out. Each model costs the same few queries, however
many rows there are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance import keys, registry, tenancy
from governance.models import EncryptedTextField, Person, TenantOwned
from governance.registry import Basis, Holding, Personal

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

SCHEMA = "verso/held-about-me/1"
BECAUSE: dict[Basis, "_StrPromise"] = {
    Basis.CONSENT: gettext_lazy("you agreed to it, and may withdraw that"),
    Basis.CONTRACT: gettext_lazy("we need it for what you asked of us"),
    Basis.LEGAL_OBLIGATION: gettext_lazy("the law obliges us to"),
    Basis.LEGITIMATE_INTERESTS: gettext_lazy("we have a legitimate interest in it; you may object"),
}


@dataclass(frozen=True, slots=True)
class Value:
    """One field of one row: `raw` as JSON takes it, `text` as people read it."""

    name: str
    label: str
    raw: Any
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Why some fields are held, in words. What is not `is_shown` is a secret, or a fingerprint to find something by."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    category: str
    purpose: str
    basis: Basis
    keep: str
    is_shown: bool

    @property
    def because(self) -> str:
        """The legal basis in plain words."""
        return str(BECAUSE[self.basis])


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of thing held about the person: why, and the rows, newest first. `total` counts those left out too."""

    model: str
    noun: str
    rules: tuple[Rule, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: int
    is_shared: bool

    @property
    def has_more(self) -> bool:
        """Whether older rows were left out."""
        return self.total > len(self.rows)

    @property
    def purposes(self) -> str:
        """What it is for, in one line."""
        return capfirst("; ".join(dict.fromkeys(rule.purpose for rule in self.rules if rule.is_shown)))

    @property
    def told(self) -> list[tuple[Value, ...]]:
        """The rows that say more than whose they are, without what is empty."""
        filled = (tuple(value for value in row if value.text) for row in self.rows)
        return [row for row in filled if row]


def of(person: Person, *, newest: int | None = None) -> list[Part]:
    """Everything the catalogue leads to from this person, or the newest rows of each kind.

    Refuses with `tenancy.AnotherTenant`.
    """
    tenancy.require(person.tenant_id)
    reader = _Reader(person)
    found = (reader.part(held, newest=newest) for held in registry.holdings() if held.about and held.personal)
    return [part for part in found if part.total]


def kept_apart() -> list[Part]:
    """What may name a person and is not kept by person, so that no row of it can be told to be theirs."""
    apart = (held for held in registry.holdings() if held.personal and not held.about)
    return [_part(held, rows=(), total=0) for held in apart]


def document(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """The parts as JSON takes them: every field that may be shown, with its why."""
    return [
        {
            "what": part.model,
            "name": part.noun,
            "why": [_why(rule) for rule in part.rules],
            "rows": [{value.name: value.raw for value in row} for row in part.rows],
        }
        for part in parts
    ]


def _why(rule: Rule) -> dict[str, Any]:
    return {
        "fields": list(rule.names),
        "category": rule.category,
        "purpose": rule.purpose,
        "legal_basis": f"GDPR {rule.basis.value}",
        "kept": rule.keep,
        "included": rule.is_shown,
    }


# --- reading ---------------------------------------------------------------------------------------------------------
def _model(held: Holding) -> type[models.Model]:
    return apps.get_model(held.label)


def _part(held: Holding, *, rows: tuple[tuple[Value, ...], ...], total: int) -> Part:
    model = _model(held)
    noun = capfirst(str((model._meta.verbose_name if total == 1 else model._meta.verbose_name_plural) or ""))
    return Part(model._meta.label, noun, _rules(held), rows, total, not issubclass(model, TenantOwned))


def _rules(held: Holding) -> tuple[Rule, ...]:
    """The catalogue's rules of one model, each once, in its order."""
    model, fields = _model(held), {}  # type: ignore[var-annotated]
    for name, rule in held.personal.items():
        fields.setdefault(_words(rule), (rule, []))[1].append(name)
    return tuple(_rule(model, rule, names) for rule, names in fields.values())


def _words(rule: Personal) -> tuple[Any, ...]:
    return rule.category, str(rule.purpose), rule.basis, str(rule.keep), rule.export


def _rule(model: type[models.Model], rule: Personal, names: list[str]) -> Rule:
    labels = tuple(_label(model, name) for name in names)
    return Rule(tuple(names), labels, rule.category, str(rule.purpose), rule.basis, str(rule.keep), rule.export)


def _label(model: type[models.Model], name: str) -> str:
    return capfirst(str(getattr(model._meta.get_field(name), "verbose_name", name)))


class _Reader:
    """Reads for one person; what is theirs of each model a column may point at is asked once."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._own: dict[type[models.Model], frozenset[Any]] = {}

    def part(self, held: Holding, *, newest: int | None) -> Part:
        """One model's rows."""
        mine, shown = self.mine(held), self._columns(held)
        chosen = mine.select_related(*self._beside(held)).order_by("-pk")
        rows = list(chosen if newest is None else chosen[: newest + 1])
        total = len(rows) if newest is None or len(rows) <= newest else mine.count()
        return _part(held, rows=tuple(self._row(row, shown) for row in rows[:newest]), total=total)

    def mine(self, held: Holding) -> models.QuerySet[Any]:
        """The rows of a model that are about this person."""
        model = _model(held)
        if held.about == "self":
            return model._default_manager.filter(pk=self.person.pk)
        first = model._meta.get_field(held.about.partition(".")[0])
        value = self.person if first.is_relation else str(self.person.pk)
        return model._default_manager.filter(**{held.about.replace(".", "__"): value})

    def _beside(self, held: Holding) -> set[str]:
        """What is read in the same query: the people values are sealed for, and what columns are named by."""
        fields = [_model(held)._meta.get_field(name) for name in held.personal]
        sealed = {f.person.replace(".", "__") for f in fields if isinstance(f, EncryptedTextField)} - {"self"}
        return sealed | {f.name for f in fields if f.many_to_one and not _tells_of_people(f.related_model)}

    def _columns(self, held: Holding) -> list[Any]:
        """The fields that may be shown, without the one that only says whose row it is."""
        names = [name for name, rule in held.personal.items() if rule.export and name != held.about]
        return [_model(held)._meta.get_field(name) for name in names]

    def _row(self, row: models.Model, columns: list[Any]) -> tuple[Value, ...]:
        values = (self._value(row, field) for field in columns)
        return tuple(value for value in values if value is not None)

    def _value(self, row: models.Model, field: Any) -> Value | None:
        """One field; None where it only points back at the person."""
        label = capfirst(str(field.verbose_name))
        if field.is_relation:
            named = self._named(row, field)
            return None if named is None else Value(field.name, label, named or None, named)
        try:
            raw = getattr(row, field.attname)
        except keys.Erased:
            return Value(field.name, label, None, _("erased"))
        except keys.Unreadable:
            return Value(field.name, label, None, _("unreadable"))
        return Value(field.name, label, _plain(raw), _text(row, field, raw))

    def _named(self, row: models.Model, field: Any) -> str | None:
        """What a column points at: by its name, and nobody else's; None for the person themselves."""
        target = getattr(row, field.attname)
        if target is None:
            return ""
        if not _tells_of_people(field.related_model):
            return str(getattr(row, field.name))
        return None if target in self._mine_of(field.related_model) else _("somebody else")

    def _mine_of(self, model: type[models.Model]) -> frozenset[Any]:
        if model not in self._own:
            held = registry.holding(model)
            own = self.mine(held).values_list("pk", flat=True) if held and held.about else ()
            self._own[model] = frozenset(own)
        return self._own[model]


def _tells_of_people(model: Any) -> bool:
    """Whether a row of this model is about somebody."""
    held = registry.holding(model)
    return model._meta.label == settings.AUTH_USER_MODEL or bool(held and held.about)


# --- values ----------------------------------------------------------------------------------------------------------
def _plain(raw: Any) -> Any:
    """The value as JSON takes it."""
    if isinstance(raw, datetime | date):
        return raw.isoformat()
    return raw if raw is None or isinstance(raw, bool | int | float | str | list | dict) else str(raw)


def _text(row: models.Model, field: Any, raw: Any) -> str:
    """The value as people read it, in the language and time zone at hand."""
    if raw is None or raw == "":
        return ""
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    kinds: tuple[tuple[Any, Callable[[Any], str]], ...] = (
        (bool, lambda value: _("yes") if value else _("no")),
        (datetime, lambda value: formats.date_format(timezone.localtime(value), "DATETIME_FORMAT")),
        (date, lambda value: formats.date_format(value, "DATE_FORMAT")),
        (int | float | Decimal, formats.localize),
        (list | tuple, lambda value: ", ".join(map(str, value))),
    )
    return next((say(raw) for kind, say in kinds if isinstance(raw, kind)), str(raw))
