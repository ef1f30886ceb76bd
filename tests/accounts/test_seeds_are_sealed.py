"""An authenticator's seed lies sealed: in its row, in the session of an enrolment, and after the migration."""

import re
from base64 import b32decode, b32encode
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import factors
from accounts.models import Authenticator, User
from governance import sealing
from tests.accounts.signing_in import password_step, recovery_step
from tests.accounts.test_enrol_an_authenticator import SETUP, code_of_page, confirm
from tests.factories import accounts as people

SEED = bytes.fromhex("3132333435363738393031323334353637383930")
migration = import_module("accounts.migrations.0007_seal_the_seeds")


class Editor:
    """All a data step asks of a schema editor."""

    connection = connection


def spellings(seed: bytes) -> list[bytes]:
    return [seed, seed.hex().encode(), b32encode(seed)]


def test_the_row_holds_no_seed_and_opens_in_its_place_only(owner: User, manager: User) -> None:
    factors.enrol(owner, key=SEED.hex(), at=timezone.now())
    people.enrol(manager)
    mine, theirs = Authenticator.objects.get(user=owner), Authenticator.objects.get(user=manager)
    assert mine.seed == SEED
    assert not [word for word in spellings(SEED) if word in bytes(mine.sealed_seed)]
    Authenticator.objects.filter(pk=theirs.pk).update(sealed_seed=mine.sealed_seed)
    with pytest.raises(sealing.Unopenable):
        _ = Authenticator.objects.get(pk=theirs.pk).seed


def test_the_session_of_an_enrolment_holds_no_seed(client: Client, receptionist: User) -> None:
    password_step(client, receptionist.email)
    shown = client.get(SETUP).context["secret_key"]
    code = people.code_of(b32decode(shown))
    client.get("/account/two_factor/qrcode/")
    kept = str(dict(client.session)).encode()
    assert shown.encode() not in kept
    confirm(client, code)
    seed = Authenticator.objects.get(user=receptionist).seed
    assert b32encode(seed).decode() == shown
    kept += str(dict(client.session)).encode()
    assert not [word for word in spellings(seed)[1:] if word in kept]
    assert code not in str(dict(client.session))


def test_the_page_shows_the_same_key_until_it_is_confirmed(client: Client, receptionist: User) -> None:
    password_step(client, receptionist.email)
    code_of_page(client)
    key = client.get(SETUP).context["secret_key"]
    refused = confirm(client, "000000")
    assert refused.context["secret_key"] == key


@pytest.mark.django_db
def test_old_seeds_are_sealed_and_come_back(owner: User, manager: User) -> None:
    stock = TOTPDevice.objects.create(user=owner, key=SEED.hex(), name="default", drift=1, last_t=77)
    TOTPDevice.objects.create(user=owner, key="00" * 20, name="never served")
    TOTPDevice.objects.create(user=manager, key="11" * 20, name="never confirmed", confirmed=False)
    migration.seal(apps, Editor)
    sealed = Authenticator.objects.get()
    assert (sealed.user, sealed.seed, sealed.drift, sealed.last_t) == (owner, SEED, 1, 77)
    assert not TOTPDevice.objects.exists()
    migration.unseal(apps, Editor)
    back = TOTPDevice.objects.get()
    assert (back.user, back.key, back.drift, back.last_t) == (owner, stock.key, 1, 77)
    assert not Authenticator.objects.exists()


def test_failures_slow_the_next_attempt_down(owner: User) -> None:
    device = people.enrol(owner)
    code = people.code_for(device)
    assert not device.verify_token(f"{(int(code) + 1) % 1_000_000:06d}")
    assert not device.verify_token(code)
    device.throttle_reset()
    assert device.verify_token(code)
    assert not device.verify_token(code)


def test_a_clock_that_drifts_is_followed(owner: User) -> None:
    device = people.enrol(owner)
    assert device.verify_token(people.code_for(device, steps=1))
    assert Authenticator.objects.get(pk=device.pk).drift == 1


def everything_kept() -> bytes:
    """Every value of every table."""
    kept: list[bytes] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for value in (each for row in cursor.fetchall() for each in row):
                kept.append(bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode())
    return b"\n".join(kept)


def test_neither_tables_nor_sessions_nor_logs_hold_seed_or_codes(
    client: Client, receptionist: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    password_step(client, receptionist.email)
    shown = client.get(SETUP).context["secret_key"]
    code = people.code_of(b32decode(shown))
    codes = re.findall(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}", confirm(client, code).text)
    other = Client()
    password_step(other, receptionist.email)
    recovery_step(other, codes[0])
    kept = everything_kept() + str([dict(each.session) for each in (client, other)]).encode() + caplog.text.encode()
    secrets = [*spellings(b32decode(shown)), people.PASSWORD.encode()]
    secrets += [spelling.encode() for each in codes for spelling in (each, each.replace("-", ""))]
    assert receptionist.email.encode() in kept
    assert [secret for secret in secrets if secret in kept] == []
