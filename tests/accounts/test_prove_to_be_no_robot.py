"""Proof of work: solved once, used once, here and in time; without it forms work within tighter limits."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from accounts import bots, conf, throttling
from accounts.models import Tenant
from governance import tenancy
from tests.accounts.proving import CHALLENGE, ask, proof, solved
from tests.accounts.test_one_time_codes import together


@pytest.fixture(autouse=True)
def easy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little work: how much it is, is not the story."""
    monkeypatch.setattr(conf, "CHALLENGE_ROUNDS", 3)


def shown(value: str) -> Any:
    return RequestFactory().post("/", {"altcha": value})


def test_a_challenge_sets_no_cookie_and_is_kept_nowhere(client: Client, tenant: Tenant) -> None:
    answer = client.get(CHALLENGE)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies
    assert set(answer.json()) == {"parameters", "signature"}
    assert client.post(CHALLENGE).status_code == 405


def test_a_solution_proves_once_and_one_request_may_ask_twice(tenant: Tenant) -> None:
    value = proof()
    request = shown(value)
    assert bots.has_proved(request)
    assert bots.has_proved(request)
    assert not bots.has_proved(shown(value))


def test_another_spelling_of_a_spent_solution_is_spent(tenant: Tenant) -> None:
    value = proof()
    assert bots.has_proved(shown(value))
    again = json.loads(base64.b64decode(value)) | {"more": 1}
    again["solution"]["counter"] += 1
    assert not bots.has_proved(shown(base64.b64encode(json.dumps(again, indent=2).encode()).decode()))


def test_of_many_who_bring_one_solution_one_has_proved(tenant: Tenant) -> None:
    value, row = proof(), tenancy.current_id()

    def bring() -> bool:
        with tenancy.within(row):
            return bots.has_proved(shown(value))

    assert together([bring for _ in range(8)]).count(True) == 1


def test_another_tenants_solution_proves_nothing_here(tenant: Tenant, second_tenant: Tenant) -> None:
    value = proof(Client(headers={"host": "second.testserver"}))
    assert not bots.has_proved(shown(value))
    with tenancy.within(second_tenant):
        assert bots.has_proved(shown(value))


def test_a_late_solution_proves_nothing(tenant: Tenant) -> None:
    late = bots.challenge(at=timezone.now() - conf.CHALLENGE_FOR - timedelta(seconds=1))
    assert not bots.has_proved(shown(solved(late)))


def test_an_easier_or_longer_challenge_is_not_ours(tenant: Tenant) -> None:
    honest = json.loads(base64.b64decode(proof()))
    for name, value in {"keyPrefix": "", "cost": 1, "expiresAt": 99_999_999_999}.items():
        parameters = honest["challenge"]["parameters"] | {name: value}
        forged = {"challenge": honest["challenge"] | {"parameters": parameters}, "solution": honest["solution"]}
        assert not bots.has_proved(shown(base64.b64encode(json.dumps(forged).encode()).decode()))


def test_a_wrong_answer_proves_nothing(tenant: Tenant) -> None:
    assert not bots.has_proved(shown(solved(ask(), derivedKey="00" * 32)))


@pytest.mark.parametrize(
    "nonsense",
    ["", "x", "e30=", "bnVsbA==", "W10=", "MQ==", "A" * 5000, "\x00", "eyJjaGFsbGVuZ2UiOjF9", "é"]
    + [base64.b64encode(json.dumps(each).encode()).decode() for each in (
        {"challenge": {"parameters": {}}, "solution": {}},
        {"challenge": {"parameters": None, "signature": 1}, "solution": None},
        {"challenge": {"parameters": dict.fromkeys(["algorithm", "nonce", "salt", "cost", "keySignature"], 1),
                       "signature": "x"}, "solution": {"counter": "1", "derivedKey": 1}},
    )],
)  # fmt: skip
def test_nonsense_proves_nothing_and_breaks_nothing(tenant: Tenant, nonsense: str) -> None:
    assert not bots.has_proved(shown(nonsense))


def test_without_proof_limits_are_tighter_and_with_it_nobody_meets_them(tenant: Tenant) -> None:
    def wait(value: str = "") -> int:
        return throttling.wait(shown(value), "story", rate="5/10m", unproved="2/10m")

    assert [wait() == 0 for _ in range(3)] == [True, True, False]
    assert [wait(proof()) == 0 for _ in range(3)] == [True, True, False]  # the sixth in all


def test_all_without_proof_together_are_limited_by_the_tenant(tenant: Tenant) -> None:
    def wait(number: int) -> int:
        request = RequestFactory().post("/", REMOTE_ADDR=f"198.51.{number}.7")
        return throttling.wait(request, "story", rate="5/10m", unproved="1/10m")

    assert [wait(number) == 0 for number in range(11)] == [True] * 10 + [False]
    request = RequestFactory().post("/", {"altcha": proof()}, REMOTE_ADDR="198.51.99.7")
    assert throttling.wait(request, "story", rate="5/10m", unproved="1/10m") == 0


def test_rate_limits_off_lifts_them(tenant: Tenant) -> None:
    with override_settings(RATELIMIT_ENABLE=False):
        assert not any(throttling.wait(shown(""), "story", rate="1/10m", unproved="1/10m") for _ in range(5))


@pytest.mark.parametrize("address", ["/account/login/", "/contact/"])
def test_forms_carry_what_the_browser_needs(client: Client, tenant: Tenant, address: str) -> None:
    page = client.get(address).text
    assert 'name="altcha" data-proof="/account/challenge/" data-worker="/static/verso/proof-worker.js"' in page
    assert '<script src="/static/verso/proof.js" defer></script>' in page
    assert 'role="status" data-proof-status' in page
    assert "<noscript>" in page
