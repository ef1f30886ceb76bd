"""One's own data: everything held here, with why and how long; a copy of it, noted before it leaves."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import own_data, profiles, tenants, tokens
from accounts.models import Tenant, User
from audit.models import Event
from governance import tenancy
from tests.accounts.test_see_as_another import see_as
from tests.accounts.test_step_up import grow_old
from tests.factories import accounts as people
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_booking, make_service, morning

Enter = Callable[..., Client]
DATA, DOWNLOAD = "/account/data/", "/account/data/download/"


def write(user: User, text: str) -> None:
    """A message of this user, as the contact form keeps it."""
    found = profiles.person_of(user, at=timezone.now())
    receive_message(text, name=found.name, email=found.email)


def handed_out() -> list[Any]:
    return list(Event.objects.filter(action="accounts.data.handed_out"))


def test_the_page_tells_what_why_and_how_long(enter: Enter, visitor: User) -> None:
    write(visitor, "Is there a ramp?")
    shown = enter(visitor, level=1).get(DATA).content.decode()
    for words in (
        "Is there a ramp?",
        visitor.email,
        "to answer what the person asked",
        "Why we may: we need it for what you asked of us.",
        "How long: until the account is closed in every organisation it belongs to.",
        "Kept, but shown to nobody",
        "Kept apart",
    ):
        assert words in shown, words
    assert visitor.password not in shown


def test_the_page_shows_the_newest_and_says_so(enter: Enter, visitor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.views.own.SHOWN", 2)
    for number in range(3):
        write(visitor, f"Message {number}.")
    shown = enter(visitor, level=1).get(DATA).content.decode()
    assert "Shown here: the newest 2. The download has all." in shown
    assert "Message 2." in shown and "Message 0." not in shown


def test_many_rows_cost_the_page_what_few_cost(enter: Enter, tenant: Tenant, visitor: User) -> None:
    service, client = make_service(tenant), enter(visitor, level=1)
    guest = make_guest(visitor)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(DATA).status_code == 200
        return len(asked)

    make_booking(service, start=morning(), customer=guest)
    client.get(DATA)
    few = queries()
    for day in range(2, 7):
        make_booking(service, start=morning(day), customer=guest)
    assert queries() == few


def make_guest(user: User) -> Any:
    from scheduling.bookings import Customer

    found = profiles.person_of(user, at=timezone.now())
    return Customer(found.name, found.email, "", "en")


def test_the_ledger_is_told_as_well_and_nobody_named(enter: Enter, owner: User, receptionist: User) -> None:
    see_as(enter(owner), receptionist)
    client = enter(receptionist)
    client.post("/account/profile/", {"name": "Rita"})
    shown = client.get(DATA).content.decode()
    assert "Saw as somebody else" in shown and "Profile changed" in shown
    assert owner.email not in shown and str(owner.pk) not in shown
    told = json.loads(client.post(DOWNLOAD).content)["happened"]
    by_self = {entry["what"]: entry["by_yourself"] for entry in told}
    assert by_self["accounts.profile.changed"] is True and by_self["accounts.impersonation.started"] is False
    assert by_self["accounts.data.handed_out"] is True


# --- the copy --------------------------------------------------------------------------------------------------------
def test_the_copy_has_all_of_it_and_no_secret(enter: Enter, visitor: User, receptionist: User) -> None:
    write(visitor, "Is there a ramp?")
    write(receptionist, "Not for others")
    answer = enter(visitor, level=1).post(DOWNLOAD)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"].startswith('attachment; filename="my-data-')
    assert "no-store" in answer["Cache-Control"]
    copy = json.loads(answer.content)
    assert copy["schema"] == "verso/held-about-me/1" and copy["held_by"]["name"] == "Demo"
    held = {part["what"]: part for part in copy["held"]}
    assert [row["text"] for row in held["cms.ContactMessage"]["rows"]] == ["Is there a ramp?"]
    assert held["accounts.User"]["rows"][0]["email"] == visitor.email
    told = answer.content.decode()
    assert visitor.password not in told and "Not for others" not in told
    assert "audit.OutboxMessage" in {part["what"] for part in copy["kept_apart"]}


def test_who_took_it_is_in_the_ledger_before_it_leaves(visitor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    own_data.hand_out(visitor, by=visitor, at=timezone.now())
    (entry,) = handed_out()
    assert entry.object_id == str(visitor.pk) and entry.reason.startswith("json, ")
    assert entry.content["people"] == [str(profiles.person_of(visitor, at=timezone.now()).pk)]
    monkeypatch.setattr("accounts.own_data.ledger.record", lambda *a, **k: (_ for _ in ()).throw(RuntimeError))
    with pytest.raises(RuntimeError):
        own_data.hand_out(visitor, by=visitor, at=timezone.now())


def test_an_old_proof_is_asked_for_anew(enter: Enter, visitor: User) -> None:
    client = enter(visitor, level=1)
    grow_old(client)
    assert client.post(DOWNLOAD).status_code == 403
    assert not handed_out()


def test_it_is_nobody_elses(owner: User, visitor: User) -> None:
    with pytest.raises(profiles.NotYourOwn):
        own_data.hand_out(visitor, by=owner, at=timezone.now())


def test_it_is_asked_for_by_post_and_not_too_often(enter: Enter, visitor: User) -> None:
    client = enter(visitor, level=1)
    assert client.get(DOWNLOAD).status_code == 405
    with override_settings(RATELIMIT_ENABLE=True):
        answers = [client.post(DOWNLOAD).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_another_tenants_rows_are_not_in_it(enter: Enter, visitor: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        tenants.join(visitor, at=timezone.now())
        write(visitor, "Written elsewhere")
    client = enter(visitor, level=1)
    assert "Written elsewhere" not in client.get(DATA).content.decode()
    assert b"Written elsewhere" not in client.post(DOWNLOAD).content


def test_strangers_and_tokens_stay_out(client: Client, receptionist: User) -> None:
    later = timezone.now() + timezone.timedelta(days=1)
    _token, secret = tokens.make(
        receptionist, name="x", scopes=[tokens.USE], expires_at=later, by=receptionist, at=timezone.now()
    )
    for page in (DATA, DOWNLOAD):
        assert client.post(page, headers={"authorization": f"Bearer {secret}"}).status_code == 302


@pytest.mark.parametrize("page", [DATA, DOWNLOAD, "/account/profile/", "/account/close/"])
def test_who_sees_as_another_does_not_see_theirs(enter: Enter, owner: User, receptionist: User, page: str) -> None:
    client = enter(owner)
    see_as(client, receptionist)
    assert client.get(page).status_code == 403
    assert client.post(page).status_code == 403
    assert not handed_out()


def test_the_overview_leads_there(enter: Enter, visitor: User) -> None:
    shown = enter(visitor, level=1).get("/account/").content.decode()
    for page in ("/account/profile/", DATA, "/account/close/", "/account/sessions/", "/account/password/"):
        assert f'href="{page}"' in shown
    assert people.PASSWORD not in shown
