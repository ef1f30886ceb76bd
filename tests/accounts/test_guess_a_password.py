"""Guessing: places are taken before hashing, nothing typed is kept, and time and words tell nobody who exists."""

import re
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from accounts import conf, devices, guesses, places, throttling
from accounts.hashers import Argon2id
from accounts.models import Authenticator, KnownDevice, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.accounts.proving import proof
from tests.accounts.signing_in import LOGIN, password_step, token_step
from tests.accounts.test_one_time_codes import together
from tests.factories import accounts as people

SECRET = "zebra-violin-quartz-lantern"
LIMIT = guesses.PASSWORD.unknown_device.places


@pytest.fixture(autouse=True)
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause is over before a slow machine comes to the next guess."""
    growing = replace(guesses.PASSWORD.unknown_device, first=timedelta(minutes=2))
    monkeypatch.setattr(guesses, "PASSWORD", guesses.PASSWORD._replace(unknown_device=growing))
    growing = replace(guesses.FACTOR.unknown_device, first=timedelta(minutes=2))
    monkeypatch.setattr(guesses, "FACTOR", guesses.FACTOR._replace(unknown_device=growing))


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
    assert [a.status_code for a in answers] == [200] * LIMIT + [429]
    locked = password_step(Client(), email, people.PASSWORD)
    assert locked.status_code == 429
    assert 0 < int(locked["Retry-After"]) <= conf.LONGEST_PAUSE.total_seconds()
    assert "Too many attempts from here in a short time." in locked.text


def test_the_locked_page_is_the_same_whether_the_account_exists(owner: User) -> None:
    pages = []
    for email in [owner.email, "nobody@demo.example"]:
        cache.clear()
        for _ in range(LIMIT + 1):
            last = password_step(Client(), email, "wrong")
        assert last.status_code == 429
        pages.append(re.sub(r"\d+ seconds?", "", last.text))
    assert pages[0] == pages[1]


def test_other_accounts_are_not_locked_along(owner: User) -> None:
    for _ in range(LIMIT + 1):
        password_step(Client(), owner.email, "wrong")
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
    for _ in range(LIMIT + 1):
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


# --- whose places ----------------------------------------------------------------------------------------------------
COOKIE = "a-random-value-of-this-browser-of-43-letter"


def own_browser(user: User, **extra: Any) -> Client:
    """The browser this user always uses."""
    now = timezone.now()
    digest = devices._digest(user, COOKIE)
    KnownDevice.objects.get_or_create(user=user, digest=digest, defaults={"first_seen_at": now, "last_seen_at": now})
    client = Client(**extra)
    client.cookies[settings.DEVICE_COOKIE_NAME] = COOKIE
    return client


def attack(email: str, *, times: int = 2 * LIMIT) -> list[int]:
    """Guesses from many networks, none of them known."""
    return [password_step(Client(REMOTE_ADDR=f"203.0.{n}.5"), email, "guess").status_code for n in range(times)]


def test_guesses_from_many_addresses_share_the_accounts_places(owner: User) -> None:
    assert attack(owner.email) == [200] * LIMIT + [429] * LIMIT


def test_an_attacker_does_not_lock_the_owner_out_of_their_own_browser(owner: User) -> None:
    people.enrol(owner)
    attack(owner.email)
    assert password_step(Client(), owner.email).status_code == 429
    assert "token-otp_token" in password_step(own_browser(owner), owner.email).text


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_the_owner_comes_in_while_the_attack_is_under_way(owner: User, hashed: list[str]) -> None:
    people.enrol(owner)
    home = own_browser(owner)
    guesses_ = [lambda n=n: password_step(Client(REMOTE_ADDR=f"203.0.{n}.5"), owner.email, "guess") for n in range(15)]
    *_answers, mine = together([*guesses_, lambda: password_step(home, owner.email)])
    assert "token-otp_token" in mine.text
    answers = [answer.status_code for answer in _answers]
    assert answers.count(429) >= 15 - LIMIT
    assert len(hashed) == 16  # refused or looked at, one hash each


def test_the_same_address_may_be_used_up_and_the_known_browser_still_gets_in(owner: User) -> None:
    people.enrol(owner)
    for _ in range(guesses.PASSWORD.address.places):
        guesses.PASSWORD.address.take("127.0.0.1")
    assert password_step(Client(), "other@demo.example", "x").status_code == 429
    assert password_step(own_browser(owner), owner.email).status_code == 200


def test_a_known_browser_has_ten_places_of_its_own(owner: User) -> None:
    home = own_browser(owner)
    answers = [password_step(home, owner.email, "wrong") for _ in range(11)]
    assert [a.status_code for a in answers] == [200] * 10 + [429]
    assert answers[-1]["Retry-After"] == "900"
    assert password_step(Client(), owner.email, "wrong").status_code == 200


def test_somebody_elses_browser_and_a_made_up_one_are_unknown(owner: User, manager: User) -> None:
    own_browser(manager)
    attack(owner.email)
    client = Client()
    for value in (COOKIE, "made up", "x" * 5000, ""):
        client.cookies[settings.DEVICE_COOKIE_NAME] = value
        assert password_step(client, owner.email).status_code == 429


def test_the_pause_doubles_up_to_fifteen_minutes(db: None) -> None:
    bucket, lengths = places.Growing("story", places=1), []
    for _ in range(12):
        before = time.time()
        assert bucket.take("somebody").wait == 0
        key = f"{places._key('story', 'somebody')}:pause"
        lengths.append(round(cache.get(key) - before))
        assert 0 < bucket.take("somebody").wait <= lengths[-1] + 1
        cache.delete(key)  # the pause is over
    assert lengths == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_with_proof_the_next_guess_waits_for_the_pause_only(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "CHALLENGE_ROUNDS", 3)
    people.enrol(owner)
    attack(owner.email, times=LIMIT)
    cache.delete(f"{places._key('password:unknown', str(tenancy.current_id()), owner.email)}:pause")
    with_proof = {"login_view-current_step": "auth", "auth-username": owner.email, "auth-password": people.PASSWORD}
    answer = Client().post(LOGIN, with_proof | {"altcha": proof()})
    assert "token-otp_token" in answer.text


def test_a_tenant_under_attack_asks_everybody_unknown_for_proof_and_locks_nobody(
    owner: User, visitor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "CHALLENGE_ROUNDS", 3)
    cache.set(places._key("password:tenant", str(tenancy.current_id())), 1000)
    body = {"login_view-current_step": "auth", "auth-username": visitor.email, "auth-password": SECRET}
    assert [Client().post(LOGIN, body).status_code for _ in range(2)] == [200, 429]  # one in thirty seconds
    assert Client().post(LOGIN, body | {"altcha": proof()}).status_code == 200
    assert password_step(own_browser(visitor), visitor.email).status_code == 302


@pytest.mark.parametrize(
    ("addresses", "last"),
    [
        ([f"198.51.100.{n % 256}" for n in range(300)], "198.51.100.250"),
        ([f"2001:db8:0:1::{n:x}" for n in range(300)], "2001:db8:0:1:ffff::1"),
    ],
)
def test_a_whole_network_has_its_places(tenant: Tenant, addresses: list[str], last: str) -> None:
    """/24, and /64 where an address costs nothing."""
    for address in addresses:
        request = RequestFactory().post(LOGIN, REMOTE_ADDR=address)
        guesses.PASSWORD.neighbourhood.take(throttling.neighbourhood(request))
    assert password_step(Client(REMOTE_ADDR=last), "a@b.example", "x").status_code == 429
    assert password_step(Client(REMOTE_ADDR="203.0.113.1"), "a@b.example", "x").status_code == 200


def test_rate_limits_off_does_not_lift_the_lock(owner: User) -> None:
    with override_settings(RATELIMIT_ENABLE=False):
        assert attack(owner.email)[-1] == 429


def test_second_factors_have_places_of_their_own(owner: User) -> None:
    device = people.enrol(owner)
    client = Client()
    attack(owner.email)
    password_step(own_browser(owner), owner.email)
    people.enter(owner, client=client, level=1)
    answers = []
    for _ in range(LIMIT + 1):
        Authenticator.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
        answers.append(client.post("/account/verify/", {"otp_token": "000000"}).status_code)
    assert answers == [200] * LIMIT + [429]
    Authenticator.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    home = people.enter(owner, client=own_browser(owner), level=1)
    assert home.post("/account/verify/", {"otp_token": people.code_for(device)}).status_code == 302


def test_so_have_they_in_the_midst_of_signing_in(client: Client, owner: User) -> None:
    people.enrol(owner)
    password_step(client, owner.email)
    answers = []
    for _ in range(LIMIT + 1):
        Authenticator.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
        answers.append(token_step(client, "000000").status_code)
    assert answers == [200] * LIMIT + [429]
    locked = Event.objects.filter(action="accounts.factor.locked")
    assert [event.object_id for event in locked] == [str(owner.pk)]


def test_lockouts_are_counted_for_the_operator(owner: User) -> None:
    attack(owner.email)
    assert guesses.lockouts() == 1
