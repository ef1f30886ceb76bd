"""Every address of the back office, asked by one tenant's owner with another tenant's ids: nothing is found or changed.

Addresses, filters, actions, inlines and lookups are read from the admin's own registry, and rows are made for whatever
model is registered there, so that a new model is swept the day it is registered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.forms import ModelChoiceField
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Tenant, User
from audit import ledger, outbox
from audit.models import Event, LogEntry, OutboxMessage
from governance import tenancy
from governance.models import TenantOwned
from tests.factories import accounts as people
from tests.factories import anything

pytestmark = pytest.mark.django_db
THEIRS, OURS = "Foreignmark", "Ownmark"
PLATFORM = "django_celery_beat"
PAGES = sorted(admin.site._registry.items(), key=lambda entry: entry[0]._meta.label)
TENANTS = [(model, page) for model, page in PAGES if model._meta.app_label != PLATFORM]
each = pytest.mark.parametrize(("model", "page"), TENANTS, ids=[model._meta.label for model, _page in TENANTS])
NOTHING = {302, 400, 403, 404, 405}


@dataclass
class Sweep:
    """The owner's client, and the other tenant's rows with everything they would be recognised by."""

    client: Client
    second: Tenant
    rows: dict[type[models.Model], Any]
    marks: set[str] = field(default_factory=set)

    def ask(self, method: str, address: str, fields: dict[str, Any] | None = None, *, sent: str = "") -> Any:
        """Send; nothing of theirs may be in the answer but what was sent, which forms repeat."""
        repeated = {sent, *(value for value in (fields or {}).values() if isinstance(value, str))}
        answer = self.client.generic(method, address) if method == "HEAD" else None
        answer = answer or getattr(self.client, method.lower())(address, fields or {})
        assert answer.status_code < 500, (method, address, fields)
        body = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
        found = {mark for mark in self.marks - repeated if mark in body}
        assert not found, (method, address, fields, found)
        return answer

    def snapshot(self) -> dict[str, list[dict[str, Any]]]:
        """Every row the other tenant owns, of every model."""
        with tenancy.within(self.second):
            owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
            return {model._meta.label: list(model.objects.order_by("pk").values()) for model in owned}


def of_second(model: type[models.Model], second: Tenant) -> Any:
    """A row of the other tenant."""
    if issubclass(model, TenantOwned):
        return anything.some(model, THEIRS)
    if issubclass(model, Tenant):
        return second
    if issubclass(model, User):
        return User.objects.get(email="theirs@second.example")
    if issubclass(model, Event):
        return Event.objects.get(uid=ledger.record("accounts.tenant.described", second, reason=THEIRS))
    if issubclass(model, OutboxMessage):
        outbox.post("accounts.invitation", about=Membership.objects.first(), payload={"note": THEIRS})
        return OutboxMessage.objects.latest("pk")
    return LogEntry.objects.filter(tenant=str(second.pk)).first() if issubclass(model, LogEntry) else None


@pytest.fixture
def sweep(enter: Any, owner: User, second_tenant: Tenant) -> Sweep:
    """Rows of everything in both tenants, and somebody who belongs to both."""
    both = people.make_member("both", role="receptionist")
    for model, _page in TENANTS:
        if issubclass(model, TenantOwned):
            anything.some(model, OURS)
    with tenancy.within(second_tenant):
        theirs = people.make_member("theirs", role="owner")
        User.objects.filter(pk=theirs.pk).update(display_name=f"{THEIRS} Owner")
        Membership.objects.create(user=both)
        people.give(both, "manager")
        rows = {model: of_second(model, second_tenant) for model, _page in TENANTS}
        owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
        ids = {str(pk) for model in owned for pk in model.objects.values_list("pk", flat=True)}
    ids |= {mark.replace("-", "") for mark in ids}
    return Sweep(enter(owner), second_tenant, rows, ids | {THEIRS, THEIRS.lower(), "theirs@second.example"})


def address(model: type[models.Model], kind: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


def own(model: type[models.Model], page: Any, sweep: Sweep) -> Any:
    """A row of the owner's own tenant, as the page itself lists it."""
    request = sweep.client.get("/admin/").wsgi_request
    return page.get_queryset(request).first()


def test_every_model_of_the_back_office_is_swept(sweep: Sweep) -> None:
    missing = [model._meta.label for model, row in sweep.rows.items() if row is None]
    assert missing in ([], ["audit.LogEntry"])
    assert len(sweep.rows) > 14


