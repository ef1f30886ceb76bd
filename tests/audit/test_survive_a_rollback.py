"""What was refused or failed is in the ledger, though everything around it was rolled back."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import Tenant, User
from audit import context, ledger
from audit.management.base import OperatorCommand
from audit.models import Event, OutboxMessage

pytestmark = [pytest.mark.urls("tests.audit.pages"), pytest.mark.guarantee]


@pytest.fixture
def unshaken() -> Client:
    """A client that sees a broken page as a visitor does."""
    return Client(raise_request_exception=False, headers={"x-request-id": "req-12345"})


def kept() -> list[tuple[str, str, str, str]]:
    """What the ledger says of the stories' request."""
    events = Event.objects.filter(request_id="req-12345").order_by("id")
    return [(event.action, event.outcome, event.reason, event.object_id) for event in events]


@pytest.mark.django_db(transaction=True)
def test_a_page_that_breaks_undoes_its_act_but_not_the_refusal(tenant: Tenant, unshaken: Client) -> None:
    assert unshaken.get("/broken/").status_code == 500
    assert kept() == [
        ("story.refused", "refused", "too_late", ""),
        ("web.request.failed", "failed", "RuntimeError", "story-broken"),
    ]
    assert not OutboxMessage.objects.exists()
    failed = Event.objects.get(action="web.request.failed")
    assert (failed.tenant, failed.actor_kind, failed.door) == (str(tenant.pk), "anonymous", "web")
    assert all(b"ana@" not in bytes(event.body) for event in Event.objects.all())


@pytest.mark.django_db(transaction=True)
def test_a_refusal_noted_in_a_broken_transaction_is_written(tenant: Tenant, unshaken: Client) -> None:
    assert unshaken.get("/broken-database/").status_code == 500
    assert kept()[0] == ("story.refused", "refused", "duplicate", "")


def test_a_forbidden_page_is_noted_by_its_name_not_its_address(tenant: Tenant, unshaken: Client) -> None:
    assert unshaken.get("/forbidden/secret-token/").status_code == 403
    assert kept() == [("web.request.refused", "refused", "PermissionDenied", "story-forbidden")]
    assert all(b"secret-token" not in bytes(event.body) for event in Event.objects.all())


def test_a_refusal_told_kindly_is_noted_once(tenant: Tenant, unshaken: Client) -> None:
    assert unshaken.get("/refused/").status_code == 422
    assert kept() == [("accounts.signed_in", "refused", "bad_password", "")]
    assert Event.objects.concerning("p-1").count() == 1


def test_a_page_that_works_is_not_noted(tenant: Tenant, unshaken: Client) -> None:
    assert unshaken.get("/plain/").status_code == 200
    assert kept() == []


def test_a_refusal_that_cannot_be_written_does_not_break_the_answer(
    tenant: Tenant, unshaken: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(act: ledger.Act) -> None:
        raise DatabaseError("the database is gone")

    monkeypatch.setattr(ledger, "_write", down)
    assert unshaken.get("/refused/").status_code == 422


@pytest.mark.django_db
def test_without_a_door_a_refusal_is_written_at_once() -> None:
    ledger.refused("story.refused", reason="too_late")
    assert Event.objects.get().outcome == "refused"


# --- the operator's door --------------------------------------------------------------------------------------------
class Story(OperatorCommand):
    """Does something in a transaction and ends as it is told."""

    ending: Any = None

    def act(self, **options: Any) -> dict[str, Any]:
        with transaction.atomic():
            ledger.record("story.done")
            if self.ending:
                raise self.ending
        frame = context.current()
        return {"actor": list(frame.who()), "tenant": frame.tenant_id, "door": frame.door}


def run(command: OperatorCommand, **options: Any) -> None:
    command.handle(**{"tenant": "", "actor": "", "as_json": True, **options})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("ending", "raised", "event"),
    [
        (ValidationError("No."), CommandError, ("audit.command.refused", "refused", "ValidationError")),
        (RuntimeError("ana@example.org"), RuntimeError, ("audit.command.failed", "failed", "RuntimeError")),
    ],
)
def test_a_command_that_ends_badly_is_noted(ending: Exception, raised: Any, event: tuple[str, str, str]) -> None:
    command = Story()
    command.ending = ending
    with pytest.raises(raised):
        run(command)
    assert list(Event.objects.values_list("action", "outcome", "reason")) == [event]


@pytest.mark.parametrize("named", ["slug", "pk"])
def test_a_command_acts_as_and_where_it_is_told(manager: User, tenant: Tenant, named: str, capsys: Any) -> None:
    run(Story(), tenant=str(getattr(tenant, named)), actor=manager.email)
    expected = f'{{"actor": ["user", "{manager.pk}"], "tenant": "{tenant.pk}", "door": "command"}}\n'
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tenant": "nowhere"}, "There is no tenant 'nowhere'."),
        (
            {"tenant": "01890000-0000-7000-8000-00000000dead"},
            "There is no tenant '01890000-0000-7000-8000-00000000dead'.",
        ),
        ({"actor": "nobody@example.org"}, "There is no user 'nobody@example.org'."),
    ],
)
def test_a_command_refuses_whom_it_does_not_know(db: None, options: dict[str, str], words: str) -> None:
    with pytest.raises(CommandError, match=words.replace(".", r"\.")):
        run(Story(), **options)


def test_a_command_may_insist_on_a_tenant(db: None) -> None:
    command = Story()
    command.needs_tenant = True
    with pytest.raises(CommandError, match="Say which tenant"):
        run(command)
