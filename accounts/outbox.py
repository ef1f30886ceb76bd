"""Mails of the door: invitations, notices, codes. Which mail an address gets is found out here, off the page."""

from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import addresses, break_glass, browsers, closing, codes, conf, emails, passwords
from accounts.addresses import Standing
from accounts.models import AuthSession, EmailCode, Membership, User
from audit import breakers, outbox
from governance import keys, tenancy
from governance.models import Person


@outbox.handler("accounts.invitation")
def invite(message: Any) -> None:
    """Tell a new member where to come in: with a link to choose a password, or as they do elsewhere already."""
    membership = Membership.objects.filter(pk=message.about_id, is_active=True).select_related("user").first()
    if membership is None or not membership.user.is_active:
        raise outbox.NoLongerWanted
    tenant, user = tenancy.current(), membership.user
    is_new = not user.has_usable_password()
    path = passwords.welcome_path(user) if is_new else reverse("accounts:login")
    with translation.override(tenant.locale):
        words = {"tenant": tenant, "link": tenant.url(path), "is_new": is_new}
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


# --- codes ------------------------------------------------------------------------------------------------------------
# What stands in the mail instead of a code, by purpose and standing of the address.
REFUSED = {
    (EmailCode.Purpose.SIGNUP, Standing.MEMBER): "member",
    (EmailCode.Purpose.SIGNUP, Standing.CLOSED): "closed",
    (EmailCode.Purpose.SIGNUP, Standing.PROVIDER): "provider",
    (EmailCode.Purpose.RESET, Standing.UNKNOWN): "unknown",
    (EmailCode.Purpose.RESET, Standing.ELSEWHERE): "unknown",
    (EmailCode.Purpose.RESET, Standing.CLOSED): "unknown",
    (EmailCode.Purpose.RESET, Standing.PROVIDER): "provider",
}
PAGES = {
    EmailCode.Purpose.SIGNUP: "accounts:signup_confirm",
    EmailCode.Purpose.RESET: "accounts:password_reset_confirm",
    EmailCode.Purpose.EMAIL: "accounts:email_confirm",
}


@outbox.handler("accounts.code")
def send_code(message: Any) -> None:
    """Send a code, or what there is to say instead; then nobody keeps the code itself any more."""
    code = EmailCode.objects.select_related("user").filter(pk=message.about_id).first()
    if code is None or not code.sealed_code or not code.is_open(at=timezone.now()):
        raise outbox.NoLongerWanted
    kept = _kept(code)
    why, to, provider = _kind_of_mail(code, kept["email"])
    with _language(kept):
        words: dict[str, Any] = {"why": why, "provider": provider}
        if why in REFUSED.values() or why == "taken":
            _write(to, _("Your e-mail address at %(name)s"), "no_code", words)
        else:
            link = tenancy.current().url(reverse(PAGES[EmailCode.Purpose(code.purpose)]))
            words |= {"code": codes.clear_code(code), "link": link, "minutes": conf.CODE_FOR // timedelta(minutes=1)}
            _write(to, _("Your code for %(name)s"), "code", words)
    codes.forget_clear(code)


def _kind_of_mail(code: EmailCode, email: str) -> tuple[str, str, Any]:
    """Why this address is written to, at which spelling of it, and the provider to name."""
    purpose = EmailCode.Purpose(code.purpose)
    if purpose is EmailCode.Purpose.EMAIL:
        return "taken" if emails.is_taken(email, by_other_than=code.user) else "email", email, None
    known = addresses.look_up(email)
    why = REFUSED.get((purpose, known.standing)) or ("join" if known.standing is Standing.ELSEWHERE else str(purpose))
    return why, known.email, known.idp


@outbox.handler("accounts.password_changed")
def tell_of_new_password(message: Any) -> None:
    """Tell somebody that their password was changed with a code."""
    user = User.objects.filter(pk=message.about_id, is_active=True).first()
    if user is None:
        raise outbox.NoLongerWanted
    with _language(message.payload):
        _write(user.email, _("Your password at %(name)s was changed"), "changed", {"what": "password"})


@outbox.handler("accounts.email_changed")
def tell_of_new_address(message: Any) -> None:
    """Tell the old address that it is no longer that of the account."""
    code = EmailCode.objects.filter(pk=message.about_id).first()
    if code is None or "email" not in (kept := _kept(code)):
        raise outbox.NoLongerWanted
    with _language(kept):
        _write(kept["email"], _("Your e-mail address at %(name)s was changed"), "changed", {"what": "email"})
    codes.keep(code)


def _kept(code: EmailCode) -> dict[str, Any]:
    try:
        return codes.facts(code)
    except codes.CodeOver as lost:
        raise outbox.NoLongerWanted from lost


def _language(kept: dict[str, Any]) -> Any:
    return translation.override(kept.get("locale") or tenancy.current().locale)


def _write(to: str, subject: str, template: str, words: dict[str, Any]) -> None:
    tenant = tenancy.current()
    words |= {
        "name": tenant.name,
        "login_link": tenant.url(reverse("accounts:login")),
        "reset_link": tenant.url(reverse("accounts:password_reset")),
        "contact_link": tenant.url("/contact/"),
    }
    body = render_to_string(f"account/mail/{template}.txt", words)
    heading = subject % {"name": " ".join(tenant.name.split())}
    breakers.call("smtp", EmailMessage(heading, body, to=[to], headers={"Auto-Submitted": "auto-generated"}).send)
