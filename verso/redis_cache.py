"""Django's Redis cache with one redis-py client per server instead of one per command.

A client is made to be shared between threads and takes its connections from the pool; making one costs several times
what a command does.
"""

from typing import Any

from django.core.cache.backends import redis


class Client(redis.RedisCacheClient):
    """Django's, which keeps its clients beside their pools."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._clients: dict[int, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """The client of a server; made once."""
        pool = self._get_connection_pool(write)  # type: ignore[attr-defined]
        client = self._clients.get(id(pool))
        if client is None:
            client = self._clients[id(pool)] = self._client(connection_pool=pool)  # type: ignore[attr-defined]
        return client


class RedisCache(redis.RedisCache):
    """Django's, through clients that are kept."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = Client
