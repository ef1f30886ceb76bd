"""What happens at the door is in the ledger, without e-mails and passwords."""

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from accounts import factors, roles
from accounts.models import RoleGrant, User
from audit.models import Event
from tests.accounts.signing_in import password_step, recovery_step, token_step
from tests.factories import accounts as people


def told(*, since: int = 0) -> list[tuple[str, str, str]]:
    rows = Event.objects.filter(id__gt=since, action__startswith="accounts.").order_by("id")
    return [(event.action, event.outcome, event.object_id) for event in rows]


def last() -> int:
    return Event.objects.order_by("-id").values_list("id", flat=True).first() or 0


def test_a_sign_in_with_its_failures(client: Client, owner: User) -> None:
    device, since, who = people.enrol(owner), last(), str(owner.pk)
    password_step(client, owner.email, "wrong secret")
    password_step(client, "nobody@demo.example", "wrong secret")
    password_step(client, owner.email)
    token_step(client, "000000")
    people.Authenticator.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    token_step(client, people.code_for(device))
    client.post("/account/logout/")
    assert told(since=since) == [
        ("accounts.signin.failed", "failed", who),
        ("accounts.signin.failed", "failed", ""),
        ("accounts.factor.failed", "failed", who),
        ("accounts.session.started", "success", who),
        ("accounts.session.ended", "success", who),
    ]
    bodies = b" ".join(bytes(body) for body in Event.objects.values_list("body", flat=True))
    assert b"wrong secret" not in bodies
    assert b"nobody@" not in bodies
    assert owner.email.encode() not in bodies


def test_a_lock(client: Client, owner: User) -> None:
    since = last()
    for _ in range(8):
        password_step(Client(), owner.email, "wrong")
    actions = [action for action, _outcome, _id in told(since=since)]
    assert actions == ["accounts.signin.failed"] * 5 + ["accounts.signin.locked"]  # told once, however often they knock


def test_factors_and_recovery_codes(client: Client, owner: User) -> None:
    since, who = last(), str(owner.pk)
    factors.enrol(owner, key="00" * 20, at=timezone.now())
    codes = factors.make_recovery_codes(owner, at=timezone.now())
    password_step(client, owner.email)
    recovery_step(client, "wrong")
    recovery_step(client, codes[0])
    assert told(since=since) == [
        ("accounts.factor.enrolled", "success", who),
        ("accounts.recovery_codes.made", "success", who),
        ("accounts.factor.failed", "failed", who),
        ("accounts.recovery_codes.used", "success", who),
        ("accounts.session.started", "success", who),
    ]


def test_roles_given_and_taken(owner: User, visitor: User) -> None:
    since = last()
    people.give(visitor, "auditor")
    given = RoleGrant.objects.get(membership__user=visitor, role__key="auditor")
    roles.revoke(given, by=owner, at=timezone.now())
    member = str(given.membership_id)
    assert told(since=since) == [
        ("accounts.role.granted", "success", member),
        ("accounts.role.revoked", "success", member),
    ]


def test_a_closed_door(enter: Callable[..., Client], visitor: User) -> None:
    client, since = enter(visitor), last()
    client.get("/admin/")
    assert told(since=since) == [("accounts.gate.refused", "refused", str(visitor.pk))]


def test_a_guarded_enrolment(owner: User) -> None:
    people.enrol(owner)
    client, since = people.enter(owner, level=1), last()
    client.post("/account/two_factor/setup/", {"setup_view-current_step": "generator", "generator-token": "1"})
    assert told(since=since) == [("accounts.factor.enrolled", "refused", str(owner.pk))]
