"""Which tests run on which servers: a story of another database is left out, so that a skip is always news."""

import pytest
from django.conf import settings

from tests.sso import certified


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--missing postgresql` turns what would be left out into skips, named one by one."""
    parser.addoption("--missing", action="append", default=[], help="a server this machine lacks")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out stories that need another server; skip those whose server this machine lacks."""
    absent = {"postgresql", "sqlite", "redis"} - _here()
    missing = set(config.getoption("--missing")) | (set() if certified.node() else {"node"})
    elsewhere = [item for item in items if any(item.get_closest_marker(name) for name in absent - missing)]
    for item in items:
        for name in missing & (absent | {"node"}):
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"needs {name}"))
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in set(elsewhere)]


def _here() -> set[str]:
    engine = settings.DATABASES["default"]["ENGINE"]
    database = {"postgresql"} if "postgresql" in engine else {"sqlite"}
    return database | ({"redis"} if "redis" in settings.CACHES["default"]["BACKEND"].lower() else set())
