"""Mails of the door: an invitation to those who were let in."""

from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import browsers, passwords
from accounts.models import AuthSession, Membership
from audit import breakers, outbox
from governance import tenancy


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
