"""A provider, or somebody who passes for it, lies: each lie is a refusal with a page and an entry, and no session."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from django.core.cache import cache
from django.test import Client

from accounts import conf, signin
from accounts.models import ExternalIdentity, IdentityProvider, User
from audit.models import Event
from tests.factories import accounts as people
from tests.sso import forger, walking
from tests.sso.forger import Forger, at_hash, say
from tests.sso.walking import assert_refused, begin, come_back, is_signed_in

HOUR = 3600


def walk(client: Client, liar: Forger, **changes: Any) -> Any:
    return come_back(client, begin(client, liar), **changes)


def test_the_honest_answer_is_believed(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    """Every forgery below differs from this in one thing."""
    assert walk(client, liar).status_code == 200
    assert is_signed_in(client)
    assert liar.posted["grant_type"] == "authorization_code"
    assert "client_secret" not in liar.posted
    assert liar.authorization.startswith("Basic ")


def test_the_secret_travels_in_the_body_where_the_provider_wants_that(
    client: Client, liar: Forger, believed: IdentityProvider
) -> None:
    liar.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert walk(client, liar).status_code == 200
    assert (liar.posted["client_id"], liar.posted["client_secret"]) == ("verso", forger.SECRET)


TOKENS: dict[str, tuple[Callable[[Forger, dict[str, Any]], Any], str]] = {
    "alg none": (lambda liar, claims: forger.unsigned(claims), "algorithm"),
    "alg NoNe": (lambda liar, claims: forger.unsigned(claims, alg="NoNe"), "algorithm"),
    "HS256 with the public key": (lambda liar, claims: forger.signed_with_the_public_key(claims), "algorithm"),
    "HS256 with the client's secret": (
        lambda liar, claims: jwt.encode(claims, forger.SECRET * 4, "HS256", headers={"kid": "ours"}),
        "algorithm",
    ),
    "a wrong key under the right name": (
        lambda liar, claims: liar.sign(claims, with_key="theirs", kid="ours"),
        "InvalidSignatureError",
    ),
    "an unknown key": (lambda liar, claims: liar.sign(claims, with_key="theirs"), "unknown key"),
    "a key that the token brings along": (
        lambda liar, claims: liar.sign(claims, with_key="theirs", jwk=forger.published("theirs")),
        "unknown key",
    ),
    "another algorithm than the key's": (
        lambda liar, claims: jwt.encode(claims, forger.curve(), "ES256", headers={"kid": "ours"}),
        "unknown key",
    ),
    "signature cut off": (lambda liar, claims: liar.sign(claims).rpartition(".")[0] + ".", "InvalidSignatureError"),
    "claims exchanged": (
        lambda liar, claims: ".".join(
            [
                (parts := liar.sign(claims).split("."))[0],
                forger.segment({**claims, "sub": "somebody-else"}),
                parts[2],
            ]
        ),
        "InvalidSignatureError",
    ),
    "an access token": (lambda liar, claims: liar.sign(claims, typ="at+jwt"), "type of token"),
    "a logout token": (lambda liar, claims: liar.sign(claims, typ="logout+jwt"), "type of token"),
    "critical extensions unknown": (
        lambda liar, claims: liar.sign(claims, crit=["exp2"], exp2=1),
        "InvalidTokenError",
    ),
    "no token": (lambda liar, claims: None, "no token"),
    "a list": (lambda liar, claims: [liar.sign(claims)], "no token"),
    "nonsense": (lambda liar, claims: "not.a.token", "DecodeError"),
    "no claims at all": (
        lambda liar, claims: jwt.api_jws.encode(b"[]", forger.key(), "RS256", headers={"kid": "ours"}),
        "DecodeError",
    ),
}


@pytest.mark.parametrize("forged", TOKENS)
def test_a_forged_token(client: Client, liar: Forger, believed: IdentityProvider, forged: str) -> None:
    make, why = TOKENS[forged]
    liar.token = lambda claims: make(liar, claims)
    assert_refused(client, walk(client, liar), why)


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "made for another client": ({"aud": "another"}, "InvalidAudienceError"),
    "made for nobody": ({"aud": None}, "MissingRequiredClaimError"),
    "made for others too, without azp": ({"aud": ["verso", "another"]}, "several audiences without azp"),
    "made for another of several": ({"aud": ["verso", "another"], "azp": "another"}, "azp"),
    "used by another": ({"azp": "another"}, "azp"),
    "of another issuer": ({"iss": "https://evil.example"}, "InvalidIssuerError"),
    "of no issuer": ({"iss": None}, "MissingRequiredClaimError"),
    "answering another question": ({"nonce": "another"}, "nonce"),
    "answering no question": ({"nonce": None}, "nonce"),
    "with a number for a nonce": ({"nonce": 5}, "nonce"),
    "expired": ({"exp": int(time.time()) - HOUR}, "ExpiredSignatureError"),
    "without end": ({"exp": None}, "MissingRequiredClaimError"),
    "with an endless end": ({"exp": float("inf")}, "DecodeError"),
    "not yet valid": ({"nbf": int(time.time()) + HOUR}, "ImmatureSignatureError"),
    "issued tomorrow": ({"iat": int(time.time()) + HOUR}, "ImmatureSignatureError"),
    "issued at no time": ({"iat": None}, "MissingRequiredClaimError"),
    "about nobody": ({"sub": None}, "sub"),
    "about a number": ({"sub": 5}, "InvalidSubjectError"),
    "about an empty name": ({"sub": " "}, "sub"),
    "about an endless name": ({"sub": "s" * 256}, "sub"),
    "for another access token": ({"at_hash": at_hash("access-2")}, "at_hash"),
    "authenticated tomorrow": ({"auth_time": int(time.time()) + HOUR}, "auth_time"),
    "authenticated at no number": ({"auth_time": "soon"}, "auth_time"),
    "authenticated at not-a-number": ({"auth_time": float("nan")}, "auth_time"),
}


@pytest.mark.parametrize("told", CLAIMS)
def test_a_token(client: Client, liar: Forger, believed: IdentityProvider, told: str) -> None:
    liar.claims, why = CLAIMS[told]
    assert_refused(client, walk(client, liar), why)


@pytest.mark.parametrize("seconds", [-conf.CLOCK_LEEWAY + 5, conf.CLOCK_LEEWAY - 5])
def test_clocks_may_differ_by_a_minute(client: Client, liar: Forger, believed: IdentityProvider, seconds: int) -> None:
    now = int(time.time())
    liar.claims = {"exp": now + seconds} if seconds < 0 else {"iat": now + seconds, "nbf": now + seconds}
    assert walk(client, liar).status_code == 200


def test_the_right_hash_of_the_access_token_is_believed(
    client: Client, liar: Forger, believed: IdentityProvider
) -> None:
    liar.claims = {"at_hash": at_hash("access-1")}
    assert walk(client, liar).status_code == 200


# --- what comes with the browser -------------------------------------------------------------------------------------
def test_an_answer_nobody_asked_for(client: Client, believed: IdentityProvider) -> None:
    assert_refused(client, client.get(f"{walking.CALLBACK}?code=x&state=y"), "no cookie")
    assert_refused(client, client.get(walking.CALLBACK), "no cookie")


def test_a_wrong_state(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    sent = begin(client, liar)
    assert_refused(client, come_back(client, sent, state="guessed"), "unknown state")
    assert_refused(client, come_back(client, sent, state=None), "unknown state")
    assert come_back(client, sent).status_code == 200


def test_the_state_of_another_provider(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    """Mix-up: one provider's answer is brought to another one's address."""
    walking.provider(liar.issuer, forger.SECRET, slug="other")
    sent = begin(client, liar, start="/sso/other/oidc/start/")
    assert_refused(client, come_back(client, sent), "another provider's state")


def test_the_state_of_another_tenant(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    from governance import tenancy

    elsewhere = people.make_tenant("second", hosts=("second.testserver",))
    with tenancy.within(elsewhere):
        walking.provider(liar.issuer, forger.SECRET)
    sent = begin(client, liar)
    client.cookies["flow"]["domain"] = ""
    answer = client.get(f"{walking.CALLBACK}?code=1&state={sent['state']}", headers={"host": "second.testserver"})
    assert answer.status_code == 403
    assert not is_signed_in(client)


def test_an_answer_that_names_another_issuer(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    assert_refused(client, walk(client, liar, iss="https://evil.example"), "answer of another issuer")


def test_an_answer_that_should_name_its_issuer(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.metadata["authorization_response_iss_parameter_supported"] = True
    assert_refused(client, walk(client, liar), "answer of another issuer")
    assert walk(client, liar, iss=liar.issuer).status_code == 200


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("access_denied", "access_denied"),
        ("<script>alert(1)</script>", "unreadable error"),
        ("e" * 5000, "unreadable error"),
    ],
)
def test_the_provider_says_no(client: Client, liar: Forger, believed: IdentityProvider, error: str, why: str) -> None:
    answer = walk(client, liar, code=None, error=error, error_description="<b>because</b>")
    assert_refused(client, answer, why)
    assert error not in answer.text or error == why
    assert "because" not in answer.text


def test_an_error_signs_nobody_out(liar: Forger, believed: IdentityProvider, owner: User) -> None:
    """The stock callback logs anybody out who follows a link with `?error=1`."""
    client = people.enter(owner)
    assert client.get(f"{walking.CALLBACK}?error=1").status_code == 403
    assert client.get(f"{walking.CALLBACK}?error=1&state=guessed").status_code == 403
    assert client.get("/admin/").status_code == 200


def test_no_code(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    assert_refused(client, walk(client, liar, code=None), "no code")


def test_a_flow_that_lost_its_verifier(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    sent = begin(client, liar)
    from accounts import flows

    key = flows._key("flow", sent["state"])
    cache.set(key, {**cache.get(key), "code_verifier": ""}, 60)
    assert_refused(client, come_back(client, sent), "no verifier")
    assert liar.posted == {}


def test_a_flow_is_over_after_ten_minutes(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    from accounts import flows

    sent = begin(client, liar)
    cache.touch(flows._key("flow", sent["state"]), 0)
    assert_refused(client, come_back(client, sent), "unknown state")


# --- what the provider adds ------------------------------------------------------------------------------------------
def test_userinfo_about_somebody_else(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.userinfo = {"sub": "s-2"}
    assert_refused(client, walk(client, liar), "userinfo about another subject")


def test_userinfo_about_nobody(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.answers["/me"] = lambda request: say(request, {"email": "ada@acme.example"})
    assert_refused(client, walk(client, liar), "userinfo about another subject")


def test_userinfo_overrules_nothing_that_was_signed(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.userinfo = {"email": "boss@acme.example", "groups": ["bosses"], "amr": ["mfa"]}
    liar.claims = {"amr": ["pwd"]}
    walk(client, liar)
    assert User.objects.filter(email="ada@acme.example").exists()
    assert client.session[signin.STANDING]["level"] == 1


def test_userinfo_verifies_no_address_that_was_signed(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    liar.userinfo, liar.claims = {"email_verified": True}, {"email_verified": None}
    assert_refused(client, walk(client, liar), "domain_not_allowed")


@pytest.mark.parametrize("verified", [False, None, "false", 0, {}])
def test_an_address_the_provider_does_not_vouch_for(
    client: Client, liar: Forger, believed: IdentityProvider, verified: Any
) -> None:
    liar.claims = {"email_verified": verified}
    assert_refused(client, walk(client, liar), "domain_not_allowed")


def test_an_e_mail_never_links_accounts(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    IdentityProvider.objects.update(allowed_domains=[])
    owner = people.make_member("owner", role="owner")
    liar.claims = {"email": owner.email}
    assert_refused(client, walk(client, liar), "email_taken")
    assert not ExternalIdentity.objects.exists()


def test_somebody_not_asked_lately_enough(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    IdentityProvider.objects.update(max_auth_age=600)
    liar.claims = {"auth_time": int(time.time()) - HOUR}
    sent = begin(client, liar)
    assert sent["max_age"] == "600"
    assert_refused(client, come_back(client, sent), "auth_time")
    liar.claims = {"auth_time": None}
    assert_refused(client, walk(client, liar), "auth_time")


def test_somebody_not_asked_again_proves_nothing_anew(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    """`prompt=login&max_age=0` is a wish: a provider that overlooks it is found out by its `auth_time`."""
    liar.claims = {"amr": ["mfa"]}
    walk(client, liar)
    liar.claims = {"amr": ["mfa"], "auth_time": int(time.time()) - 300}
    before = client.session[signin.STANDING]["verified"]
    answer = come_back(client, begin(client, liar, start="/sso/acme/oidc/again/"))
    assert (answer.status_code, walking.refusals()[-1][1]) == (403, "auth_time")
    assert client.session[signin.STANDING]["verified"] == before


# --- what the provider publishes -------------------------------------------------------------------------------------
def test_keys_are_looked_for_anew_when_they_change(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    walk(Client(), liar)
    liar.keys = [forger.published("theirs")]
    liar.token = lambda claims: liar.sign(claims, with_key="theirs")
    assert walk(client, liar).status_code == 200


def test_keys_are_not_looked_for_at_every_forgery(liar: Forger, believed: IdentityProvider) -> None:
    liar.token = lambda claims: liar.sign(claims, with_key="theirs")
    for _attempt in range(3):
        walk(Client(), liar)
    assert liar.asked.count("/jwks") == 2
    assert liar.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "ours"}],
        [forger.published(use="enc")],
        [forger.published(alg="ES256")],
        ["ours"],
        [{"kty": "RSA", "kid": "ours", "n": "!", "e": "!"}],
        [{"kid": "ours"}],
    ],
)
def test_keys_that_do_not_fit(client: Client, liar: Forger, believed: IdentityProvider, keys: list[Any]) -> None:
    liar.keys = keys
    assert_refused(client, walk(client, liar), "unknown key")


def test_a_nameless_token_needs_a_provider_with_one_key(
    client: Client, liar: Forger, believed: IdentityProvider
) -> None:
    liar.token = lambda claims: jwt.encode(claims, forger.key(), "RS256")
    assert walk(Client(), liar).status_code == 200
    cache.clear()
    liar.keys = [forger.published(), forger.published("theirs")]
    assert_refused(client, walk(client, liar), "unknown key")


PUBLISHED: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"issuer": "https://evil.example"}, "discovery names another issuer"),
    "no issuer": ({"issuer": None}, "discovery names another issuer"),
    "no keys": ({"jwks_uri": None}, "discovery lacks an endpoint"),
    "a list for an address": ({"token_endpoint": []}, "discovery: token_endpoint"),
    "http": ({"token_endpoint": "http://token.example/"}, "not https"),
    "http for the browser": ({"authorization_endpoint": "http://login.example/"}, "not https"),
    "a script": ({"authorization_endpoint": "javascript:alert(1)"}, "malformed address"),
    "a private address": ({"token_endpoint": "https://10.0.0.7/token"}, "private address"),
    "the cloud's own": ({"jwks_uri": "https://169.254.169.254/keys"}, "private address"),
    "a private one of IPv6": ({"userinfo_endpoint": "https://[fd00::1]/me"}, "private address"),
}


@pytest.mark.parametrize("lie", PUBLISHED)
def test_a_provider_publishes(client: Client, liar: Forger, believed: IdentityProvider, lie: str) -> None:
    liar.metadata, why = PUBLISHED[lie]
    assert_refused(client, client.get(walking.START), why)


BODIES: dict[str, tuple[Callable[[Any], None], str]] = {
    "too large": (lambda request: say(request, b"[" + b" " * conf.OUTGOING_BYTES + b"]"), "DecodingError"),
    "not JSON": (lambda request: say(request, b"<html>"), "not JSON"),
    "a list": (lambda request: say(request, []), "not a JSON object"),
    "nested beyond reason": (lambda request: say(request, b"[" * 100_000), "not JSON"),
    "gone": (lambda request: say(request, {}, status=404), "keys: status 404"),
    "broken": (lambda request: say(request, {}, status=500), "HTTPStatusError"),
}


@pytest.mark.parametrize("body", BODIES)
def test_keys_that_are(client: Client, liar: Forger, believed: IdentityProvider, body: str) -> None:
    liar.answers["/jwks"], why = BODIES[body]
    assert_refused(client, walk(client, liar), why)


def test_a_redirect_is_not_followed(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    def elsewhere(request: Any) -> None:
        request.send_response(302)
        request.send_header("Location", f"{liar.issuer}/jwks")
        request.end_headers()

    liar.answers["/token"] = elsewhere
    assert_refused(client, walk(client, liar), "token endpoint: status 302")


def test_keys_that_come_sign_by_sign(
    client: Client, liar: Forger, believed: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "OUTGOING_SECONDS", 1.0)

    def drip(request: Any) -> None:
        request.send_response(200)
        request.end_headers()
        for _sign in range(100):
            request.wfile.write(b" ")
            request.wfile.flush()
            time.sleep(0.1)

    liar.answers["/jwks"] = drip
    assert_refused(client, walk(client, liar), "ReadTimeout")


def test_a_provider_that_is_down_is_left_alone_for_a_while(
    client: Client, liar: Forger, believed: IdentityProvider
) -> None:
    liar.answers["/.well-known/openid-configuration"] = lambda request: say(request, {}, status=503)
    for _attempt in range(6):
        refused = client.get(walking.START)
    assert_refused(client, refused, "left alone after failures")
    assert liar.asked.count("/.well-known/openid-configuration") == 5


def test_wrong_codes_do_not_open_the_breaker(liar: Forger, believed: IdentityProvider) -> None:
    """Else a stranger could shut everybody out by sending nonsense."""
    for _attempt in range(7):
        client = Client()
        sent = begin(client, liar)
        liar.challenge = "another"
        assert_refused(client, come_back(client, sent), "token endpoint: status 400")
    assert walk(Client(), liar).status_code == 200


# --- afterwards ------------------------------------------------------------------------------------------------------
def test_a_provider_in_test_is_not_offered(client: Client, liar: Forger, believed: IdentityProvider) -> None:
    sent = begin(client, liar)
    IdentityProvider.objects.update(status="test")
    assert_refused(client, come_back(client, sent), "not_offered")
    assert_refused(client, client.get(walking.START), "not_offered")


@pytest.mark.parametrize("slug", ["nobody", "saml-one"])
def test_no_such_provider(client: Client, liar: Forger, believed: IdentityProvider, slug: str) -> None:
    walking.make_idp("saml-one", protocol="saml")
    assert client.get(f"/sso/{slug}/oidc/start/").status_code == 404


def test_neither_ledger_nor_cache_keeps_a_token(
    client: Client, liar: Forger, believed: IdentityProvider, caplog: pytest.LogCaptureFixture
) -> None:
    tokens: list[str] = []

    def remembered(claims: dict[str, Any]) -> str:
        tokens.append(liar.sign(claims))
        return tokens[-1]

    liar.token = remembered
    walk(client, liar, code="code-secret-7")
    liar.claims = {"aud": "another"}
    walk(Client(), liar, code="code-secret-7")
    bodies = b" ".join(bytes(body) for body in Event.objects.values_list("body", flat=True))
    kept = [*caplog.text.split(), *map(str, client.session.values()), bodies.decode()]
    for secret in [*tokens, "access-1", "code-secret-7", forger.SECRET]:
        assert not [word for word in kept if secret in word]
    assert len(tokens) == 2
