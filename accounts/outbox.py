"""Mails of the door: an invitation to those who were let in."""

from datetime import datetime
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import break_glass, browsers, closing, passwords
from accounts.models import AuthSession, Membership, User
from audit import breakers, outbox
from governance import keys, tenancy
from governance.models import Person


@outbox.handler("accounts.invitation")
def invite(message: Any) -> None:
    """Tell a new member where to come in: with a link to choose a password, or with the one they have."""
    membership = Membership.objects.filter(pk=message.about_id, is_active=True).select_related("user").first()
    if membership is None or not membership.user.is_active:
        raise outbox.NoLongerWanted
    tenant, user = tenancy.current(), membership.user
    path = "/account/login/" if user.has_usable_password() else passwords.welcome_path(user)
    with translation.override(tenant.locale):
        words = {"tenant": tenant, "link": tenant.url(path), "is_new": not user.has_usable_password()}
        body = render_to_string("account/mail/invitation.txt", words)
        mail = EmailMessage(_("You can sign in at %(name)s") % {"name": tenant.name}, body, to=[user.email])
        breakers.call("smtp", mail.send)


@outbox.handler("accounts.new_device")
def tell_of_new_device(message: Any) -> None:
    """Tell somebody that a browser they never used before has come in: when, from where, and how to end it."""
    session = AuthSession.objects.select_related("user").filter(pk=message.about_id).first()
    if session is None or not session.user.is_active:
        raise outbox.NoLongerWanted
    tenant = tenancy.current()
    with translation.override(tenant.locale), timezone.override(tenant.time_zone):
        words = {
            "tenant": tenant,
            "session": session,
            "browser": browsers.in_words(session.user_agent),
            "link": tenant.url(reverse("accounts:sessions")),
            "password_link": tenant.url(reverse("accounts:password")),
        }
        body = render_to_string("account/mail/new_device.txt", words)
        subject = _("New sign-in at %(name)s") % {"name": " ".join(tenant.name.split())}
        mail = EmailMessage(subject, body, to=[session.user.email], headers={"Auto-Submitted": "auto-generated"})
        breakers.call("smtp", mail.send)


@outbox.handler("accounts.break_glass")
def warn_of_break_glass(message: Any) -> None:
    """Tell an owner that somebody broke the glass; also when it is over already. Others who left are not told."""
    owner = break_glass.owners().filter(pk=message.payload.get("to")).first()
    user = User.objects.filter(pk=message.about_id).first()
    if owner is None or user is None:
        raise outbox.NoLongerWanted
    tenant: Any = tenancy.current()
    facts = {"reason": message.payload["reason"], "until": datetime.fromisoformat(message.payload["until"])}
    with translation.override(tenant.locale):
        words = {"tenant": tenant, "user": user, "link": tenant.url(reverse("admin:accounts_rolegrant_changelist"))}
        subject = _("Break-glass is in force at %(name)s") % {"name": tenant.name}
        mail = EmailMessage(subject, render_to_string("account/mail/break_glass.txt", words | facts), to=[owner.email])
        breakers.call("smtp", mail.send)


@outbox.handler("accounts.account_closed")
def say_goodbye(message: Any) -> None:
    """Tell somebody that their account is closed, unless the person was erased meanwhile."""
    person = Person.objects.filter(pk=message.about_id).first()
    try:
        address = closing.address(person, message.payload) if person else ""
    except keys.Erased:
        address = ""
    if person is None or not address:
        raise outbox.NoLongerWanted
    tenant = tenancy.current()
    with translation.override(person.locale or tenant.locale):
        words = {"tenant": tenant, "link": tenant.url(reverse("cms:privacy"))}
        subject = _("Your account at %(name)s is closed") % {"name": " ".join(tenant.name.split())}
        body = render_to_string("account/mail/account_closed.txt", words)
        mail = EmailMessage(subject, body, to=[address], headers={"Auto-Submitted": "auto-generated"})
        breakers.call("smtp", mail.send)
