"""Staff answer by mail, close and reopen."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Tenant, User
from audit import outbox
from audit.models import Event
from cms import messages
from cms.models import ContactMessage, ContactReply
from governance import people
from tests.factories.cms import receive_message

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def answer(message: ContactMessage, by: User, text: str = "Yes, and a lift.") -> ContactReply:
    return messages.reply(message, text=text, request_id=uuid4(), by=by, at=NOON)


def test_an_answer_goes_to_the_person_under_their_subject(tenant: Tenant, receptionist: User) -> None:
    reply = answer(receive_message(), receptionist)
    outbox.deliver(at=timezone.now())
    sent = next(m for m in mail.outbox if "ada@example.net" in m.to[0])
    assert sent.to == ["Ada Winter <ada@example.net>"]
    assert sent.subject == "Re: A wheelchair"
    assert sent.body.startswith("Yes, and a lift.\n\n-- \nDemo\n")
    assert sent.extra_headers["Message-ID"].startswith(f"<{reply.pk}@")
    assert outbox.states_of([reply], kind="cms.reply") == {str(reply.pk): "delivered"}
    message = ContactMessage.objects.get()
    assert (message.status, message.replies.get().author, message.replies.get().text) == (
        "answered",
        receptionist,
        "Yes, and a lift.",
    )


def test_the_same_answer_sent_twice_is_one(tenant: Tenant, receptionist: User) -> None:
    message, request_id = receive_message(), uuid4()
    for _click in range(2):
        messages.reply(message, text="Yes.", request_id=request_id, by=receptionist, at=NOON)
    assert message.replies.count() == 1
    outbox.deliver(at=timezone.now())
    assert len([m for m in mail.outbox if "ada@example.net" in m.to[0]]) == 1


def test_an_answer_without_words_is_refused(tenant: Tenant, receptionist: User) -> None:
    with pytest.raises(messages.NothingWritten):
        answer(receive_message(), receptionist, text="  \n")
    assert not ContactReply.objects.exists()


def test_a_subject_cannot_smuggle_a_header(tenant: Tenant, receptionist: User) -> None:
    answer(receive_message(subject="Hello\r\nBcc: everybody@example.net"), receptionist)
    outbox.deliver(at=timezone.now())
    sent = next(m for m in mail.outbox if "ada@example.net" in m.to[0])
    assert sent.subject == "Re: Hello Bcc: everybody@example.net"
    assert sent.recipients() == ["Ada Winter <ada@example.net>"]


def test_a_name_of_two_lines_does_not_keep_the_answer_back(tenant: Tenant, receptionist: User) -> None:
    reply = answer(receive_message(name="Ada\r\nBcc: eve@example.net"), receptionist)
    outbox.deliver(at=timezone.now())
    assert outbox.states_of([reply], kind="cms.reply") == {str(reply.pk): "delivered"}
    (sent,) = [m for m in mail.outbox if "ada@example.net" in m.to[0]]
    assert sent.message()["Bcc"] is None


def test_somebody_erased_meanwhile_gets_no_mail(tenant: Tenant, receptionist: User) -> None:
    message = receive_message()
    reply = answer(message, receptionist)
    people.erase(message.person, by=receptionist, at=NOON)
    outbox.deliver(at=timezone.now())
    assert [m for m in mail.outbox if "ada@example.net" in m.to[0]] == []
    assert outbox.states_of([reply], kind="cms.reply") == {str(reply.pk): "unwanted"}


def test_close_and_reopen(tenant: Tenant, receptionist: User) -> None:
    message = receive_message()
    assert messages.close(message, by=receptionist, at=NOON).status == "closed"
    with pytest.raises(messages.AlreadyClosed):
        messages.close(message, by=receptionist, at=NOON)
    assert messages.reopen(message, by=receptionist, at=NOON).status == "new"
    with pytest.raises(messages.NotClosed):
        messages.reopen(message, by=receptionist, at=NOON)


def test_a_reopened_message_that_was_answered_stays_answered(tenant: Tenant, receptionist: User) -> None:
    message = receive_message()
    answer(message, receptionist)
    messages.close(message, by=receptionist, at=NOON)
    assert messages.reopen(message, by=receptionist, at=NOON).status == "answered"


def test_every_act_is_in_the_ledger_without_a_word_of_what_was_said(tenant: Tenant, receptionist: User) -> None:
    message = receive_message()
    answer(message, receptionist)
    messages.close(message, by=receptionist, at=NOON)
    messages.reopen(message, by=receptionist, at=NOON)
    entries = list(Event.objects.filter(action__startswith="cms.").order_by("id"))
    assert [(entry.action, entry.content.get("changes", {})) for entry in entries] == [
        ("cms.message.received", {}),
        ("cms.message.answered", {"status": ["new", "answered"]}),
        ("cms.message.closed", {"status": ["answered", "closed"]}),
        ("cms.message.reopened", {"status": ["closed", "answered"]}),
    ]
    for entry in entries:
        assert entry.content["people"] == [str(message.person_id)]
        assert entry.content["object"] == {"type": "cms.contactmessage", "id": str(message.pk)}
        assert not any(word in str(entry.content) for word in ("Ada", "ada@", "wheelchair", "lift"))


def test_a_refused_act_changes_nothing_and_tells_nobody(tenant: Tenant, receptionist: User) -> None:
    message = messages.close(receive_message(), by=receptionist, at=NOON)
    before = Event.objects.count()
    with pytest.raises(messages.AlreadyClosed):
        messages.close(message, by=receptionist, at=NOON)
    assert Event.objects.count() == before
