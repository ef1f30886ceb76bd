"""The clock ends sessions that have run out and deletes what is long over, a bounded number at a time."""

import json
from datetime import datetime, timedelta
from io import StringIO

from django.core.management import call_command
from django.utils import timezone

from accounts import conf, sessions, tasks
from accounts.models import AuthSession, IdentityProvider, KnownDevice, LogoutTokenSeen, SamlSeenAssertion, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people

DAY = timedelta(days=1)


def make(user: User, *, seen: datetime, **fields: object) -> AuthSession:
    row = sessions.begin(user, key=str(fields), methods=["password"], level=1, at=seen, expires_at=seen + DAY)
    AuthSession.objects.filter(pk=row.pk).update(**fields)
    return row


def why(row: AuthSession) -> str:
    row.refresh_from_db()
    return row.ended_why


def test_what_has_run_out_is_ended(visitor: User) -> None:
    now = timezone.now()
    fresh = make(visitor, seen=now)
    silent = make(visitor, seen=now - conf.IDLE - timedelta(minutes=2), user_agent="silent")
    long_ago = make(visitor, seen=now, expires_at=now)
    older_password = make(visitor, seen=now, epoch=99)
    remembered = make(visitor, seen=now - 2 * DAY, is_remembered=True, expires_at=now + DAY)
    assert sessions.sweep(at=now) == (3, 0)
    assert [why(row) for row in (fresh, silent, long_ago, older_password, remembered)] == ["", *["ran out"] * 3, ""]
    assert Event.objects.filter(action="accounts.session.ended", reason="ran out").count() == 3
    assert sessions.sweep(at=now) == (0, 0)


def test_what_is_long_over_is_deleted(visitor: User) -> None:
    now = timezone.now()
    idp = IdentityProvider.objects.create(slug="okta", name="Okta", protocol="saml")
    for model in (SamlSeenAssertion, LogoutTokenSeen):
        model.spend(idp, "spent", expires_at=now)
        model.spend(idp, "long spent", expires_at=now - conf.SPENT_KEPT)
    for seen in (now, now - conf.DEVICE_KEPT):
        KnownDevice.objects.create(user=visitor, digest=str(seen), first_seen_at=seen, last_seen_at=seen)
    kept = make(visitor, seen=now, ended_at=now - conf.SESSIONS_KEPT + DAY)
    make(visitor, seen=now, ended_at=now - conf.SESSIONS_KEPT)
    assert sessions.sweep(at=now) == (0, 4)
    assert list(AuthSession.objects.all()) == [kept]
    assert [m.objects.count() for m in (KnownDevice, SamlSeenAssertion, LogoutTokenSeen)] == [1, 1, 1]
    assert Event.objects.filter(action="accounts.sessions.swept").count() == 1


def test_at_most_so_many_at_a_time(visitor: User) -> None:
    now = timezone.now()
    for number in range(3):
        make(visitor, seen=now, expires_at=now, user_agent=str(number))
    assert [sessions.sweep(at=now, limit=2).ended for _ in range(3)] == [2, 1, 0]


def test_task_and_command_do_the_same_for_every_tenant(visitor: User, second_tenant: Tenant) -> None:
    now = timezone.now()
    make(visitor, seen=now, expires_at=now)
    tasks.sweep_sessions()
    with tenancy.within(second_tenant):
        make(people.make_member("theirs"), seen=now, expires_at=now)
    make(visitor, seen=now, expires_at=now, user_agent="second")
    out = StringIO()
    call_command("sweep_sessions", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"ended": 2, "deleted": 0}
    call_command("sweep_sessions", "--tenant", "demo", "--json", stdout=(again := StringIO()))
    assert json.loads(again.getvalue()) == {"ended": 0, "deleted": 0}
