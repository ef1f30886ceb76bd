"""A visitor writes to us: kept once, encrypted, told to those who may read it."""

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import connection, connections
from django.utils import timezone

from accounts.models import Tenant, User
from audit import outbox
from cms import messages
from cms.models import ContactMessage
from governance import people, tenancy
from tests.factories.cms import WORDS, receive_message

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TYPED = {"subject": "A wheelchair", "name": "Ada Winter", "email": "ada@example.net", "locale": "es", "at": NOON}


def test_what_was_typed_is_kept_under_the_persons_key(tenant: Tenant) -> None:
    message, is_new = messages.receive(WORDS, request_id=uuid4(), **TYPED)
    kept = ContactMessage.objects.get()
    assert is_new
    assert (kept.pk, kept.subject, kept.text, kept.status) == (message.pk, "A wheelchair", WORDS, "new")
    assert (kept.person.name, kept.person.email, kept.locale) == ("Ada Winter", "ada@example.net", "es")
    assert kept.received_at == NOON


def test_no_word_of_it_lies_in_clear(tenant: Tenant) -> None:
    receive_message()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM cms_contactmessage")
        row = b"|".join(v if isinstance(v, bytes) else str(v).encode() for v in map(_plain, cursor.fetchone()))
    assert not any(word in row for word in (b"wheelchair", b"Ada", b"ada@example.net", b"treatment"))


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def test_the_same_form_with_the_same_words_is_one_message(tenant: Tenant) -> None:
    request_id = uuid4()
    first = messages.receive(WORDS, request_id=request_id, **TYPED)
    again = messages.receive(WORDS, request_id=request_id, **TYPED)
    assert (again.message.pk, again.is_new) == (first.message.pk, False)
    assert ContactMessage.objects.count() == 1


def test_the_same_form_with_other_words_loses_none_of_them(tenant: Tenant) -> None:
    request_id = uuid4()
    messages.receive(WORDS, request_id=request_id, **TYPED)
    messages.receive("And is there a lift?", request_id=request_id, **TYPED)
    assert sorted(m.text for m in ContactMessage.objects.all()) == ["And is there a lift?", WORDS]


def test_typing_somebodys_address_shows_and_changes_nothing_of_theirs(tenant: Tenant) -> None:
    ada = people.recognise(name="Ada Winter", email="ada@example.net", at=NOON)
    theirs = receive_message(name="Somebody Else", email="ada@example.net")
    ada.refresh_from_db()
    assert theirs.person_id != ada.pk
    assert ada.name == "Ada Winter"


def test_another_tenant_sees_nothing_of_it(tenant: Tenant, second_tenant: Tenant) -> None:
    receive_message()
    with tenancy.within(second_tenant):
        assert not ContactMessage.objects.exists()


def test_each_member_who_may_read_is_told_once_and_nobody_else(
    tenant: Tenant, manager: User, receptionist: User, auditor: User, visitor: User
) -> None:
    message = receive_message()
    now = timezone.now()
    outbox.deliver(at=now)
    outbox.deliver(at=timezone.now())
    assert sorted(m.to[0] for m in mail.outbox) == [manager.email, receptionist.email]
    told = mail.outbox[0].message().as_string()
    assert f"/admin/cms/contactmessage/{message.pk}/change/" in told
    assert not any(word in told for word in ("wheelchair", "Ada", "ada@", "room"))


def test_nobody_is_told_of_a_message_that_was_answered_meanwhile(tenant: Tenant, receptionist: User) -> None:
    message = receive_message()
    messages.close(message, by=receptionist, at=NOON)
    assert outbox.deliver(at=timezone.now()).unwanted == 1
    assert mail.outbox == []


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_ten_hurried_clicks_are_one_message(tenant: Tenant) -> None:
    request_id, results = uuid4(), []
    ready = threading.Barrier(10)

    def click() -> None:
        with tenancy.within(tenant):
            ready.wait()
            results.append(messages.receive(WORDS, request_id=request_id, **TYPED))
        connections.close_all()

    clicks = [threading.Thread(target=click) for _ in range(10)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert [r.is_new for r in results].count(True) == 1
    assert len(results) == 10
    assert ContactMessage.objects.count() == 1
    assert ContactMessage.objects.get().person.contact_messages.count() == 1
