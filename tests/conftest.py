"""Who plays in the stories: a tenant and a second one, and the same few people everywhere.

`tenant` is active for the length of a test that asks for it (host `testserver`); `second_tenant` exists beside it
(host `second.testserver`). Factories live in tests/factories/.
"""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import conf, security
from accounts.models import Tenant, User
from audit import counting
from governance import tenancy
from tests.factories import accounts as people
from tests.flushing import flush_lifts_guards as flush_lifts_guards
from tests.web_role import as_web as as_web
from tests.web_role import web as web
from tests.web_role import web_login as web_login


@pytest.fixture(autouse=True)
def nothing_counted_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rate limits, locks, sessions of the cache and what is believed about hosts do not outlive a story."""
    monkeypatch.setattr(conf, "POLICY_SECONDS", 600.0)  # nor grow old in the middle of one that counts queries
    cache.clear()
    tenancy.forget()
    counting.store.cache_clear()
    security.forget()


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    """The tenant everything happens in, active."""
    row = people.make_tenant("demo", hosts=("testserver", "localhost"), time_zone="Europe/Madrid")
    with tenancy.within(row):
        yield row


@pytest.fixture
def second_tenant(db: None) -> Tenant:
    """Somebody else's tenant, which must never be seen from the first."""
    return people.make_tenant("second", hosts=("second.testserver",))


@pytest.fixture
def owner(tenant: Tenant) -> User:
    """Holds everything in the tenant."""
    return people.make_member("owner", role="owner")


@pytest.fixture
def manager(tenant: Tenant) -> User:
    """Runs the place day by day."""
    return people.make_member("manager", role="manager")


@pytest.fixture
def receptionist(tenant: Tenant) -> User:
    """Sits at the desk: appointments and messages."""
    return people.make_member("receptionist", role="receptionist")


@pytest.fixture
def auditor(tenant: Tenant) -> User:
    """Reads everything, changes nothing."""
    return people.make_member("auditor", role="auditor")


@pytest.fixture
def visitor(tenant: Tenant) -> User:
    """A customer with an account, without any staff role."""
    return people.make_member("visitor", role="visitor")


@pytest.fixture
def stranger(db: None) -> User:
    """Has an account, and belongs to no tenant at all."""
    return people.make_user("stranger", at_host="elsewhere.example")


@pytest.fixture
def enter(tenant: Tenant) -> Callable[..., Client]:
    """`enter(owner)`: a fresh client signed in as somebody, verified as far as their roles demand."""
    return people.enter
