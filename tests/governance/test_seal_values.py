"""What is sealed opens in its own row, field and tenant only; a destroyed key opens nothing, in no process."""

import copy
import pickle
import subprocess
import sys
import time
from typing import Any

import pytest
from django.core import serializers
from django.db import connection, connections, transaction
from django.forms import modelform_factory

from accounts.models import Tenant
from audit import conf as audit_conf
from cms.models import ContactMessage
from governance import ciphers, keys, people, providers, tenancy
from governance.models import EraseEpoch, Person, TenantKey
from governance.models.encrypted import Sealed, leave_sealed
from tests.factories.governance import AT, make_person

pytestmark = pytest.mark.django_db


def message_of(person: Person, text: str = "Please call me") -> ContactMessage:
    from uuid import uuid4

    return ContactMessage.objects.create(
        person=person, subject="Hello", text=text, locale="en", received_at=AT, sent_once=uuid4()
    )


def stored(row: Any, field: str) -> bytes:
    with leave_sealed():
        return bytes(getattr(type(row).objects.get(pk=row.pk), field))


def overwrite(row: Any, **columns: bytes) -> None:
    """What somebody with SQL could do."""
    with connection.cursor() as cursor:
        for column, value in columns.items():
            key = row.pk if connection.vendor == "postgresql" else row.pk.hex
            cursor.execute(f"UPDATE {row._meta.db_table} SET {column} = %s WHERE id = %s", [value, key])


def refuses(row: Any, field: str) -> None:
    with pytest.raises(keys.Undecryptable):
        getattr(type(row).objects.get(pk=row.pk), field)


def test_a_value_moved_to_another_row_does_not_open(tenant: Tenant) -> None:
    maria, pedro = make_person("Maria"), make_person("Pedro")
    overwrite(pedro, name=stored(maria, "name"))
    refuses(pedro, "name")
    first, second = message_of(maria, "first"), message_of(maria, "second")
    overwrite(second, text=stored(first, "text"))  # same person, same key, same field
    refuses(second, "text")


def test_a_value_moved_to_another_field_does_not_open(tenant: Tenant) -> None:
    maria = make_person("Maria", phone="+34600123456")
    overwrite(maria, name=stored(maria, "phone"))
    refuses(maria, "name")
    message = message_of(maria)
    overwrite(message, subject=stored(message, "text"))
    refuses(message, "subject")


def test_a_value_moved_to_another_tenant_does_not_open(tenant: Tenant, second_tenant: Tenant) -> None:
    maria = make_person("Maria")
    name, key = stored(maria, "name"), bytes(Person.objects.get(pk=maria.pk).wrapped_key)
    with tenancy.within(second_tenant):
        other = make_person("Other")
        overwrite(other, name=name)
        refuses(other, "name")
        overwrite(other, wrapped_key=key)
        refuses(other, "name")
        # A whole row carried over, key and all, does not open either.
        there = Person(id=maria.pk, tenant_id=second_tenant.pk, wrapped_key=key)
        there._state.adding, there.name = False, Sealed(name)
        with pytest.raises((keys.Undecryptable, keys.Erased)):
            _ = there.name


def test_a_damaged_or_foreign_value_is_never_shown_as_it_is(tenant: Tenant) -> None:
    maria = make_person("Maria")
    for rubbish in (b"Maria", b"\x01" * 60, stored(maria, "name")[:-1], stored(maria, "name") + b"x"):
        overwrite(maria, name=rubbish)
        refuses(maria, "name")
    assert str(Person.objects.get(pk=maria.pk)) == "unreadable"


def test_empty_and_null_stay_distinct(tenant: Tenant) -> None:
    maria = make_person("Maria")
    assert Person.objects.get(pk=maria.pk).phone == ""
    assert len(stored(maria, "phone")) > 40  # an empty text is sealed like any other
    from scheduling.models import Appointment

    field = Appointment._meta.get_field("note")
    assert field.null
    with_note = Appointment(customer=maria)
    for text in ("", "a note", None):
        with_note.note = text
        sealed = field.pre_save(with_note, add=True)
        assert (sealed is None) is (text is None)
        if sealed is not None:
            with_note.note = Sealed(sealed)
            assert with_note.note == text


