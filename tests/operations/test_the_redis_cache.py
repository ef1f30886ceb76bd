"""The Redis cache keeps one client per server, and a session key that is taken is not given twice."""

import pytest
from django.core.cache import cache

from accounts import session_store
from verso.redis_cache import RedisCache


def test_commands_to_one_server_share_a_client() -> None:
    kept = RedisCache("redis://127.0.0.1:1/0", {})._cache
    assert kept.get_client("one") is kept.get_client("another", write=True)


def test_reading_and_writing_elsewhere_do_not() -> None:
    kept = RedisCache("redis://127.0.0.1:1/0,redis://127.0.0.1:2/0", {})._cache
    asked = [kept.get_client("one", write=write) for write in (True, False)]
    ports = [client.connection_pool.connection_kwargs["port"] for client in asked]
    assert ports == [1, 2]


def test_a_session_key_that_is_taken_is_not_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter(["k" * 32, "k" * 32, "l" * 32])
    monkeypatch.setattr(session_store, "get_random_string", lambda *_size: next(keys))
    first, second = session_store.SessionStore(), session_store.SessionStore()
    first.create()
    second.create()
    assert (first.session_key, second.session_key) == ("k" * 32, "l" * 32)
    cache.delete_many([first.cache_key, second.cache_key])
