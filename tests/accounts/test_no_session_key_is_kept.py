"""Whoever reads the database, the cache or the logs cannot come in with what they find there."""

import logging
import pickle
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.models import User
from audit import outbox
from tests.accounts.signing_in import password_step, token_step
from tests.factories import accounts as people


def every_cell() -> bytes:
    """What all tables hold, column by column, as text."""
    cells = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            cells += [cell if isinstance(cell, bytes) else str(cell).encode() for row in cursor for cell in row]
    return b"\n".join(bytes(cell) for cell in cells)


def in_redis(redis: Any, name: bytes) -> list[bytes]:
    """What lies under a name, of whichever kind it is."""
    kind = redis.type(name)
    if kind == b"set":
        return list(redis.smembers(name))
    if kind == b"hash":
        return [part for pair in redis.hgetall(name).items() for part in pair]
    assert kind in (b"string", b"none"), kind
    return [redis.get(name) or b""]


def everything_kept() -> bytes:
    """Names and values of the cache, in Redis or in this process."""
    if hasattr(cache, "_cache") and hasattr(cache._cache, "get_client"):
        redis = cache._cache.get_client()
        return b"\n".join(part for name in redis.scan_iter() for part in (name, *in_redis(redis, name)))
    return pickle.dumps({name: cache._cache[name] for name in cache._cache})


def test_after_a_run_of_sign_ins_no_key_is_found(
    owner: User, visitor: User, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    keys, secrets = set(), set()

    def note(client: Client) -> None:
        keys.add(client.cookies["session"].value)
        secrets.update({client.cookies["device"].value} if "device" in client.cookies else ())

    with caplog.at_level(logging.DEBUG):
        device, staff = people.enrol(owner), Client()
        password_step(staff, "nobody@demo.example", "wrong")
        note(staff)
        password_step(staff, owner.email)
        note(staff)
        token_step(staff, people.code_for(device))
        note(staff)
        staff.get("/admin/")
        customer, elsewhere = Client(), Client()
        for client in (customer, elsewhere):
            password_step(client, visitor.email)
            note(client)
        new = "quite another quiet sentence"
        customer.post(
            "/account/password/", {"old_password": people.PASSWORD, "new_password1": new, "new_password2": new}
        )
        note(customer)
        customer.post("/account/sessions/end-others/")
        elsewhere.get("/account/")
        staff.get("/admin/accounts/authsession/")
        outbox.deliver(at=people.timezone.now(), limit=10)
        customer.post("/account/logout/")
    written = capfd.readouterr()
    haystacks = {
        "tables": every_cell(),
        "cache": everything_kept(),
        "logs": "\n".join((caplog.text, written.out, written.err)).encode(),
    }
    assert len(keys) >= 5
    assert len(secrets) == 3
    assert all(len(haystack) > 1000 for name, haystack in haystacks.items() if name != "cache")
    found = [(place, key) for place, text in haystacks.items() for key in keys | secrets if key.encode() in text]
    assert found == []


def test_a_stolen_row_of_the_store_opens_nothing(visitor: User) -> None:
    from django.conf import settings
    from django.contrib.sessions.models import Session

    people.enter(visitor, level=1)
    thief = Client()
    if settings.SESSION_ENGINE.endswith("table"):
        stolen = Session.objects.get().session_key
    else:
        redis = cache._cache.get_client()
        stolen = next(name.decode() for name in redis.scan_iter() if b"sessions" in name).rpartition("cache")[2]
    thief.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert thief.get("/account/").status_code == 302


def test_what_a_session_holds_is_read_by_its_key_only(client: Client, db: None) -> None:
    cache.set("canary", "seen by whoever reads the store")
    session = client.session
    session["typed"] = "a telling word"
    session.save()
    kept = everything_kept() + every_cell()
    assert b"seen by whoever reads the store" in kept
    assert b"a telling word" not in kept
    assert type(session)(session.session_key)["typed"] == "a telling word"


def test_a_session_changed_or_moved_in_the_store_is_an_empty_one(client: Client, db: None) -> None:
    here, there = client.session, Client().session
    here["typed"] = "a telling word"
    sealed = here.encode(here._session)
    assert here.decode(sealed) == {"typed": "a telling word"}
    assert [there.decode(sealed), here.decode(sealed[:-8] + "AAAAAAA="), here.decode("no"), here.decode(None)] == [
        {}
    ] * 4
