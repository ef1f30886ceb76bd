"""Messages of visitors: received once, answered by mail, closed.

Every verb writes its ledger entry and leaves whom to tell in the outbox, in its own transaction.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from audit import ledger, outbox
from cms.models import ContactMessage, ContactReply
from governance import people

Status = ContactMessage.Status


class AlreadyClosed(ValidationError):
    """The message is closed already."""

    def __init__(self) -> None:
        super().__init__(_("This message is closed already."), code="already_closed")


class NotClosed(ValidationError):
    """Only a closed message can be reopened."""

    def __init__(self) -> None:
        super().__init__(_("This message is not closed."), code="not_closed")


class NothingWritten(ValidationError):
    """An answer without words."""

    def __init__(self) -> None:
        super().__init__(_("Write an answer first."), code="nothing_written")


class Received(NamedTuple):
    """A message, and whether this very call brought it in."""

    message: ContactMessage
    is_new: bool


def receive(text: str, *, subject: str, name: str, email: str, locale: str, request_id: UUID, at: datetime) -> Received:
    """Keep a visitor's message and tell staff. The same form with the same words, sent again, is the same message."""
    sent_once = uuid5(request_id, "\x00".join((name, email, subject, text)))
    try:
        with transaction.atomic():
            if already := ContactMessage.objects.filter(sent_once=sent_once).first():
                return Received(already, is_new=False)
            person = people.recognise(name=name, email=email, locale=locale, at=at)
            message = ContactMessage.objects.create(
                person=person, subject=subject, text=text, locale=locale, received_at=at, sent_once=sent_once
            )
            ledger.record("cms.message.received", message, people=[person])
            outbox.post("cms.message_received", about=message, key=f"cms.message_received:{message.pk}")
    except IntegrityError:
        return Received(ContactMessage.objects.get(sent_once=sent_once), is_new=False)
    return Received(message, is_new=True)


def reply(message: ContactMessage, *, text: str, request_id: UUID, by: User, at: datetime) -> ContactReply:
    """Answer by mail. Refuses with `NothingWritten`; the same form sent again is the same answer."""
    if not text.strip():
        raise NothingWritten
    sent_once = uuid5(request_id, text)
    with transaction.atomic():
        message = _locked(message)
        if already := message.replies.filter(sent_once=sent_once).first():
            return already
        answer = ContactReply.objects.create(message=message, text=text, author=by, written_at=at, sent_once=sent_once)
        _stand(message, Status.ANSWERED, action="cms.message.answered")
        outbox.post("cms.reply", about=answer, key=f"cms.reply:{answer.pk}")
    return answer


def close(message: ContactMessage, *, by: User, at: datetime) -> ContactMessage:
    """Lay a message aside. Refuses with `AlreadyClosed`."""
    with transaction.atomic():
        message = _locked(message)
        if message.status == Status.CLOSED:
            raise AlreadyClosed
        return _stand(message, Status.CLOSED, action="cms.message.closed")


def reopen(message: ContactMessage, *, by: User, at: datetime) -> ContactMessage:
    """Take a closed message up again: answered if somebody answered it, new otherwise. Refuses with `NotClosed`."""
    with transaction.atomic():
        message = _locked(message)
        if message.status != Status.CLOSED:
            raise NotClosed
        status = Status.ANSWERED if message.replies.exists() else Status.NEW
        return _stand(message, status, action="cms.message.reopened")


def _locked(message: ContactMessage) -> ContactMessage:
    return ContactMessage.objects.select_for_update(of=("self",)).select_related("person").get(pk=message.pk)


def _stand(message: ContactMessage, status: str, *, action: str) -> ContactMessage:
    before, message.status = message.status, status
    message.save(update_fields=["status"])
    ledger.record(action, message, changes={"status": [before, status]}, people=[message.person])
    return message
