"""A browser somebody came in with is known again; a new one is told to its owner, in the tenant's words."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from accounts import browsers, devices, sessions, signin
from accounts.models import AuthSession, KnownDevice, Tenant, User
from audit import outbox
from audit.models import Event, OutboxMessage
from governance import tenancy
from tests.accounts.signing_in import password_step
from tests.factories import accounts as people

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "accounts.new_device"


def browser(agent: str = FIREFOX) -> Client:
    return Client(headers={"user-agent": agent}, REMOTE_ADDR="192.0.2.7")


def told() -> int:
    return OutboxMessage.objects.filter(kind=NEW).count()


def came_in_before(user: User) -> Client:
    """Somebody who has signed in once, with this browser."""
    client = browser()
    password_step(client, user.email)
    client.post("/account/logout/")
    return client


def asking(client: Client) -> Any:
    request = RequestFactory().get("/")
    request.COOKIES.update({name: morsel.value for name, morsel in client.cookies.items()})
    return request


def test_the_first_browser_of_an_account_is_no_news(visitor: User) -> None:
    client = came_in_before(visitor)
    assert (told(), KnownDevice.objects.get().user) == (0, visitor)
    cookie = client.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 365 * 86_400)
    assert cookie.value not in KnownDevice.objects.get().digest


def test_a_known_browser_is_quiet(visitor: User) -> None:
    client = came_in_before(visitor)
    password_step(client, visitor.email)
    assert (told(), KnownDevice.objects.count()) == (0, 1)
    assert Event.objects.filter(action="accounts.session.started").count() == 2


def test_a_new_browser_is_told_by_mail(visitor: User) -> None:
    came_in_before(visitor)
    password_step(browser(), visitor.email)
    assert told() == 1
    outbox.deliver(at=timezone.now())
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([visitor.email], "New sign-in at Demo")
    assert "Firefox on Linux" in letter.body
    assert "192.0.2.7" in letter.body
    assert "(Europe/Madrid)" in letter.body
    assert "http://testserver:8000/account/sessions/" in letter.body


def test_it_is_told_in_the_tenants_language(visitor: User, tenant: Tenant) -> None:
    came_in_before(visitor)
    Tenant.objects.filter(pk=tenant.pk).update(locale="es")
    tenancy.forget()
    seen: list[str] = []
    password_step(browser(), visitor.email)
    say = browsers.in_words
    try:
        browsers.in_words = lambda agent: seen.append(translation.get_language()) or say(agent)  # type: ignore
        outbox.deliver(at=timezone.now())
    finally:
        browsers.in_words = say
    assert seen == ["es"]


def test_nobody_is_told_of_an_account_that_was_closed_meanwhile(visitor: User) -> None:
    came_in_before(visitor)
    password_step(browser(), visitor.email)
    User.objects.filter(pk=visitor.pk).update(is_active=False)
    assert outbox.deliver(at=timezone.now()).unwanted == 1
    assert mail.outbox == []


def test_throttling_may_ask_whether_it_is_known(visitor: User, owner: User, second_tenant: Tenant) -> None:
    request = asking(came_in_before(visitor))
    assert devices.is_known(request, visitor)
    assert not devices.is_known(request, owner)
    assert not devices.is_known(request, None)
    assert not devices.is_known(asking(browser()), visitor)
    with tenancy.within(second_tenant):
        assert not devices.is_known(request, visitor)


@pytest.mark.parametrize("value", ["", "short", "a" * 44, "ä" * 43, "a" * 42 + "\n"])
def test_a_cookie_nobody_gave_out_is_replaced(visitor: User, value: str) -> None:
    client = browser()
    client.cookies["device"] = value
    password_step(client, visitor.email)
    assert client.cookies["device"].value != value


def test_two_accounts_in_one_browser_cannot_be_told_to_share_it(visitor: User, receptionist: User) -> None:
    client = came_in_before(visitor)
    before = client.cookies["device"].value
    password_step(client, receptionist.email)
    assert client.cookies["device"].value == before
    digests = list(KnownDevice.objects.values_list("digest", flat=True))
    assert len(set(digests)) == 2
    password_step(client, visitor.email)  # and neither pushes the other out
    assert KnownDevice.objects.count() == 2


def test_after_an_answer_from_another_site_it_is_met_at_the_next_request(visitor: User) -> None:
    """SAML's answer is a form sent from elsewhere, on which the browser keeps the cookie back."""
    client = came_in_before(visitor)
    password_step_from_elsewhere(client, visitor)
    assert AuthSession.objects.filter(ended_at=None, device=None).count() == 1
    assert client.get("/account/").status_code == 200
    assert AuthSession.objects.filter(ended_at=None, device__isnull=False).count() == 1
    assert (told(), KnownDevice.objects.count()) == (0, 1)
    stranger = browser()
    password_step_from_elsewhere(stranger, visitor)
    stranger.get("/account/")
    assert (told(), KnownDevice.objects.count()) == (1, 2)


