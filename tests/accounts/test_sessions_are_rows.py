"""A session is a row somebody can see and end, and speaks for nobody once that row is over."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import conf, factors, passwords, sessions, signin
from accounts.models import AuthSession, SecurityPolicy, Tenant, User
from audit.models import Event
from tests.accounts.signing_in import LOGIN, is_in, password_step, token_step
from tests.factories import accounts as people

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def row_of(client: Client) -> AuthSession:
    return AuthSession.objects.get(key_digest=sha256(client.session.session_key.encode()).hexdigest())


def ledger_of(action: str = "accounts.session.ended") -> list[str]:
    return list(Event.objects.filter(action=action).order_by("id").values_list("reason", flat=True))


def sign_in(client: Client, user: User) -> Client:
    device = people.enrol(user)
    password_step(client, user.email)
    token_step(client, people.code_for(device))
    return client


# --- its life ---------------------------------------------------------------------------------------------------------
def test_signing_in_opens_a_row_that_knows_no_key(owner: User) -> None:
    client = sign_in(Client(headers={"user-agent": FIREFOX}, REMOTE_ADDR="192.0.2.7"), owner)
    row = row_of(client)
    assert (row.user, row.level, row.methods, row.ended_at) == (owner, 2, ["password", "totp"], None)
    assert (row.ip, row.user_agent, row.is_remembered) == ("192.0.2.7", FIREFOX, False)
    assert row.expires_at - row.started_at == conf.ABSOLUTE
    assert row.device is not None
    assert is_in(client)


def test_signing_out_ends_it(owner: User) -> None:
    client = people.enter(owner)
    row = row_of(client)
    client.post("/account/logout/")
    row.refresh_from_db()
    assert (row.ended_at is not None, row.ended_why) == (True, "signed out")
    assert ledger_of() == ["signed out"]


def test_leaving_from_a_page_that_asked_for_nobody_ends_it(owner: User) -> None:
    client = people.enter(owner)
    row = row_of(client)
    signin.leave(client.get("/").wsgi_request, reason="left at the provider")
    row.refresh_from_db()
    assert row.ended_why == "left at the provider"


def test_stepping_up_moves_it_to_the_fresh_key(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    row, device, before = row_of(client), people.enrol(visitor), client.session.session_key
    answer = client.post("/account/verify/", {"otp_token": people.code_for(device)})
    assert (answer.status_code, client.session.session_key != before) == (302, True)
    moved = row_of(client)
    assert (moved.pk, moved.level, moved.methods) == (row.pk, 2, ["password", "totp"])
    assert moved.verified_at > row.verified_at
    assert AuthSession.objects.count() == 1


def test_a_new_password_moves_it_and_ends_the_others(visitor: User) -> None:
    here, there = people.enter(visitor, level=1), people.enter(visitor, level=1)
    row, other = row_of(here), row_of(there)
    new = "quite another quiet sentence"
    body = {"old_password": people.PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/account/password/", body).url == "/account/"
    assert (row_of(here).pk, here.get("/account/").status_code) == (row.pk, 200)
    assert there.get("/account/").url.startswith(LOGIN)
    other.refresh_from_db()
    assert other.ended_why == "credentials changed"


def test_signing_in_once_more_gives_a_fresh_key(visitor: User, client: Client) -> None:
    """Django itself keeps the key when the same user comes in again."""
    keys = []
    for _ in range(2):
        password_step(client, visitor.email)
        keys.append(client.session.session_key)
    assert len(set(keys)) == 2
    assert sorted(AuthSession.objects.values_list("ended_why", flat=True)) == ["", "signed in anew"]
    assert client.get("/account/").status_code == 200


def test_signing_in_anew_ends_what_was_there(visitor: User, owner: User) -> None:
    client = people.enter(owner)
    row = row_of(client)
    request = client.get("/account/").wsgi_request
    signin.finish(request, visitor, signin.Evidence(("password",)), at=timezone.now())
    row.refresh_from_db()
    assert row.ended_why == "signed in anew"
    assert sessions.of_key(request.session.session_key).user == visitor  # type: ignore[union-attr]


# --- believed only while open -----------------------------------------------------------------------------------------
def by_staff(row: AuthSession, owner: User) -> None:
    sessions.end(row, by=owner, at=timezone.now(), why="ended by staff")


def by_itself(row: AuthSession, owner: User) -> None:
    AuthSession.objects.filter(pk=row.pk).update(expires_at=timezone.now())


def by_deletion(row: AuthSession, owner: User) -> None:
    row.delete()


def by_password(row: AuthSession, owner: User) -> None:
    passwords.change(User.objects.get(pk=row.user_id), new="another quiet sentence", at=timezone.now())


def by_hash(row: AuthSession, owner: User) -> None:
    """Set past every verb."""
    User.objects.filter(pk=row.user_id).update(password="!")


def by_factor(row: AuthSession, owner: User) -> None:
    user = User.objects.get(pk=row.user_id)
    factors.enrol(user, key="00" * 20, replacing=True, at=timezone.now())


def by_closed_account(row: AuthSession, owner: User) -> None:
    User.objects.filter(pk=row.user_id).update(is_active=False)


def by_closed_tenant(row: AuthSession, owner: User) -> None:
    """Other processes still believe for a moment that its host is open."""
    Tenant.objects.filter(pk=row.tenant_id).update(is_active=False)


ENDS = [by_staff, by_itself, by_deletion, by_password, by_hash, by_factor, by_closed_account, by_closed_tenant]


@pytest.mark.parametrize("how", ENDS)
def test_it_speaks_for_nobody_at_the_next_request(
    visitor: User, owner: User, how: Callable[[AuthSession, User], None]
) -> None:
    client = people.enter(visitor, level=1)
    assert client.get("/account/").status_code == 200
    how(row_of(client), owner)
    assert client.get("/account/").url.startswith(LOGIN)
    assert not AuthSession.objects.filter(ended_at=None).exists()
    assert len(ledger_of()) == 1  # told once, by whoever ended it


def test_another_users_row_vouches_for_nobody(visitor: User, owner: User) -> None:
    client = people.enter(visitor, level=1)
    AuthSession.objects.update(user=owner)
    assert client.get("/account/").url.startswith(LOGIN)


def test_a_row_begun_before_the_password_is_no_longer_live(visitor: User) -> None:
    people.enter(visitor, level=1)
    assert sessions.live(at=timezone.now()).count() == 1
    visitor.end_sessions()
    assert sessions.live(at=timezone.now()).count() == 0


# --- limits -----------------------------------------------------------------------------------------------------------
def shift(client: Client, **ago: timedelta) -> None:
    """Let parts of a session lie further back."""
    session = client.session
    for part, span in ago.items():
        session[signin.STANDING][part] -= span.total_seconds()
    session.save()


@pytest.mark.parametrize(
    ("word", "part", "ago"),
    [("idle_minutes", "seen", timedelta(minutes=10)), ("absolute_hours", "began", timedelta(hours=2))],
)
def test_a_tenants_tighter_limit_holds_for_sessions_that_are_open(
    owner: User, word: str, part: str, ago: timedelta
) -> None:
    client = people.enter(owner)
    shift(client, **{part: ago + timedelta(seconds=1)})
    assert is_in(client)
    shift(client, **{part: ago + timedelta(seconds=1)})
    SecurityPolicy.objects.create(**{word: 10 if word == "idle_minutes" else 2})
    from accounts import security

    security.forget()
    assert not is_in(client)


def test_use_is_written_down_once_a_minute(owner: User) -> None:
    client = people.enter(owner)
    for _ in range(2):
        client.get("/admin/")
    first = row_of(client)
    assert first.seen_at == first.started_at
    shift(client, seen=conf.SEEN_EVERY + timedelta(seconds=1))
    with CaptureQueriesContext(connection) as queries:
        client.get("/account/logout/")
        client.get("/account/logout/")
    assert sum("UPDATE" in q["sql"] and "accounts_authsession" in q["sql"] for q in queries) == 1
    assert row_of(client).seen_at > first.seen_at


# --- remembered -------------------------------------------------------------------------------------------------------
def remembered(user: User, *, device: Any = None) -> Client:
    client = Client()
    body = {"login_view-current_step": "auth", "auth-username": user.email, "auth-password": people.PASSWORD}
    client.post(LOGIN, body | {"auth-remember": "on"})
    if device:
        token_step(client, people.code_for(device))
    return client


def test_a_customer_is_remembered_for_the_days_the_policy_says(visitor: User) -> None:
    client = remembered(visitor)
    assert conf.REMEMBER_DAYS * 86_400 - client.cookies["session"]["max-age"] in range(60)  # an end, not a pause
    row = row_of(client)
    assert (row.is_remembered, row.expires_at - row.started_at) == (True, timedelta(days=conf.REMEMBER_DAYS))
    shift(client, seen=timedelta(days=20), began=timedelta(days=20))
    assert client.get("/account/").status_code == 200
    shift(client, seen=timedelta(days=11), began=timedelta(days=11))
    assert client.get("/account/").url.startswith(LOGIN)


def test_unasked_a_session_ends_with_the_browser(visitor: User, client: Client) -> None:
    password_step(client, visitor.email)
    assert client.cookies["session"]["max-age"] == ""
    shift(client, seen=conf.IDLE + timedelta(seconds=1))
    assert client.get("/account/").url.startswith(LOGIN)


def test_staff_are_not_remembered_whatever_they_tick(owner: User) -> None:
    client = remembered(owner, device=people.enrol(owner))
    assert (is_in(client), client.cookies["session"]["max-age"]) == (True, "")
    assert not row_of(client).is_remembered
    shift(client, seen=conf.IDLE + timedelta(seconds=1))
    assert not is_in(client)


def test_who_becomes_staff_is_remembered_no_longer(visitor: User) -> None:
    client = remembered(visitor)
    shift(client, began=conf.ABSOLUTE + timedelta(seconds=1))
    assert client.get("/account/").status_code == 200
    people.give(visitor, "receptionist")
    assert client.get("/account/").url.startswith(LOGIN)


def test_the_choice_is_there_only_where_the_policy_offers_it(client: Client, visitor: User) -> None:
    from accounts import security

    assert "auth-remember" in client.get(LOGIN).text
    SecurityPolicy.objects.create(remember_days=0)
    security.forget()
    assert "auth-remember" not in client.get(LOGIN).text
    assert remembered(visitor).cookies["session"]["max-age"] == ""


def test_a_remembered_session_still_steps_up(visitor: User) -> None:
    people.enrol(visitor)
    client = people.enter(visitor, level=1)
    assert client.get("/account/two_factor/setup/").url.startswith("/account/verify/")


# --- the index cannot be read -----------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)  # a refused entry must not spoil a transaction around the story
@pytest.mark.parametrize("what", ["accounts_authsession", ""])
def test_while_the_index_is_down_the_door_is_closed(visitor: User, what: str) -> None:
    """Its table, or the whole database."""
    client = people.enter(visitor, level=1, client=Client(raise_request_exception=False))
    assert client.get("/").status_code == 200

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if what in sql:
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        answer = client.get("/account/")
        public = client.get("/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "Signing in is not possible for the moment" in answer.text
    assert public.status_code == (200 if what else 500)  # a page all the same, though it has nothing to show
    assert client.get("/account/").status_code == 200  # nobody was signed out by it


def test_the_row_costs_no_query_of_its_own(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    client.get("/account/logout/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/account/logout/")
    asked = [q["sql"] for q in queries if q["sql"].startswith("SELECT") and "set_config" not in q["sql"]]
    stored = [sql for sql in asked if "django_session" in sql]
    assert len(asked) - len(stored) == 2, asked  # the row with its user and tenant, and what they hold
    assert bool(stored) == settings.SESSION_ENGINE.endswith("table")
