"""What is true of the whole house: nothing half-built, nothing unfenced, nothing unrecorded."""

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from auditlog.registry import auditlog
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core import checks
from django.core.management import call_command, get_commands
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import gate
from governance import registry
from governance.admin import TenantAdmin
from governance.models import TenantOwned
from scheduling.models import DateOverride
from tests.house import source
from verso.celery import app as celery_app

ROOT = source.ROOT


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db
def test_no_system_check_complains() -> None:
    assert [message for message in checks.run_checks() if message.level >= checks.WARNING] == []


# --- who may enter ---------------------------------------------------------------------------------------------------
def addresses(patterns: list[Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            found.append((prefix + str(pattern.pattern), pattern.callback))
    return found


def test_every_address_declares_who_may_enter() -> None:
    """The back office declares once for all its pages: unmarked is for verified staff, and `admin_view` asks again."""
    undeclared = [
        address
        for address, view in addresses(get_resolver().url_patterns)
        if not gate.is_marked(view) and not address.startswith("admin/")
    ]
    assert undeclared == []


def test_no_page_of_the_back_office_is_open_to_the_public() -> None:
    office = [(a, view) for a, view in addresses(get_resolver().url_patterns) if a.startswith("admin/")]
    public = [address for address, view in office if gate.verdict_for(view) is gate.Mark.PUBLIC]
    assert public == ["admin/login/"]  # leads to the one way in
    assert len(office) > 20


# --- tenants and personal data ---------------------------------------------------------------------------------------
def owned() -> list[type[TenantOwned]]:
    return [model for model in apps.get_models() if issubclass(model, TenantOwned)]


def test_every_tenant_model_in_the_back_office_is_scoped_to_its_tenant() -> None:
    shown = admin.site._registry
    assert [model for model in owned() if model in shown and not isinstance(shown[model], TenantAdmin)] == []
    assert len(owned()) > 10


def test_every_field_says_whether_it_holds_personal_data() -> None:
    assert registry.gaps() == []


# --- verbs and the ledger --------------------------------------------------------------------------------------------
RECORDS = {"audit.ledger.record", "audit.ledger.refused"}
# What these save is watched by django-auditlog, which feeds the ledger (audit.configuration).
WATCHED = {"scheduling.timetable.close": DateOverride, "scheduling.timetable.open_specially": DateOverride}
DOORS = {"views", "admin", "tasks", "management", "middleware", "outbox", "notices", "templatetags", "receivers"}
# Not acts on the world: the outbox's own clockwork keeps its record in its rows, a heartbeat in its own.
CLOCKWORK = {"audit.outbox.deliver", "audit.outbox.backlog", "verso.operations.heartbeats.note"}


def verbs() -> list[str]:
    """Public functions outside the doors that take `by` and `at`: by the house's manners, these change the world."""
    return [
        name
        for name, function in source.functions().items()
        if {"by", "at"} <= function.keywords
        and not name.rpartition(".")[2].startswith("_")
        and not DOORS & set(name.split("."))
    ]


def test_every_writing_verb_leaves_a_ledger_entry() -> None:
    asking = {"accounts.policies", "scheduling.policies", "scheduling.bookings.choosing"}
    silent = [
        verb
        for verb in verbs()
        if not source.reaches(verb, RECORDS)
        and verb not in WATCHED
        and verb not in CLOCKWORK
        and verb.rpartition(".")[0] not in asking
    ]
    assert silent == []
    assert len(verbs()) > 20


def test_the_search_for_silent_verbs_finds_some() -> None:
    assert [verb for verb in WATCHED if source.reaches(verb, RECORDS)] == []


def test_what_a_watcher_records_is_really_watched() -> None:
    assert [model for model in set(WATCHED.values()) if not auditlog.contains(model)] == []


# --- rooms -----------------------------------------------------------------------------------------------------------
def importers(package: str) -> set[str]:
    found = set()
    for module, path in source.modules():
        for node in ast.walk(ast.parse(path.read_text())):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name == package or name.startswith(f"{package}.") for name in named):
                found.add(module)
    return found


def test_celery_is_known_to_tasks_and_to_the_roof_only() -> None:
    strangers = {module for module in importers("celery") if module.rpartition(".")[2] != "tasks"}
    assert strangers == {"verso.celery"}


def test_every_mail_leaves_through_the_circuit_breaker() -> None:
    """Calling `.send()` goes past it; `breakers.call("smtp", mail.send)` hands it over."""
    direct = [
        f"{module}:{node.lineno}"
        for module, path in source.modules()
        if importers_of_mail(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "send"
    ]
    assert direct == []


def importers_of_mail(path: Path) -> bool:
    return "django.core.mail" in path.read_text()


def test_every_beat_task_exists_and_has_a_command_twin() -> None:
    celery_app.loader.import_default_modules()
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        module, _dot, task = entry["task"].rpartition(".")
        assert hasattr(import_module(module), task)
        assert (name, entry["task"] in celery_app.tasks, name in get_commands()) == (task, True, True)


# --- pages -----------------------------------------------------------------------------------------------------------
INLINE = {
    "a script without src": re.compile(r"<script(?![^>]*\bsrc=)[^>]*>", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a style attribute": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.I),
    "an event attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.I),
    "a javascript address": re.compile(r"(?:href|src|action)\s*=\s*[\"']?\s*javascript:", re.I),
    "something from elsewhere": re.compile(
        r"<(?:script|link|img|iframe|source)[^>]*\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//", re.I
    ),
}
HARMLESS_SCRIPT = re.compile(r"<script[^>]*\btype=[\"']application/(?:ld\+)?json[\"'][^>]*>", re.I)
MAILS = re.compile(r"/mail/")  # mails have no policy, and mail readers know no stylesheets


def templates() -> list[Path]:
    return [*ROOT.glob("templates/**/*.html"), *ROOT.glob("*/templates/**/*.html")]


@pytest.mark.parametrize("what", INLINE)
def test_no_page_holds(what: str) -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for path in templates()
        if not MAILS.search(str(path)) and INLINE[what].search(HARMLESS_SCRIPT.sub("", path.read_text()))
    ]
    assert guilty == []
    assert len(templates()) > 20
