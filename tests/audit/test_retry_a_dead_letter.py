"""Staff see what could not be delivered and put it back on its way, one by one or many at once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Tenant, User
from audit.models import Event, OutboxMessage
from governance import tenancy
from tests.factories.audit import make_message

Enter = Callable[..., Client]
LIST = "/admin/audit/outboxmessage/"


@pytest.fixture
def dead(tenant: Tenant) -> OutboxMessage:
    """A message that was tried often enough."""
    message = make_message(about=tenant)
    OutboxMessage.objects.filter(pk=message.pk).update(state="parked", attempts=10, error="builtins.OSError in x.send")
    return message


def press(client: Client, message: OutboxMessage) -> Any:
    return client.post(reverse("admin:audit_outboxmessage_retry", args=[message.pk]), follow=True)


def state(message: OutboxMessage) -> tuple[str, int]:
    kept = OutboxMessage.objects.get(pk=message.pk)
    return kept.state, kept.attempts


def test_dead_letters_are_seen_and_can_be_told_apart(dead: OutboxMessage, manager: User, enter: Enter) -> None:
    make_message(about=tenancy.current(), kind="audit.other")
    client = enter(manager)
    answer = client.get(LIST, {"state__exact": "parked"})
    assert [message.pk for message in answer.context["cl"].result_list] == [dead.pk]
    assert "builtins.OSError in x.send" in answer.content.decode()


def test_the_button_puts_it_back(dead: OutboxMessage, manager: User, enter: Enter) -> None:
    client = enter(manager)
    assert "Retry now" in client.get(f"{LIST}{dead.pk}/change/").content.decode()
    answer = press(client, dead)
    assert "The message is on its way again." in answer.content.decode()
    assert state(dead) == ("waiting", 0)
    event = Event.objects.get(action="audit.outbox.retried")
    assert (event.actor_id, event.object_id, event.door) == (str(manager.pk), str(dead.pk), "admin")
    assert "Retry now" not in client.get(f"{LIST}{dead.pk}/change/").content.decode()


def test_pressing_twice_is_refused_kindly(dead: OutboxMessage, manager: User, enter: Enter) -> None:
    client = enter(manager)
    press(client, dead)
    answer = press(client, dead)
    assert answer.status_code == 200
    assert "This message is not a dead letter." in answer.content.decode()
    assert Event.objects.filter(action="audit.outbox.retried").count() == 1


def test_many_are_put_back_and_the_others_named(
    dead: OutboxMessage, tenant: Tenant, manager: User, enter: Enter
) -> None:
    waiting = make_message(about=tenant)
    answer = enter(manager).post(LIST, {"action": "retry_now", "_selected_action": [dead.pk, waiting.pk]}, follow=True)
    words = answer.content.decode()
    assert "1 message is on its way again." in words
    assert "This message is not a dead letter." in words
    assert (state(dead), state(waiting)) == (("waiting", 0), ("waiting", 0))


def test_who_may_look_may_not_press(dead: OutboxMessage, auditor: User, enter: Enter) -> None:
    client = enter(auditor)
    page = client.get(f"{LIST}{dead.pk}/change/")
    assert page.status_code == 200
    assert "Retry now" not in page.content.decode()
    assert press(client, dead).status_code == 403
    client.post(LIST, {"action": "retry_now", "_selected_action": [dead.pk]})
    assert state(dead) == ("parked", 10)


def test_another_tenants_messages_are_not_there(second_tenant: Tenant, manager: User, enter: Enter) -> None:
    with tenancy.within(second_tenant):
        message = make_message(about=second_tenant)
    OutboxMessage.objects.update(state="parked")
    client = enter(manager)
    assert list(client.get(LIST).context["cl"].result_list) == []
    assert press(client, message).status_code == 404
    assert OutboxMessage.objects.get().state == "parked"


def test_looking_at_the_button_presses_nothing(dead: OutboxMessage, manager: User, enter: Enter) -> None:
    answer = enter(manager).get(reverse("admin:audit_outboxmessage_retry", args=[dead.pk]))
    assert answer.status_code == 405
    assert state(dead) == ("parked", 10)


@pytest.mark.parametrize("role", ["receptionist", "visitor"])
def test_others_see_nothing(dead: OutboxMessage, role: str, enter: Enter, request: pytest.FixtureRequest) -> None:
    client = enter(request.getfixturevalue(role))
    assert client.get(LIST).status_code in (302, 403)
    assert press(client, dead).status_code in (200, 403)
    assert state(dead) == ("parked", 10)


def test_a_list_costs_the_same_for_one_and_for_three(tenant: Tenant, manager: User, enter: Enter) -> None:
    client = enter(manager)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(LIST).status_code == 200
        return len(asked)

    make_message(about=tenant)
    client.get(LIST)
    alone = cost()
    make_message(about=tenant)
    make_message(about=tenant)
    assert cost() == alone


def test_configuration_changes_are_shown_and_cannot_be_changed(tenant: Tenant, owner: User, enter: Enter) -> None:
    client = enter(owner)
    assert client.get("/admin/audit/logentry/").status_code == 200
    assert client.get("/admin/audit/logentry/add/").status_code == 403
