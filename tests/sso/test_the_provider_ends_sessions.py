"""Back-channel logout: a provider's token ends the sessions it names, once; a forged one ends nothing."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuthSession, ExternalIdentity, IdentityProvider, LogoutTokenSeen, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people
from tests.factories.audit import at_once
from tests.sso import forger, walking
from tests.sso.forger import Forger

ADDRESS = "/sso/acme/oidc/backchannel-logout/"


def session(idp: IdentityProvider | None, user: User, sid: str) -> AuthSession:
    now = timezone.now()
    return AuthSession.objects.create(
        user=user,
        key_digest=f"{sid}-{user.pk}"[:64],
        started_at=now,
        seen_at=now,
        verified_at=now,
        expires_at=now + timedelta(hours=1),
        level=1,
        idp=idp,
        idp_session=sid,
    )


@pytest.fixture
def ada(believed: IdentityProvider) -> User:
    """Two sessions by the provider, one by password; beside her Bea, by the same provider."""
    user, other = people.make_member("ada"), people.make_member("bea")
    for who, subject in ((user, "s-1"), (other, "s-2")):
        ExternalIdentity.objects.create(idp=believed, subject=subject, user=who, linked_at=timezone.now())
    for idp, who, sid in [
        (believed, user, "sid-1"),
        (believed, user, "sid-2"),
        (None, user, ""),
        (believed, other, "b"),
    ]:
        session(idp, who, sid)
    return user


def post(token: Any, *, address: str = ADDRESS, **options: Any) -> Any:
    return Client(enforce_csrf_checks=True).post(address, {"logout_token": token}, **options)


def ended() -> set[tuple[str, str]]:
    rows = AuthSession.objects.exclude(ended_at=None).select_related("user")
    return {(row.user.email.partition("@")[0], row.idp_session) for row in rows}


def test_the_session_named_by_sid_ends(liar: Forger, ada: User) -> None:
    answer = post(liar.logout_token())
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert ended() == {("ada", "sid-1")}
    entry = Event.objects.get(action="accounts.session.ended")
    assert (entry.object_id, entry.reason) == (str(ada.pk), "signed out at the provider")


def test_all_sessions_of_the_one_named_by_sub_end(liar: Forger, ada: User) -> None:
    assert post(liar.logout_token(sub="s-1", drop=("sid",))).status_code == 200
    assert ended() == {("ada", "sid-1"), ("ada", "sid-2")}


def test_sid_and_sub_must_both_fit(liar: Forger, ada: User) -> None:
    assert post(liar.logout_token(sub="s-2")).status_code == 200
    assert ended() == set()


def test_nobody_there_is_no_error(liar: Forger, ada: User) -> None:
    assert post(liar.logout_token(sid="another")).status_code == 200
    assert ended() == set()


@pytest.mark.parametrize("header", [{}, {"typ": "JWT"}, {"typ": "application/logout+jwt"}])
def test_other_spellings_of_the_type(liar: Forger, ada: User, header: dict[str, str]) -> None:
    assert post(liar.logout_token(header=header)).status_code == 200


def test_a_token_serves_once(liar: Forger, ada: User) -> None:
    token = liar.logout_token()
    assert post(token).status_code == 200
    AuthSession.objects.update(ended_at=None)
    assert post(token).status_code == 400
    assert ended() == set()
    assert walking.refusals() == [("accounts.sso.logout_refused", "logout token served before")]
    assert LogoutTokenSeen.objects.count() == 1


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_two_that_come_together_serve_once(liar: Forger, ada: User, tenant: Tenant) -> None:
    token, frame = liar.logout_token(), tenant
    post(liar.logout_token(sid="another"))  # keys are known by now

    def bring() -> int:
        return int(post(token).status_code)

    assert sorted(at_once(bring, bring)) == [200, 400]
    with tenancy.within(frame):
        assert Event.objects.filter(action="accounts.session.ended").count() == 1


LATER = int(time.time()) + 7200
FORGED: dict[str, tuple[Callable[[Forger], Any], str]] = {
    "unsigned": (lambda liar: forger.unsigned({"iss": liar.issuer, "sid": "sid-1"}), "algorithm"),
    "signed with the public key": (lambda liar: forger.signed_with_the_public_key({"sid": "sid-1"}), "algorithm"),
    "signed by somebody else": (
        lambda liar: liar.sign({"sid": "sid-1"}, with_key="theirs", kid="ours"),
        "InvalidSignatureError",
    ),
    "of another issuer": (lambda liar: liar.logout_token(iss="https://evil.example"), "InvalidIssuerError"),
    "for another client": (lambda liar: liar.logout_token(aud="another"), "InvalidAudienceError"),
    "expired": (lambda liar: liar.logout_token(exp=int(time.time()) - 600), "ExpiredSignatureError"),
    "without end": (lambda liar: liar.logout_token(drop=("exp",)), "MissingRequiredClaimError"),
    "with an end too far": (lambda liar: liar.logout_token(exp=int(time.time()) + 10**6), "lives too long"),
    "with an endless end": (lambda liar: liar.logout_token(exp=10**18), "exp"),
    "issued later": (lambda liar: liar.logout_token(iat=LATER), "ImmatureSignatureError"),
    "without event": (lambda liar: liar.logout_token(drop=("events",)), "events"),
    "with another event": (lambda liar: liar.logout_token(events={"https://other.example": {}}), "events"),
    "with a word for an event": (
        lambda liar: liar.logout_token(events={"http://schemas.openid.net/event/backchannel-logout": "yes"}),
        "events",
    ),
    "with a nonce, as an ID token has": (lambda liar: liar.logout_token(nonce="n"), "nonce in a logout token"),
    "without jti": (lambda liar: liar.logout_token(drop=("jti",)), "jti"),
    "with a number for jti": (lambda liar: liar.logout_token(jti=5), "InvalidJTIError"),
    "naming nobody": (lambda liar: liar.logout_token(drop=("sid",)), "names nobody"),
    "naming a number": (lambda liar: liar.logout_token(sid=5), "names nobody"),
    "naming everybody": (lambda liar: liar.logout_token(sid=""), "names nobody"),
    "an access token": (lambda liar: liar.logout_token(header={"typ": "at+jwt"}), "type of token"),
    "nonsense": (lambda liar: "nonsense", "DecodeError"),
    "nothing": (lambda liar: "", "DecodeError"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_token(liar: Forger, ada: User, forged: str) -> None:
    make, why = FORGED[forged]
    answer = post(make(liar))
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert walking.refusals() == [("accounts.sso.logout_refused", why)]
    assert ended() == set()


def test_the_id_token_somebody_came_in_with_ends_nothing(liar: Forger, ada: User) -> None:
    assert post(liar.id_token()).status_code == 400
    assert ended() == set()


def test_another_tenants_provider_ends_nothing_here(liar: Forger, ada: User) -> None:
    elsewhere = people.make_tenant("second", hosts=("second.testserver",))
    with tenancy.within(elsewhere):
        walking.provider(liar.issuer, forger.SECRET)
    assert post(liar.logout_token(), headers={"host": "second.testserver"}).status_code == 200
    assert ended() == set()


def test_only_a_live_provider_is_heard(liar: Forger, ada: User) -> None:
    IdentityProvider.objects.update(status="test")
    assert post(liar.logout_token()).status_code == 404
    assert post(liar.logout_token(), address="/sso/nobody/oidc/backchannel-logout/").status_code == 404
    assert Client().get(ADDRESS).status_code == 405
