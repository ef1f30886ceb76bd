"""Mails about messages: a notice to the staff who may read them, and our answers to those who wrote."""

from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Membership
from audit import breakers, outbox
from cms import policies
from cms.models import ContactMessage, ContactReply
from governance import keys, tenancy


@outbox.handler("cms.message_received")
def notify(message: Any) -> None:
    """One notice for each member who may read messages, so that one refused mailbox holds nobody else up."""
    contact = _still_new(message.about_id)
    for membership in Membership.objects.filter(is_active=True, user__is_active=True).select_related("user"):
        if policies.may_read_messages(membership.user):
            outbox.post(
                "cms.notice",
                about=contact,
                key=f"cms.notice:{contact.pk}:{membership.pk}",
                payload={"membership": str(membership.pk)},
            )


@outbox.handler("cms.notice")
def send_notice(message: Any) -> None:
    """Tell one member that a message waits. Says nothing of who wrote or what."""
    contact = _still_new(message.about_id)
    membership = Membership.objects.filter(pk=message.payload["membership"], is_active=True).first()
    if membership is None or not policies.may_read_messages(membership.user):
        raise outbox.NoLongerWanted
    tenant = tenancy.current()
    with translation.override(tenant.locale):
        link = tenant.url(f"/admin/cms/contactmessage/{contact.pk}/change/")
        body = _("A new message is waiting for %(name)s:\n\n%(link)s\n") % {"name": tenant.name, "link": link}
        _send(_("A new message"), body, to=membership.user.email, once=str(message.pk))


@outbox.handler("cms.reply")
def send_reply(message: Any) -> None:
    """Send our answer to the person who wrote. Not to somebody erased since."""
    reply = ContactReply.objects.select_related("message__person").filter(pk=message.about_id).first()
    if reply is None:
        raise outbox.NoLongerWanted
    try:
        person, subject, text = reply.message.person, reply.message.subject, reply.text
        to = formataddr((" ".join(person.name.split()), person.email))
    except keys.Erased as gone:
        raise outbox.NoLongerWanted from gone
    with translation.override(reply.message.locale):
        _send(_("Re: %(subject)s") % {"subject": subject}, text, to=to, once=str(reply.pk))


def _still_new(pk: str) -> ContactMessage:
    contact = ContactMessage.objects.filter(pk=pk).first()
    if contact is None or not contact.is_new:
        raise outbox.NoLongerWanted
    return contact


def _send(subject: str, body: str, *, to: str, once: str) -> None:
    """One plain mail. The same mail sent twice carries the same Message-ID, so that mailboxes show it once."""
    tenant = tenancy.current()
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    mail = EmailMessage(
        " ".join(subject.split()),
        f"{body.rstrip()}\n\n-- \n{tenant.name}\n{tenant.url('/')}\n",
        formataddr((tenant.name, sender)),
        [to],
        reply_to=[tenant.contact_email] if tenant.contact_email else None,
        headers={"Message-ID": f"<{once}@{sender.rpartition('@')[2]}>"},
    )
    breakers.call("smtp", mail.send)