def password_step_from_elsewhere(client: Client, user: User) -> None:
    """As a provider's answer would come."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "is_hidden", lambda request: True)
        password_step(client, user.email)


def test_only_a_providers_answer_may_come_without_the_cookie(visitor: User) -> None:
    """Whoever has a stolen password does not keep the notice away by a header."""
    came_in_before(visitor)
    body = {"login_view-current_step": "auth", "auth-username": visitor.email, "auth-password": people.PASSWORD}
    browser().post("/account/login/", body, headers={"sec-fetch-site": "cross-site"})
    assert told() == 1
    factory = RequestFactory(headers={"sec-fetch-site": "cross-site"})
    assert devices.is_hidden(factory.post("/sso/corp/saml/acs/"))
    assert not devices.is_hidden(factory.get("/sso/corp/saml/acs/"))


def test_ending_a_session_forgets_its_browser(visitor: User) -> None:
    client = browser()
    password_step(client, visitor.email)
    row = AuthSession.objects.get()
    sessions.end(row, by=visitor, at=timezone.now(), why="ended by its owner")
    assert not devices.is_known(asking(client), visitor)
    password_step(client, visitor.email)
    assert told() == 1


def test_signing_out_does_not(visitor: User) -> None:
    assert devices.is_known(asking(came_in_before(visitor)), visitor)


def test_production_binds_the_cookie_to_the_host() -> None:
    from verso.settings import production

    assert production.DEVICE_COOKIE_NAME.startswith("__Host-")
    assert production.SESSION_COOKIE_SECURE  # the middleware gives both the same


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("curl/8.0", "An unknown browser"),
        ("Linux", "A browser on Linux"),
        ("Firefox/1", "Firefox"),
        ("", "An unknown browser"),
    ],
)
def test_browsers_in_words(agent: str, words: str) -> None:
    assert browsers.in_words(agent) == words


def test_evidence_of_a_provider_is_kept_with_the_session(visitor: User, rf: RequestFactory) -> None:
    from accounts.models import IdentityProvider

    idp = IdentityProvider.objects.create(slug="okta", name="Okta", protocol="oidc")
    request = Client().get("/").wsgi_request
    evidence = signin.Evidence(("idp",), idp=idp, idp_session="sid-1", name_id="<NameID/>")
    row = signin.finish(request, visitor, evidence, at=timezone.now())
    assert (row.idp, row.idp_session, row.name_id, row.level) == (idp, "sid-1", "<NameID/>", 1)
    other = signin.finish(Client().get("/").wsgi_request, visitor, signin.Evidence(("password",)), at=timezone.now())
    assert sessions.end_at_provider(idp, at=timezone.now()) == 0
    assert sessions.end_at_provider(idp, session="sid-2", at=timezone.now()) == 0
    assert sessions.end_at_provider(idp, session="sid-1", at=timezone.now()) == 1
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.ended_why, other.ended_at) == ("ended at the identity provider", None)
    signin.finish(Client().get("/").wsgi_request, visitor, evidence, at=timezone.now())
    assert sessions.end_at_provider(idp, user=visitor, at=timezone.now()) == 1