def test_the_same_text_is_sealed_differently_each_time(tenant: Tenant) -> None:
    maria = make_person("Maria")
    first, second = message_of(maria, "same"), message_of(maria, "same")
    assert stored(first, "text")[31:] != stored(second, "text")[31:]


def test_a_sealed_value_is_not_carried_into_a_copy_of_its_row(tenant: Tenant) -> None:
    message = ContactMessage.objects.get(pk=message_of(make_person("Maria")).pk)
    twin = copy.copy(message)
    twin.pk, twin._state.adding = None, True
    with pytest.raises(keys.Misplaced), transaction.atomic():
        twin.save()
    message.person = make_person("Pedro")
    with pytest.raises(keys.Misplaced), transaction.atomic():
        message.save()


def test_saving_what_was_not_touched_keeps_the_very_bytes(tenant: Tenant) -> None:
    message = message_of(make_person("Maria"))
    before = stored(message, "text")
    loaded = ContactMessage.objects.get(pk=message.pk)
    loaded.status = ContactMessage.Status.CLOSED
    loaded.save()
    assert stored(message, "text") == before
    loaded.text = "changed"
    loaded.save(update_fields=["text"])
    assert ContactMessage.objects.get(pk=message.pk).text == "changed"


def test_deferred_refreshed_pickled_and_serialised(tenant: Tenant) -> None:
    message = message_of(make_person("Maria"))
    lean = ContactMessage.objects.defer("text").get(pk=message.pk)
    assert "text" not in lean.__dict__
    assert lean.text == "Please call me"
    lean.refresh_from_db()
    assert isinstance(lean.__dict__["text"], Sealed)
    frozen = pickle.dumps(ContactMessage.objects.select_related("person").get(pk=message.pk))
    assert b"Please call me" not in frozen and b"Maria" not in frozen
    assert pickle.loads(frozen).text == "Please call me"
    dumped = serializers.serialize("json", Person.objects.all()) + serializers.serialize("json", [lean])
    assert "Maria" not in dumped and "Please" not in dumped
    assert repr(ContactMessage.objects.values_list("text", flat=True)[0]) == "<sealed>"


def test_a_pickled_person_leaves_the_key_behind(tenant: Tenant) -> None:
    maria = Person.objects.get(pk=make_person("Maria").pk)
    frozen = pickle.dumps(maria)
    assert bytes(maria.wrapped_key) not in frozen
    assert pickle.loads(frozen).name == "Maria"
    people.erase(maria, by=None, at=AT)
    with pytest.raises(keys.Erased):
        _ = pickle.loads(frozen).name


def test_forms_start_with_the_text_and_refuse_too_much(tenant: Tenant) -> None:
    maria = Person.objects.get(pk=make_person("Maria").pk)
    form = modelform_factory(Person, fields=["name", "phone"])(instance=maria)
    assert (form.initial["name"], form.initial["phone"]) == ("Maria", "")
    bound = modelform_factory(Person, fields=["name"])({"name": "x" * 201}, instance=maria)
    assert list(bound.errors) == ["name"]


