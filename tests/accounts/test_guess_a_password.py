"""Guessing: places are taken before hashing, nothing typed is kept, and time and words tell nobody who exists."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings

from accounts.hashers import Argon2id
from accounts.models import Tenant, User
from tests.accounts.signing_in import LOGIN, password_step, token_step
from tests.accounts.test_one_time_codes import together
from tests.factories import accounts as people

SECRET = "zebra-violin-quartz-lantern"
LIMIT = settings.AXES_FAILURE_LIMIT


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password that was hashed, in order."""
    seen: list[str] = []
    encode, verify = Argon2id.encode, Argon2id.verify
    monkeypatch.setattr(Argon2id, "encode", lambda s, p, salt: seen.append(p) or encode(s, p, salt))
    monkeypatch.setattr(Argon2id, "verify", lambda s, p, e: seen.append(p) or verify(s, p, e))
    return seen


def everything_stored() -> str:
    """Every text in the database and the cache."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [bytes(v) if isinstance(v, memoryview) else v for row in cursor.fetchall() for v in row]
    return " ".join(str(value) for value in found + cached())


def cached() -> list[Any]:
    """Every value in the cache, in this process or in Redis."""
    if "redis" not in settings.CACHES["default"]["BACKEND"]:
        return list(cache._cache.values())
    redis = cache._cache.get_client()
    return [redis.get(key) for key in redis.keys("*") if redis.type(key) == b"string"]


def test_no_password_is_kept_anywhere(client: Client, owner: User) -> None:
    """Stock: axes' database handler kept `auth-password=…` in clear."""
    for _ in range(LIMIT + 2):
        password_step(client, owner.email, SECRET)
    stored = everything_stored()
    assert owner.email in stored
    assert SECRET not in stored
    assert not apps.get_model("axes.AccessAttempt").objects.exists()


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_a_burst_gets_no_more_guesses_than_a_queue(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock: counting came after hashing, so every guess of a burst was tried."""
    tried: list[str] = []
    check = User.check_password
    monkeypatch.setattr(User, "check_password", lambda user, raw: tried.append(raw) or check(user, raw))
    answers = together([lambda n=n: password_step(Client(), owner.email, f"guess {n}") for n in range(16)])
    assert len(tried) <= LIMIT
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert [answer.status_code for answer in answers].count(429) >= 16 - LIMIT


@pytest.mark.parametrize("exists", [True, False])
def test_after_five_wrong_ones_the_answer_is_429_for_anybody(tenant: Tenant, exists: bool) -> None:
    email = people.make_member("owner", role="owner").email if exists else "nobody@demo.example"
    answers = [password_step(Client(), email, "wrong") for _ in range(LIMIT + 1)]
    assert [a.status_code for a in answers] == [200] * (LIMIT - 1) + [429] * 2
    locked = password_step(Client(), email, people.PASSWORD)
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert "Too many attempts from here in a short time." in locked.text


def test_the_locked_page_is_the_same_whether_the_account_exists(owner: User) -> None:
    pages = []
    for email in [owner.email, "nobody@demo.example"]:
        for _ in range(LIMIT):
            last = password_step(Client(), email, "wrong")
        pages.append(re.sub(r'value="[^"]*"', "", last.text))
    assert pages[0] == pages[1]


def test_the_lock_holds_for_one_address_only(owner: User) -> None:
    people.enrol(owner)
    for _ in range(LIMIT + 1):
        password_step(Client(), owner.email, "wrong")
    assert password_step(Client(REMOTE_ADDR="203.0.113.9"), owner.email).status_code == 200
    assert password_step(Client(), "manager@demo.example", "wrong").status_code == 200


def test_every_refusal_costs_one_hash(owner: User, visitor: User, stranger: User, hashed: list[str]) -> None:
    asleep = people.make_member("asleep", is_active=False)
    invited = people.make_member("invited")
    invited.set_unusable_password()
    invited.save()
    costs: dict[str, Any] = {}

    def cost(name: str, email: str, password: str) -> None:
        hashed.clear()
        password_step(Client(REMOTE_ADDR=f"198.51.100.{len(costs)}"), email, password)
        costs[name] = len(hashed)

    cost("unknown", "nobody@demo.example", "x")
    cost("wrong", owner.email, "x")
    cost("inactive", asleep.email, people.PASSWORD)
    cost("no member", stranger.email, people.PASSWORD)
    cost("no password yet", invited.email, "x")
    for _ in range(LIMIT):
        password_step(Client(REMOTE_ADDR="198.51.100.200"), visitor.email, "x")
    hashed.clear()
    assert password_step(Client(REMOTE_ADDR="198.51.100.200"), visitor.email).status_code == 429
    costs["locked"] = len(hashed)
    assert costs == dict.fromkeys(costs, 1)


def test_right_passwords_use_up_no_places(owner: User) -> None:
    people.enrol(owner)
    assert {password_step(Client(), owner.email).status_code for _ in range(2 * LIMIT)} == {200}


def test_coming_in_frees_the_places(owner: User) -> None:
    device = people.enrol(owner)
    for _ in range(LIMIT - 1):
        password_step(Client(), owner.email, "wrong")
    client = Client()
    password_step(client, owner.email)
    assert token_step(client, people.code_for(device)).status_code == 302
    assert [password_step(Client(), owner.email, "wrong").status_code for _ in range(LIMIT - 1)] == [200] * (LIMIT - 1)


def test_hashing_is_argon2id_at_owasps_parameters(db: None) -> None:
    assert people.make_password("x").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_one_address_may_not_try_for_ever(tenant: Tenant) -> None:
    body = {"login_view-current_step": "auth", "auth-username": "a@b.example", "auth-password": ""}
    statuses = [Client().post(LOGIN, body).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]
    with override_settings(RATELIMIT_ENABLE=False):
        assert Client().post(LOGIN, body).status_code == 200


@pytest.mark.parametrize("address", ["", "not an address", "2001:db8::1", "unix:"])
def test_odd_addresses_are_counted_and_never_an_error(tenant: Tenant, address: str) -> None:
    assert password_step(Client(REMOTE_ADDR=address), "a@b.example", "x").status_code == 200
