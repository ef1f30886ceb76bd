"""When the store of sessions is down, nobody is in, nobody is somebody else, and the public pages work."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client, override_settings

from accounts.models import Tenant, User
from accounts.session_table import stored_name
from tests.factories import accounts as people

DEAD = {"default": {"BACKEND": "verso.redis_cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}}


@pytest.fixture
def dead_store(tenant: Tenant) -> Iterator[None]:
    with override_settings(SESSION_ENGINE="accounts.session_store", CACHES=DEAD, AXES_HANDLER=settings.AXES_HANDLER):
        yield


def with_cookie() -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    return client


@pytest.mark.parametrize("address", ["/admin/", "/account/", "/account/login/", "/account/verify/"])
def test_pages_behind_the_door_are_closed(dead_store: None, address: str) -> None:
    answer = with_cookie().get(address)
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "Signing in is not possible for the moment" in answer.text


def test_nobody_signs_in(dead_store: None, owner: User) -> None:
    body = {"login_view-current_step": "auth", "auth-username": owner.email, "auth-password": people.PASSWORD}
    assert Client().post("/account/login/", body).status_code == 503


def test_public_pages_work(dead_store: None) -> None:
    answer = with_cookie().get("/")
    assert answer.status_code == 200
    assert not answer.cookies


def test_sessions_are_on_the_server_and_their_cookie_is_hard(client: Client, visitor: User) -> None:
    people.enter(visitor, client=client)
    answer = client.get("/account/")
    assert answer.status_code == 200
    assert (settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE) == (True, "Strict")
    if settings.SESSION_ENGINE.endswith("table"):
        assert Session.objects.filter(session_key=stored_name(client.session.session_key)).exists()


def test_production_hardens_the_cookie() -> None:
    from verso.settings import production

    assert production.SESSION_COOKIE_NAME.startswith("__Host-")
    assert production.SESSION_COOKIE_SECURE
    assert production.SESSION_COOKIE_HTTPONLY
    assert production.SESSION_COOKIE_SAMESITE == "Strict"
