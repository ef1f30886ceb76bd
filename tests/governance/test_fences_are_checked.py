"""A model, admin page, key file or field without its fence does not pass `manage.py check`."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.test.utils import isolate_apps

from accounts.models import Tenant
from cms.models import ContactMessage
from governance import checks, providers, registry
from governance.admin import TenantAdmin
from governance.models import EncryptedTextField, Person, TenantOwned
from governance.models.tenant_owned import TenantManager


def ids(found: list[Any]) -> set[str]:
    return {message.id for message in found}


def with_models(monkeypatch: pytest.MonkeyPatch, *more: Any) -> None:
    """The house, with these models in it as well."""
    usual = checks.apps.get_models
    monkeypatch.setattr(checks.apps, "get_models", lambda *a, **k: [*usual(*a, **k), *more])


def test_the_house_passes() -> None:
    assert [m for m in run_checks() if (m.id or "").startswith("governance.")] == []


@isolate_apps("cms")
def test_a_model_that_points_at_a_tenant_without_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unfenced(models.Model):
        tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "cms"

    with_models(monkeypatch, Unfenced)
    (error,) = checks.tenant_rows_are_owned()
    assert (error.id, error.obj) == ("governance.E001", Unfenced)
    assert "TenantOwned" in error.hint
    assert "governance.E001" in ids(run_checks())


@isolate_apps("cms")
def test_a_manager_that_hands_out_every_tenants_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Leaking(TenantOwned):
        objects = models.Manager()

        class Meta:
            app_label = "cms"

    class Proper(TenantOwned):
        objects = TenantManager.from_queryset(models.QuerySet)()

        class Meta:
            app_label = "cms"

    with_models(monkeypatch, Leaking, Proper)
    assert [(e.id, e.obj) for e in checks.tenant_managers_are_fenced()] == [("governance.E002", Leaking)]


@isolate_apps("cms")
def test_uniqueness_over_all_tenants(monkeypatch: pytest.MonkeyPatch) -> None:
    class Global(TenantOwned):
        slug = models.SlugField(unique=True)
        code = models.CharField(max_length=9)
        person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "cms"
            constraints = [
                models.UniqueConstraint(fields=["code"], name="everywhere"),
                models.UniqueConstraint(models.functions.Lower("code"), name="everywhere_lower"),
                models.UniqueConstraint(fields=["tenant", "code"], name="within"),
                models.UniqueConstraint(fields=["person", "code"], name="within_a_row_of_one_tenant"),
            ]

    with_models(monkeypatch, Global)
    said = [e.msg.split(": ")[1].split(" ")[0] for e in checks.uniqueness_is_per_tenant()]
    assert said == ["slug", "everywhere", "everywhere_lower"]


@isolate_apps("cms")
def test_a_child_table_without_a_tenant_and_a_secret_without_an_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parent(TenantOwned):
        class Meta:
            app_label = "cms"

    class Child(Parent):
        class Meta:
            app_label = "cms"

    class Ownerless(models.Model):
        secret = EncryptedTextField(person="self")

        class Meta:
            app_label = "cms"

    with_models(monkeypatch, Parent, Child, Ownerless)
    assert [(e.id, e.obj) for e in checks.tenant_rows_lie_in_one_table()] == [("governance.E004", Child)]
    assert [(e.id, e.obj) for e in checks.encrypted_columns_are_owned()] == [("governance.E005", Ownerless)]


def test_an_admin_page_that_is_not_scoped(monkeypatch: pytest.MonkeyPatch) -> None:
    site = admin.AdminSite(name="other")

    class Rows(admin.TabularInline):
        model = ContactMessage

    class Page(TenantAdmin):
        inlines = [Rows]

    site.register(Person, Page)
    site.register(ContactMessage, admin.ModelAdmin)
    monkeypatch.setattr(checks, "all_sites", [site])
    found = checks.tenant_admins_are_scoped()
    assert [e.id for e in found] == ["governance.E006"] * 2
    assert any("ContactMessage" in e.msg for e in found) and any("Rows" in e.msg for e in found)


def test_a_key_file_others_may_read(settings: Any, tmp_path: Path) -> None:
    settings.KEY_FILE = str(tmp_path / "keys" / "kek.json")
    held = providers.current().secret("x")
    path = Path(settings.KEY_FILE)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert checks.keys_are_safe() == []
    path.chmod(0o640)
    assert ids(checks.keys_are_safe()) == {"governance.E009"}
    providers._file_provider.cache_clear()
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        providers.current()
    path.chmod(0o600)
    assert providers.current().secret("x") == held  # the same after a restart


def test_a_key_file_inside_the_tree_stops_production_only(settings: Any) -> None:
    settings.KEY_FILE = str(Path(settings.ROOT) / "var" / "keys" / "kek.json")
    settings.KEY_FILE_MAY_LIE_IN_TREE = True
    assert checks.keys_are_safe() == []
    settings.KEY_FILE_MAY_LIE_IN_TREE = False
    assert ids(checks.keys_are_safe()) == {"governance.E010"}


@pytest.mark.parametrize("name", ["vault", "aws", "nonsense", ""])
def test_a_provider_nothing_stands_behind(settings: Any, name: str) -> None:
    settings.KEY_PROVIDER = name
    (error,) = checks.keys_are_safe()
    assert (error.id, error.hint) == ("governance.E008", "Choose one of: file.")
    with pytest.raises(ImproperlyConfigured):
        providers.current()


def test_processes_that_start_together_agree_on_one_key_file(settings: Any, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    path = tmp_path / "kek.json"
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: providers.FileProvider(path).secret("x"), range(32)))
    assert len(set(made)) == 1
    assert os.listdir(tmp_path) == ["kek.json"]


def test_a_key_wraps_for_its_context_only(tmp_path: Path) -> None:
    from governance import sealing

    here, elsewhere = (providers.FileProvider(tmp_path / name) for name in ("a", "b"))
    dek = sealing.new_key()
    wrapped = here.wrap(dek, {"tenant": "1", "purpose": "people"})
    assert here.unwrap(wrapped.blob, {"purpose": "people", "tenant": "1"}) == dek
    assert (
        here.unwrap(
            here.rewrap(wrapped.blob, {"tenant": "1", "purpose": "people"}).blob, {"tenant": "1", "purpose": "people"}
        )
        == dek
    )
    for provider, context in (
        (here, {"tenant": "2", "purpose": "people"}),
        (elsewhere, {"tenant": "1", "purpose": "people"}),
    ):
        with pytest.raises(sealing.Unopenable):
            provider.unwrap(wrapped.blob, context)


def test_a_field_nobody_classified(monkeypatch: pytest.MonkeyPatch) -> None:
    held = registry._holdings["governance.person"]
    nothing = (held.nothing - {"created_at"}) | {"no_such_field", "name"}
    changed = registry.Holding(held.label, held.about, held.personal, frozenset(nothing))
    monkeypatch.setitem(registry._holdings, "governance.person", changed)
    monkeypatch.delitem(registry._holdings, "audit.event")
    assert sorted(e.msg for e in checks.every_field_is_classified()) == [
        "audit.Event is not in the catalogue of personal data.",
        "governance.Person has no field no_such_field.",
        "governance.Person.created_at is not classified.",
        "governance.Person.name is called personal and not.",
    ]


def test_every_rule_says_what_article_30_asks() -> None:
    for held in registry.holdings():
        for name, rule in held.personal.items():
            assert rule.category.split(".")[0] in ("user", "system"), (held.label, name)
            assert rule.purpose and rule.keep and isinstance(rule.basis, registry.Basis), (held.label, name)