def test_what_belongs_to_the_platform_is_closed(sweep: Sweep) -> None:
    platform = [model for model, _page in PAGES if model._meta.app_label == PLATFORM]
    assert {sweep.client.get(address(model, "changelist")).status_code for model in platform} == {403}


@each
def test_their_rows_are_found_at_no_address(sweep: Sweep, model: type[models.Model], page: Any) -> None:
    row, before = sweep.rows[model], sweep.snapshot()
    if row is None:
        return
    listing = address(model, "changelist")
    for route in with_a_row(page):
        for pk in {str(row.pk), str(quote(row.pk)), str(row.pk).replace("-", "")}:
            where = listing + HOLE.sub(pk, route)
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
                answer = sweep.ask(method, where, {"post": "yes"} if method == "POST" else None, sent=pk)
                assert answer.status_code in NOTHING, (method, where, answer.status_code)
    assert sweep.snapshot() == before


HOLE = re.compile(r"<(?:\w+:)?(?:object_id|pk)>")


def with_a_row(page: Any) -> list[str]:
    """The routes of the page's own addresses that name one row."""
    return [route for url in page.get_urls() if HOLE.search(route := str(url.pattern))]


@each
def test_lists_filters_search_and_popups_show_none_of_theirs(
    sweep: Sweep, model: type[models.Model], page: Any
) -> None:
    listing, row = address(model, "changelist"), sweep.rows[model]
    queries: list[dict[str, str]] = [{}, {"q": THEIRS[:-3]}, {"all": ""}, {"_popup": "1"}, {"o": "-1"}, {"p": "1"}]
    queries += [{"_popup": "1", "_to_field": f.name} for f in model._meta.concrete_fields]
    queries += [{"_to_field": f.name, "q": THEIRS[:-3]} for f in model._meta.concrete_fields]
    for query in queries:
        sweep.ask("GET", listing, query)
        sweep.ask("GET", listing.rstrip("/") + "/add/", query)
    if row is not None and page.search_fields:
        for term in (str(row.pk), THEIRS[:-3]):
            answer = sweep.ask("GET", listing, {"q": term}, sent=term)
            if answer.status_code == 200:
                assert {THEIRS, str(row.pk)}.isdisjoint(str(found.pk) for found in answer.context["cl"].result_list)
    for f in model._meta.concrete_fields:  # a page found by another field than its key
        with tenancy.within(sweep.second):
            value = str(getattr(row, f.attname, "") or "") if row is not None else ""
        if value and len(value) < 80 and f.unique:
            where = address(model, "change", quote(value))
            assert sweep.ask("GET", where, {"_to_field": f.name}, sent=value).status_code in NOTHING


@each
def test_no_lookup_answers_a_question_about_them(sweep: Sweep, model: type[models.Model], page: Any) -> None:
    """Not through any relation, forwards or backwards, also not about somebody who belongs to both tenants."""
    listing, asked = address(model, "changelist"), 0
    request = sweep.client.get(listing).wsgi_request
    for lookup, value in islice(lookups(model, sweep), 20_000):
        if not page.lookup_allowed(lookup, value, request):
            continue
        asked += 1
        answer = sweep.ask("GET", listing, {lookup: value}, sent=value)
        if answer.status_code == 200 and "cl" in (answer.context or {}) and answer.context["cl"].result_count:
            # Django drops a filter that offers no choice: then a value nobody has must be answered alike.
            nobodys = sweep.ask("GET", listing, {lookup: "Nobodys" if value == THEIRS[:-3] else str(uuid4())})
            assert rows_of(answer) == rows_of(nobodys), (lookup, value)
    for lookup in ("tenant", "tenant__id__exact", "tenant__slug__startswith", "tenant__name__startswith"):
        assert sweep.ask("GET", listing, {lookup: str(sweep.second.pk)}).status_code != 500


def rows_of(answer: Any) -> list[Any]:
    return [row.pk for row in answer.context["cl"].result_list]


def lookups(model: type[models.Model], sweep: Sweep) -> Iterator[tuple[str, str]]:
    """Questions through up to three relations whose true answers only the other tenant holds."""
    for path, target in relations(model, 3):
        row = sweep.rows.get(target)
        if row is None or not issubclass(target, TenantOwned):
            continue
        yield f"{path}__id__exact", str(row.pk)
        yield f"{path}__in", str(row.pk)
        for f in target._meta.concrete_fields:
            if isinstance(f, models.CharField | models.TextField) and not f.choices:
                yield f"{path}__{f.name}__startswith", THEIRS[:-3]