def test_a_hundred_people_cost_the_same_queries_as_one_and_the_provider_is_not_asked(
    tenant: Tenant, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        make_person(f"Person {number}", email=f"p{number}@example.org")
    assert Person.objects.first().name  # the tenant's key is in memory
    monkeypatch.delattr(providers.FileProvider, "unwrap")
    for many in (1, 100):
        keys._person_keys.forget()
        with django_assert_num_queries(1):
            rows = list(Person.objects.all()[:many])
            assert all(row.name and row.email for row in rows)


def test_messages_with_their_people_cost_one_query(tenant: Tenant, django_assert_num_queries: Any) -> None:
    for number in range(3):
        message_of(make_person(f"Person{number}"), text=f"text {number}")
    with django_assert_num_queries(1):
        assert {m.text for m in ContactMessage.objects.select_related("person")} == {"text 0", "text 1", "text 2"}


def test_erasing_reaches_everything_sealed_under_the_persons_key(tenant: Tenant) -> None:
    maria, pedro = make_person("Maria"), make_person("Pedro")
    theirs, other = message_of(maria), message_of(pedro)
    people.erase(maria, by=None, at=AT)
    for row in (ContactMessage.objects.get(pk=theirs.pk), ContactMessage.objects.select_related("person")[1]):
        with pytest.raises(keys.Erased):
            _ = ContactMessage.objects.get(pk=theirs.pk).text
        assert row.pk
    assert ContactMessage.objects.get(pk=other.pk).text == "Please call me"
    late = ContactMessage.objects.get(pk=theirs.pk)
    late.text = "written after"
    with pytest.raises(keys.Erased), transaction.atomic():
        late.save()
    loaded = ContactMessage.objects.get(pk=theirs.pk)
    loaded.refresh_from_db()  # does not raise: nobody asked for the text
    assert modelform_factory(ContactMessage, fields=["text"])(instance=loaded).initial["text"] is None


def test_a_key_made_in_a_rolled_back_transaction_seals_nothing(second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            make_person("Rolled Back")
            raise ZeroDivisionError
        assert not TenantKey.objects.exists()
        kept = make_person("Kept")
        keys._tenant_keys.forget()
        keys._person_keys.forget()
        connections["default"].__dict__["keys_made_here"].clear()  # as another process would see it
        assert Person.objects.get(pk=kept.pk).name == "Kept"


def test_nothing_opens_outside_its_tenant(tenant: Tenant, second_tenant: Tenant) -> None:
    maria = Person.objects.get(pk=make_person("Maria").pk)
    assert maria.name == "Maria"
    with tenancy.within(second_tenant):
        with pytest.raises(tenancy.AnotherTenant):
            _ = maria.name
        assert str(maria) == "unreadable"
    with tenancy.across():
        found = Person.across_tenants.get(pk=maria.pk)
        assert found.name == "Maria"


def test_the_ledgers_cipher_binds_person_and_place(tenant: Tenant) -> None:
    cipher = audit_conf.cipher()
    assert isinstance(cipher, ciphers.LedgerCipher)
    maria, pedro = make_person("Maria"), make_person("Pedro")
    token = cipher.seal(str(maria.pk), "a value", b"place")
    assert cipher.open(str(maria.pk), token, b"place") == "a value"
    for person, written, place in ((maria, token, b"other"), (pedro, token, b"place"), (maria, token[:-8], b"place")):
        with pytest.raises(keys.Undecryptable):
            cipher.open(str(person.pk), written, place)
    people.erase(maria, by=None, at=AT)
    with pytest.raises(keys.Erased):
        cipher.open(str(maria.pk), token, b"place")


def test_the_ledgers_mac_key_comes_from_the_provider() -> None:
    held = audit_conf.mac_keys()
    key_id, key = held.current()
    assert (key_id, len(key), held.find(key_id)) == ("file:1", 32, key)
    assert held.find("file:2") is None and held.find("secret-key:1") is None
    assert key == providers.current().secret("verso/ledger/mac/1")


HOLD_A_PERSON = """
import sys, django
django.setup()
from governance import keys, tenancy
from governance.models import Person
with tenancy.within(sys.argv[1]):
    person = Person.objects.get(pk=sys.argv[2])
    print(person.name, flush=True)
    sys.stdin.readline()
    try:
        print(person.name, flush=True)
    except keys.Erased:
        print("erased", flush=True)
"""


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_another_process_that_holds_a_person_notices_the_erasure(tenant: Tenant) -> None:
    """The other process read the person, key and all, before; the erase epoch tells it."""
    import os

    from django.conf import settings as live

    maria = make_person("Maria")
    known = connection.settings_dict
    url = (
        f"sqlite:///{known['NAME']}"
        if connection.vendor == "sqlite"
        else f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_PERSON, str(tenant.pk), str(maria.pk)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "verso.settings.test"},
        cwd=live.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "Maria\n"
        people.erase(maria, by=None, at=AT)
        assert EraseEpoch.objects.get().value == 1
        time.sleep(2.1)  # ERASE_EPOCH_SECONDS
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "erased\n"
    finally:
        process.kill()
        process.wait()
