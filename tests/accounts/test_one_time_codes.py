"""A code serves once, also when twelve bring it together. Stock: one TOTP let 11 of 12 in, a backup code 5 of 12."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from accounts import factors, guesses
from accounts.models import Authenticator, User
from audit.models import Event
from tests.accounts.signing_in import LOGIN, is_in, password_step, recovery_step, token_step
from tests.factories import accounts as people

CROWD = 12


@pytest.fixture(autouse=True)
def room_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places would stop most of the crowd before the lock that these stories are about."""
    roomy = replace(guesses.FACTOR.unknown_device, places=10 * CROWD)
    monkeypatch.setattr(guesses, "FACTOR", guesses.FACTOR._replace(unknown_device=roomy))


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run all acts at the same moment, each on a connection of its own."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def waiting_clients(user: User) -> list[Client]:
    clients = [Client() for _ in range(CROWD)]
    for client in clients:
        assert "token-otp_token" in password_step(client, user.email).text
    return clients


@pytest.fixture
def slow_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checking a code takes a moment, so that whoever does not wait for the other is there at the same time."""
    verify = Authenticator.verify_token
    monkeypatch.setattr(Authenticator, "verify_token", lambda device, token: time.sleep(0.1) or verify(device, token))


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_one_authenticator_code_lets_one_in(owner: User, slow_devices: None) -> None:
    device, clients = people.enrol(owner), waiting_clients(owner)
    code = people.code_for(device)
    answers = together([lambda c=client: token_step(c, code) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200] * (CROWD - 1) + [302]
    assert [is_in(client) for client in clients].count(True) == 1


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_one_recovery_code_lets_one_in(owner: User) -> None:
    people.enrol(owner)
    code = factors.make_recovery_codes(owner, at=timezone.now())[0]
    clients = waiting_clients(owner)
    for client in clients:
        client.post(LOGIN, {"login_view-current_step": "token", "wizard_goto_step": "backup"})
    body = {"login_view-current_step": "backup", "backup-otp_token": code}
    answers = together([lambda c=client: c.post(LOGIN, body) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200] * (CROWD - 1) + [302]
    assert [is_in(client) for client in clients].count(True) == 1
    assert factors.codes_left(owner) == 9


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_a_code_used_at_verify_does_not_serve_at_sign_in(owner: User) -> None:
    client = people.enter(owner, level=1)
    device = people.enrol(owner)
    code = people.code_for(device)
    assert client.post("/account/verify/", {"otp_token": code}).url == "/admin/"
    other = Client()
    password_step(other, owner.email)
    assert token_step(other, code).status_code == 200
    assert not is_in(other)


@pytest.mark.parametrize("page", ["sign-in", "verify"])
def test_a_wrong_recovery_code_is_refused_beside_its_field_and_noted(page: str, owner: User) -> None:
    people.enrol(owner)
    used = factors.make_recovery_codes(owner, at=timezone.now())[0]
    factors.use_recovery_code(owner, used, at=timezone.now())
    if page == "verify":
        client = people.enter(owner, level=1)
        answer = client.post("/account/verify/?by=recovery", {"otp_token": used})
    else:
        client = Client()
        password_step(client, owner.email)
        answer = recovery_step(client, used)
    assert answer.status_code == 200
    assert answer.context["form"].errors["otp_token"] == ["This is not one of your unused recovery codes."]
    assert not is_in(client)
    noted = Event.objects.get(action="accounts.factor.failed")
    assert (noted.outcome, noted.reason, noted.object_id) == ("failed", "recovery code", str(owner.pk))
    assert factors.codes_left(owner) == 9


def test_the_code_shown_at_enrolment_is_spent(receptionist: User) -> None:
    factors.enrol(receptionist, key="3132333435363738393031323334353637383930", at=timezone.now())
    kept = Authenticator.objects.get(user=receptionist)
    assert not kept.verify_token(people.code_for(kept))


def test_recovery_codes_are_kept_as_digests_only(owner: User) -> None:
    codes = factors.make_recovery_codes(owner, at=timezone.now())
    assert len(set(codes)) == 10
    assert all(len(code.replace("-", "")) == 16 for code in codes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM accounts_recoverycode")
        digests = [row[0] for row in cursor.fetchall()]
    assert not {code for code in codes if any(code in d or code.replace("-", "") in d for d in digests)}


def test_new_codes_replace_old_ones(owner: User) -> None:
    old = factors.make_recovery_codes(owner, at=timezone.now())[0]
    factors.make_recovery_codes(owner, at=timezone.now())
    with pytest.raises(factors.WrongCode):
        factors.use_recovery_code(owner, old, at=timezone.now())


def test_a_code_of_somebody_else_is_no_code(owner: User, manager: User) -> None:
    theirs = factors.make_recovery_codes(manager, at=timezone.now())[0]
    with pytest.raises(factors.WrongCode):
        factors.use_recovery_code(owner, theirs, at=timezone.now())