def relations(model: type[models.Model], depth: int, path: str = "") -> Iterator[tuple[str, type[models.Model]]]:
    for f in model._meta.get_fields():
        target: Any = getattr(f, "related_model", None)
        if not f.is_relation or not isinstance(target, type) or f.name.endswith("+"):
            continue
        here = f"{path}__{f.name}" if path else f.name
        yield here, target
        if depth > 1:
            yield from relations(target, depth - 1, here)


@each
def test_no_action_reaches_them(sweep: Sweep, model: type[models.Model], page: Any) -> None:
    row, before = sweep.rows[model], sweep.snapshot()
    if row is None:
        return
    listing = address(model, "changelist")
    request = sweep.client.get(listing).wsgi_request
    for action in ["delete_selected", *page.get_actions(request)]:
        for more in ({}, {"post": "yes"}, {"select_across": "1"}):
            chosen = {"action": action, "_selected_action": [str(row.pk)], **more}
            sweep.ask("POST", listing, chosen, sent=str(row.pk))
    assert sweep.snapshot() == before


@each
def test_no_form_offers_or_takes_them(sweep: Sweep, model: type[models.Model], page: Any) -> None:
    """Neither a choice, nor an inline's row, nor an id slipped into the form."""
    mine, before = own(model, page, sweep), sweep.snapshot()
    adding = [address(model, "add")] if page.has_add_permission(sweep.client.get("/admin/").wsgi_request) else []
    pages = adding + ([address(model, "change", quote(mine.pk))] if mine is not None else [])
    for where in pages:
        answer = sweep.ask("GET", where)
        if answer.status_code != 200:
            continue
        forms = [answer.context["adminform"].form]
        sets = [inline.formset for inline in answer.context["inline_admin_formsets"]]
        for form in forms + [one for formset in sets for one in [formset.empty_form, *formset.forms]]:
            refuse_choices(form, sweep)
        sweep.ask("POST", where, forged(forms[0], sets, sweep))
    assert sweep.snapshot() == before


def refuse_choices(form: Any, sweep: Sweep) -> None:
    for name, asked in form.fields.items():
        row = sweep.rows.get(getattr(getattr(asked, "queryset", None), "model", None))  # type: ignore[arg-type]
        if isinstance(asked, ModelChoiceField) and row is not None:
            assert not asked.queryset.filter(pk=row.pk).exists(), name


def forged(form: Any, sets: list[Any], sweep: Sweep) -> dict[str, Any]:
    """The form as it stands, with the other tenant's ids wherever an id goes."""
    fields: dict[str, Any] = values(form, sweep)
    for formset in sets:
        theirs = sweep.rows.get(formset.model)
        if theirs is None and issubclass(formset.model, TenantOwned):
            with tenancy.within(sweep.second):
                theirs = formset.model.objects.first()
        fields |= {f"{formset.prefix}-TOTAL_FORMS": "1", f"{formset.prefix}-INITIAL_FORMS": "1"}
        first = (formset.forms or [formset.empty_form])[0]
        fields |= {name.replace("__prefix__", "0"): value for name, value in values(first, sweep).items()}
        if theirs is not None:
            fields[f"{formset.prefix}-0-id"] = str(theirs.pk)
            fields[f"{formset.prefix}-0-DELETE"] = "on"
    return fields


def values(form: Any, sweep: Sweep) -> dict[str, Any]:
    found = {}
    for name, asked in form.fields.items():
        row = sweep.rows.get(getattr(getattr(asked, "queryset", None), "model", None))  # type: ignore[arg-type]
        first = form.get_initial_for_field(asked, name)
        found[form.add_prefix(name)] = str(row.pk) if row is not None else "" if first is None else str(first)
    return found


@each
def test_autocomplete_offers_none_of_them(sweep: Sweep, model: type[models.Model], page: Any) -> None:
    for f in model._meta.get_fields():
        if not f.is_relation or f.auto_created:
            continue
        asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": f.name}
        for term in ("", THEIRS[:-3], "theirs@"):
            answer = sweep.ask("GET", reverse("admin:autocomplete"), {**asked, "term": term})
            assert answer.status_code in {200, *NOTHING}


def test_other_pages_show_none_of_theirs(sweep: Sweep) -> None:
    """Pages that are about no single row: the matrix, the lists to take away, groups tried out, and the first page."""
    plain = ["", "accounts/role/matrix/", "accounts/role/groups/", "accounts/", "audit/", "scheduling/", "jsi18n/"]
    plain += [f"accounts/role/export/{what}.{form}" for what in ("matrix", "holdings") for form in ("csv", "json")]
    for address_ in plain:
        sweep.ask("GET", f"/admin/{address_}")
