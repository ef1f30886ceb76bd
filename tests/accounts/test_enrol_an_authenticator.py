"""Setting up the second factor: shown a QR code and a key, given recovery codes once, never past the old factor."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts import conf, factors, signin
from accounts.models import Authenticator, RecoveryCode, User
from tests.accounts.signing_in import is_in, password_step
from tests.factories import accounts as people

SETUP = "/account/two_factor/setup/"


def code_of_page(client: Client) -> str:
    """What an app would show that was given the key by hand."""
    from base64 import b32decode

    key = re.search(r'id="manual-key">([A-Z2-7 ]+)<', client.get(SETUP).text)
    assert key
    return people.code_of(b32decode(key[1].replace(" ", "")))


def confirm(client: Client, code: str):
    return client.post(SETUP, {"setup_view-current_step": "generator", "generator-token": code})


def test_a_receptionist_enrols_and_is_in(client: Client, receptionist: User) -> None:
    password_step(client, receptionist.email, query="?next=/admin/")
    code = code_of_page(client)
    picture = client.get("/account/two_factor/qrcode/")
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
    before = client.session.session_key
    done = confirm(client, code)
    assert done.status_code == 200
    codes = re.findall(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}", done.text)
    assert len(codes) == 10
    assert done["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert is_in(client)
    assert client.session.session_key != before
    assert client.get("/account/two_factor/qrcode/").status_code == 404
    factors.use_recovery_code(receptionist, codes[3], at=timezone.now())


def test_a_wrong_first_code_enrols_nothing(client: Client, receptionist: User) -> None:
    password_step(client, receptionist.email)
    code = int(code_of_page(client))
    assert confirm(client, f"{(code + 1) % 1_000_000:06d}").status_code == 200
    assert not receptionist.has_second_factor()


@pytest.mark.parametrize("level", [1, 2])
def test_a_session_that_did_not_just_show_the_factor_enrols_no_other(owner: User, level: int) -> None:
    """Stock: three POSTs from a one-factor session enrolled a new authenticator and counted as verified."""
    kept = people.enrol(owner)
    client = people.enter(owner, level=level)
    session = client.session
    people.grow_old(session, conf.FRESH.total_seconds() + 1)
    session["wizard_setup_view"] = {
        "step": "generator",
        "step_data": {},
        "step_files": {},
        "extra_data": {"keys": {"generator": "00" * 20}},
        "validated_step_data": {},
    }
    session.save()
    forged = people.code_of(bytes(20))
    for step in ["welcome", "method", "generator"]:
        answer = client.post(
            SETUP, {"setup_view-current_step": step, "method-method": "generator", "generator-token": forged}
        )
        assert answer.url == "/account/verify/?next=%2Faccount%2Ftwo_factor%2Fsetup%2F"
    assert client.get(SETUP).url == "/account/verify/?next=%2Faccount%2Ftwo_factor%2Fsetup%2F"
    assert [(row.pk, row.seed) for row in Authenticator.objects.all()] == [(kept.pk, kept.seed)]
    assert client.session[signin.STANDING]["level"] == level


def test_whoever_just_showed_it_replaces_it_and_other_sessions_end(enter: Callable[..., Client], owner: User) -> None:
    client, elsewhere = enter(owner), enter(owner)
    old = Authenticator.objects.get(user=owner)
    done = confirm(client, code_of_page(client))
    assert done.status_code == 200
    assert Authenticator.objects.get(user=owner).seed != old.seed
    assert is_in(client)
    assert not is_in(elsewhere)


def test_the_verb_itself_refuses_a_second_factor_beside_the_first(owner: User) -> None:
    people.enrol(owner)
    with pytest.raises(factors.AlreadyEnrolled):
        factors.enrol(owner, key="00" * 20, at=timezone.now())


def test_recovery_codes_are_made_anew_after_a_fresh_verification(owner: User) -> None:
    client = people.enter(owner)
    made = client.post("/account/two_factor/recovery/")
    assert len(re.findall(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}", made.text)) == 10
    session = client.session
    people.grow_old(session, conf.FRESH.total_seconds() + 1)
    session.save()
    before = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert client.post("/account/two_factor/recovery/").url.startswith("/account/verify/")
    assert set(RecoveryCode.objects.values_list("digest", flat=True)) == before


def test_verify_lifts_a_one_factor_session_under_a_new_key(owner: User) -> None:
    client = people.enter(owner, level=1)
    device = people.enrol(owner)
    assert client.get("/admin/").url == "/account/verify/?next=/admin/"
    before = client.session.session_key
    assert client.post("/account/verify/?next=/account/", {"otp_token": people.code_for(device)}).url == "/account/"
    assert client.session.session_key != before
    assert is_in(client)


def test_verify_takes_a_recovery_code(owner: User) -> None:
    client = people.enter(owner, level=1)
    people.enrol(owner)
    code = factors.make_recovery_codes(owner, at=timezone.now())[0]
    assert client.post("/account/verify/?by=recovery", {"otp_token": code, "next": "/account/"}).url == "/account/"
    assert is_in(client)
