"""The inbox: unread first, answered from its page, open to those who may."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Tenant, User
from audit import outbox
from cms import messages
from cms.models import ContactMessage
from governance import people, tenancy
from tests.factories.cms import receive_message

LIST = "/admin/cms/contactmessage/"


def page_of(message: ContactMessage) -> str:
    return f"{LIST}{message.pk}/change/"


def answer(client: Client, message: ContactMessage, **typed: Any) -> Any:
    form = client.get(page_of(message)).text
    request_id = re.search(r'name="request_id" value="([^"]+)"', form)
    assert request_id
    return client.post(page_of(message), {"request_id": request_id[1], **({"_save": "1"} | typed)})


def test_unread_messages_stand_first(tenant: Tenant, receptionist: User, enter: Callable[[User], Client]) -> None:
    old, closed = receive_message(subject="The old one"), receive_message(subject="The closed one")
    messages.close(closed, by=receptionist, at=timezone.now())
    receive_message(subject="The latest one")
    listed = enter(receptionist).get(LIST).text
    places = [listed.index(words) for words in ("The latest one", "The old one", "The closed one")]
    assert places == sorted(places)
    assert old.is_new


def test_an_answer_is_queued_then_sent(tenant: Tenant, receptionist: User, enter: Callable[[User], Client]) -> None:
    message, desk = receive_message(), enter(receptionist)
    sent = answer(desk, message, reply="Yes, and a lift.")
    assert (sent.status_code, sent["Location"]) == (302, page_of(message))
    assert '<span class="badge badge--warn">queued</span>' in desk.get(page_of(message)).text
    outbox.deliver(at=timezone.now())
    assert '<span class="badge badge--good">sent</span>' in desk.get(page_of(message)).text
    assert '<span class="badge badge--good">sent</span>' in desk.get(LIST).text
    assert ContactMessage.objects.get().replies.get().text == "Yes, and a lift."


def test_an_empty_answer_is_refused_on_the_form(
    tenant: Tenant, receptionist: User, enter: Callable[[User], Client]
) -> None:
    message = receive_message()
    page = answer(enter(receptionist), message, reply=" ")
    assert (page.status_code, "Write an answer first." in page.text) == (200, True)
    assert ContactMessage.objects.get().status == "new"


@pytest.mark.parametrize("button", ["_close", "_reopen"])
def test_only_its_own_button_sends_an_answer(
    tenant: Tenant, receptionist: User, enter: Callable[[User], Client], button: str
) -> None:
    message, desk = receive_message(), enter(receptionist)
    request_id = re.search(r'name="request_id" value="([^"]+)"', desk.get(page_of(message)).text)
    assert request_id
    page = desk.post(page_of(message), {"request_id": request_id[1], "reply": "Not yet ready", button: "1"})
    assert page.status_code == 200
    assert "You have written an answer. Send it first, or clear it." in page.text
    assert "Not yet ready" in page.text
    kept = ContactMessage.objects.get()
    assert (kept.status, kept.replies.count()) == ("new", 0)


def test_close_and_reopen_by_button_and_in_bulk(
    tenant: Tenant, receptionist: User, enter: Callable[[User], Client]
) -> None:
    message, desk = receive_message(), enter(receptionist)
    answer(desk, message, _close="1", reply="")
    assert ContactMessage.objects.get().status == "closed"
    chosen = {"action": "reopen_chosen", "_selected_action": [str(message.pk)]}
    assert "1 message done." in desk.post(LIST, chosen, follow=True).text
    assert ContactMessage.objects.get().status == "new"
    refused = desk.post(LIST, chosen, follow=True).text
    assert "This message is not closed." in refused


def test_a_message_is_found_by_who_wrote_it(
    tenant: Tenant, receptionist: User, enter: Callable[[User], Client]
) -> None:
    receive_message(subject="From Ada")
    receive_message(subject="From Bruno", name="Bruno Keller", email="bruno@example.net")
    desk = enter(receptionist)
    for asked, found in (("ada wint", "From Ada"), ("bruno@example.net", "From Bruno")):
        page = desk.get(LIST, {"q": asked}).text
        assert [words in page for words in ("From Ada", "From Bruno")] == [found == "From Ada", found == "From Bruno"]
    assert "Nothing matches" in desk.get(LIST, {"q": "nobody"}).text


def test_an_erased_person_leaves_the_page_standing(
    tenant: Tenant, receptionist: User, enter: Callable[[User], Client]
) -> None:
    message = receive_message()
    people.erase(message.person, by=receptionist, at=timezone.now())
    desk = enter(receptionist)
    for page in (desk.get(LIST), desk.get(page_of(message))):
        assert page.status_code == 200
        assert "erased" in page.text
        assert "wheelchair" not in page.text


@pytest.mark.parametrize("name", ["auditor", "visitor", "stranger"])
def test_those_without_the_right_see_nothing(tenant: Tenant, request: Any, name: str) -> None:
    from tests.factories import accounts

    message = receive_message()
    client = accounts.enter(request.getfixturevalue(name))
    for path in (LIST, page_of(message)):
        answered = client.get(path)
        assert answered.status_code in (302, 403)
        assert "wheelchair" not in answered.text


def test_another_tenants_messages_do_not_exist_here(
    tenant: Tenant, second_tenant: Tenant, receptionist: User, enter: Callable[[User], Client]
) -> None:
    with tenancy.within(second_tenant):
        theirs = receive_message(subject="Not for you")
    desk = enter(receptionist)
    assert "Not for you" not in desk.get(LIST).text
    assert desk.get(page_of(theirs)).status_code == 302


def test_the_list_costs_the_same_for_one_and_for_many(
    tenant: Tenant, receptionist: User, enter: Callable[[User], Client]
) -> None:
    desk, costs = enter(receptionist), []
    for more in (1, 4):
        for number in range(more):
            message = receive_message(email=f"a{more}{number}@example.net")
            messages.reply(message, text="Yes.", request_id=message.pk, by=receptionist, at=timezone.now())
        desk.get(LIST)
        with CaptureQueriesContext(connections["default"]) as queries:
            assert desk.get(LIST).status_code == 200
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_the_first_page_says_who_waits(tenant: Tenant, receptionist: User, enter: Callable[[User], Client]) -> None:
    receive_message(subject="A wheelchair")
    page = enter(receptionist).get("/admin/").text
    assert "Messages waiting" in page
    assert "A wheelchair" in page
    assert "Entries awaiting their seal" not in page


def test_the_first_page_tells_auditors_how_mail_and_seals_stand(
    tenant: Tenant, auditor: User, enter: Callable[[User], Client]
) -> None:
    page = enter(auditor).get("/admin/").text
    assert "Messages waiting" not in page
    assert "Entries awaiting their seal" in page
    assert "No dead letters" in page
