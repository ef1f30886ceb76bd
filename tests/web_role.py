"""A real connection as the web's role, which owns nothing and which row-level security binds."""

import os
import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from governance import grants


@pytest.fixture(scope="session")
def web_login(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Settings of a connection to the test database as a web role made by `grants.create`."""
    known = connection.settings_dict
    web, migrator = (
        grants.Role(f"{word}_{os.getpid()}_{secrets.token_hex(4)}", secrets.token_hex(8))
        for word in ("web", "migrator")
    )
    words = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
    url = make_conninfo(password=known["PASSWORD"] or None, **{word: known[words[word]] or None for word in words})
    with django_db_blocker.unblock():
        grants.create(url, migrator=migrator, web=web)
        yield {**known, "USER": web.name, "PASSWORD": web.password}
    with psycopg.connect(url, autocommit=True) as admin:
        for role in (migrator, web):
            name = sql.Identifier(role.name)
            admin.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(name))
            admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


def _open(login: dict[str, Any], alias: str, pool: dict[str, Any] | None) -> Any:
    options = {name: value for name, value in login["OPTIONS"].items() if name != "pool"}
    return type(connections["default"])({**login, "OPTIONS": {**options, **({"pool": pool} if pool else {})}}, alias)


@pytest.fixture
def web(web_login: dict[str, Any], transactional_db: None) -> Iterator[Any]:
    """A pool of one connection as the web's role."""
    wrapper = _open(web_login, "web", {"min_size": 1, "max_size": 1, "timeout": 5})
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


@pytest.fixture
def as_web(web_login: dict[str, Any], transactional_db: None) -> Iterator[Any]:
    """The whole house works through the web's role."""
    usual, connections["default"] = connections["default"], _open(web_login, "default", None)
    yield connections["default"]
    connections["default"].close()
    connections["default"] = usual
