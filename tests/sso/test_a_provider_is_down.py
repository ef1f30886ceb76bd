"""A provider is down, answers nonsense or has run out: a page that says so, an entry, a number; and others come in."""

import http.client
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from accounts import conf
from accounts.models import IdentityProvider, User
from tests.factories import accounts as people
from tests.sso import forger, walking
from tests.sso.forger import Forger, say
from tests.sso.saml_idp import ACS, METADATA, START, SamlIdp, needs_xmlsec1
from tests.sso.walking import begin, come_back, refusals


def counted(protocol: str = "oidc", about: str = "away") -> float:
    return REGISTRY.get_sample_value("verso_sso_refusals_total", {"protocol": protocol, "about": about}) or 0.0


def hung_up(request: Any) -> None:
    raise http.client.BadStatusLine("")


def broken(request: Any) -> None:
    say(request, {}, status=500)


def busy(request: Any) -> None:
    say(request, {}, status=503)


def nonsense(request: Any) -> None:
    say(request, b"<html>maintenance</html>")


def away(request: Any) -> None:
    say(request, {}, status=404)


OUTAGES = [hung_up, broken, busy, nonsense, away]


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/jwks", "/me"])
@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.__name__)
def test_whatever_is_down_there_is_a_page_here(
    client: Client, liar: Forger, believed: IdentityProvider, path: str, outage: Callable[[Any], None]
) -> None:
    before = counted() + counted(about="word")
    liar.answers[path] = outage
    answer = client.get(walking.START)
    if path != "/.well-known/openid-configuration":
        sent = walking.asked(answer.url)
        liar.nonce, liar.challenge = sent["nonce"], sent["code_challenge"]
        answer = come_back(client, sent)
    assert (answer.status_code, "You are not signed in" in answer.text) == (403, True)
    assert "Please try again" in answer.text
    assert [action for action, _reason in refusals()] == ["accounts.sso.refused"]
    assert counted() + counted(about="word") == before + 1


def test_nobody_listens(client: Client, tenant: object) -> None:
    walking.provider("http://127.0.0.1:9", forger.SECRET)
    before = counted()
    answer = client.get(walking.START)
    assert "cannot be reached at the moment" in answer.text
    assert refusals() == [("accounts.sso.refused", "ConnectError")]
    assert counted() == before + 1


def test_it_is_too_slow(
    client: Client, liar: Forger, believed: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "OUTGOING_SECONDS", 0.2)
    over = threading.Event()
    liar.answers["/.well-known/openid-configuration"] = lambda request: over.wait(timeout=5)
    answer = client.get(walking.START)
    over.set()
    assert (answer.status_code, "cannot be reached at the moment" in answer.text) == (403, True)
    assert refusals() == [("accounts.sso.refused", "ReadTimeout")]


@pytest.mark.parametrize("keys", [[], [forger.published("new")]], ids=["none", "rotated"])
def test_its_keys_are_asked_for_once_more_and_no_oftener(
    client: Client, liar: Forger, believed: IdentityProvider, keys: list[Any]
) -> None:
    come_back(client, begin(client, liar))
    client.post("/account/logout/")
    liar.asked.clear()
    liar.keys = keys
    liar.token = lambda said: liar.sign(said, with_key="new")
    answers = [come_back(one, begin(one, liar)).status_code for one in (Client(), Client(), Client())]
    assert answers == ([200] * 3 if keys else [403] * 3)
    assert liar.asked.count("/jwks") == 1
    assert {why for _action, why in refusals()} == (set() if keys else {"unknown key"})


def test_others_come_in_meanwhile(client: Client, visitor: User, tenant: object) -> None:
    walking.provider("http://127.0.0.1:9", forger.SECRET)
    page = client.get("/account/login/")
    assert (page.status_code, "Continue with Acme" in page.text) == (200, True)
    assert people.enter(visitor, level=1).get("/account/").status_code == 200


# --- SAML: nobody is called, but metadata runs out -------------------------------------------------------------------
@needs_xmlsec1
def test_metadata_that_has_run_out_is_said_to(
    client: Client, provider: SamlIdp, corp: IdentityProvider, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    answer = provider.answer(metadata, location)
    before = counted("saml", "word")
    over = corp.metadata.replace("entityID=", 'validUntil="2020-01-01T00:00:00Z" entityID=')
    for told in (over, corp.metadata[:400]):
        IdentityProvider.objects.update(metadata=told)
        pages = [client.get(START), client.get(METADATA), client.post(ACS, {"SAMLResponse": answer})]
        assert [page.status_code for page in pages] == [403] * 3
        assert all("has run out" in page.text for page in pages)
    assert {why for _action, why in refusals()} == {"metadata"}
    assert counted("saml", "word") == before + 6
