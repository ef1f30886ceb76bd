"""Configuration edited through plain forms is seen field by field: ids instead of names, whole masks, our actor."""

from collections.abc import Iterator
from typing import Any

import pytest
from auditlog.registry import auditlog
from django.contrib.auth.models import Group, Permission

from accounts.models import Tenant, TenantDomain, User
from audit import configuration, context
from audit.models import Event, LogEntry
from governance.models import Person


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    watched = [model for model in (TenantDomain, Group) if not auditlog.contains(model)]
    configuration.watch(TenantDomain, exclude=["is_primary"])
    configuration.watch(Group)
    yield
    for model in watched:
        auditlog.unregister(model)


@pytest.fixture
def acting(manager: User) -> Iterator[User]:
    actor = context.Actor("user", str(manager.pk))
    with context.acting(actor=actor, request_id="req-12345", client_ip="192.0.2.7"):
        yield manager


def told(action: str) -> list[dict[str, Any]]:
    return [event.content.get("changes", {}) for event in Event.objects.filter(action=action).order_by("id")]


def test_a_change_is_in_the_ledger_field_by_field(tenant: Tenant, acting: User) -> None:
    row = TenantDomain.objects.create(tenant=tenant, host="old.example")
    row.host = "new.example"
    row.save()
    assert told("accounts.tenantdomain.changed") == [{"host": ["old.example", "new.example"]}]
    event = Event.objects.get(action="accounts.tenantdomain.changed")
    assert (event.actor_id, event.object_type, event.object_id, event.tenant) == (
        str(acting.pk),
        "accounts.tenantdomain",
        str(row.pk),
        str(tenant.pk),
    )


def test_creating_and_deleting_are_seen(tenant: Tenant, acting: User) -> None:
    row = TenantDomain.objects.create(tenant=tenant, host="old.example")
    row.delete()
    assert told("accounts.tenantdomain.created")[-1]["host"] == [None, "old.example"]
    assert told("accounts.tenantdomain.deleted")[0]["host"] == ["old.example", None]


def test_what_is_excluded_is_not_looked_at(tenant: Tenant, acting: User) -> None:
    row = TenantDomain.objects.create(tenant=tenant, host="old.example")
    row.is_primary = False
    row.save()
    assert told("accounts.tenantdomain.changed") == []


def test_rows_joined_and_parted_are_named_by_id(tenant: Tenant, acting: User) -> None:
    group = Group.objects.create(name="desk")
    permission = Permission.objects.first()
    assert permission is not None
    group.permissions.add(permission)
    group.permissions.remove(permission)
    assert told("auth.group.changed") == [
        {"permissions": [None, [str(permission.pk)]]},
        {"permissions": [[str(permission.pk)], None]},
    ]
    assert permission.name not in str(list(LogEntry.objects.values_list("changes", "object_repr", "additional_data")))


def test_the_librarys_own_entry_holds_no_names(tenant: Tenant, acting: User) -> None:
    row = TenantDomain.objects.create(tenant=tenant, host="old.example")
    entry = LogEntry.objects.get(action=LogEntry.Action.CREATE, object_pk=str(row.pk))
    assert (entry.object_repr, entry.actor_id, entry.actor_email, entry.remote_addr, entry.cid, entry.tenant) == (
        f"accounts.tenantdomain {row.pk}",
        acting.pk,
        None,
        "192.0.2.7",
        "req-12345",
        str(tenant.pk),
    )
    assert (entry.serialized_data, entry.additional_data) == (None, None)


@pytest.mark.parametrize(
    ("model", "hidden"), [(Person, {"name", "email", "phone"}), (User, {"password"})], ids=["person", "user"]
)
def test_secrets_and_personal_fields_are_masked_whole(model: Any, hidden: set[str], tenant: Tenant) -> None:
    names = {field.name for field in model._meta.get_fields() if configuration._is_secret(field)}
    assert hidden <= names


def test_a_masked_value_shows_nothing(tenant: Tenant, acting: User) -> None:
    auditlog.unregister(TenantDomain)
    configuration.watch(TenantDomain, mask=["host"])
    row = TenantDomain.objects.create(tenant=tenant, host="old.example")
    row.host = "new.example"
    row.save()
    assert told("accounts.tenantdomain.changed") == [{"host": ["•••", "•••"]}]
    assert "new.example" not in str(list(LogEntry.objects.values()))


def test_a_user_can_still_be_deleted(tenant: Tenant, acting: User) -> None:
    TenantDomain.objects.create(tenant=tenant, host="old.example")
    entry = LogEntry.objects.get(actor=acting)
    User.objects.filter(pk=acting.pk).delete()
    entry.refresh_from_db()
    assert entry.actor is None
