"""API tokens: shown once, no more than their maker may do, good for marked addresses only, never a session."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpRequest, JsonResponse
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone

from accounts import gate, roles, tokens
from accounts.models import ApiToken, Membership, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.factories import accounts as people
from verso.urls import urlpatterns as house

Enter = Callable[..., Client]
ME = "/account/api/me/"
WRITES = "/account-test/write/"


@gate.token("scheduling.change_appointment")
def write(request: HttpRequest) -> JsonResponse:
    """An address of a later day: programs change something here."""
    return JsonResponse({"who": request.user.email, "may": request.user.has_perm("accounts.change_role")})


urlpatterns = [path("account-test/write/", write, name="write"), path("", include(house))]
handler403, handler404 = "cms.views.errors.forbidden", "cms.views.errors.not_found"


def make(user: User, *scopes: str, days: int = 30) -> tuple[ApiToken, str]:
    now = timezone.now()
    wanted = scopes or (tokens.USE,)
    return tokens.make(user, name="robot", scopes=wanted, expires_at=now + timedelta(days=days), by=user, at=now)


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def events(action: str) -> list[Any]:
    return list(Event.objects.filter(action=action).order_by("pk"))


def test_a_program_learns_whom_it_speaks_for(client: Client, receptionist: User) -> None:
    token, secret = make(receptionist)
    answer = client.get(ME, headers=bearer(secret))
    assert answer.status_code == 200
    assert answer.json() == {
        "user": {"id": str(receptionist.pk), "email": "receptionist@demo.example", "name": "Receptionist"},
        "tenant": {"slug": "demo", "name": "Demo"},
        "roles": ["receptionist"],
        "may": ["accounts.use_api"],
        "token": {"name": "robot", "begins_with": token.prefix, "until": answer.json()["token"]["until"]},
    }
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies and Session.objects.count() == 0


def test_the_secret_is_kept_nowhere(receptionist: User) -> None:
    token, secret = make(receptionist)
    kept = str(ApiToken.objects.values().get(pk=token.pk))
    assert secret not in kept and secret.startswith(token.prefix) and len(token.prefix) == 12
    assert secret not in str([event.content for event in Event.objects.all()])


SENT = ["", "Bearer", "Bearer ", "Bearer verso_nonsense", "Basic abc", "Bearer \x00", "x" * 3000]


@pytest.mark.parametrize("sent", SENT)
def test_anything_else_is_401_in_the_houses_shape(client: Client, receptionist: User, sent: str) -> None:
    answer = client.get(ME, headers={"authorization": sent} if sent else {})
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"code", "message", "fields"}
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_session_does_not_open_what_is_for_programs(enter: Enter, owner: User) -> None:
    assert enter(owner).get(ME).status_code == 401


def test_a_token_opens_nothing_that_is_not_marked_for_it(client: Client, owner: User) -> None:
    _token, secret = make(owner, *sorted(roles_of(owner)))
    for page in ("/admin/", "/account/", "/account/tokens/", "/admin/accounts/membership/"):
        assert client.get(page, headers=bearer(secret)).status_code == 302, page
    assert client.post("/account/password/", headers=bearer(secret)).status_code == 302


def roles_of(user: User) -> frozenset[str]:
    from accounts import policies

    return policies.usable_permissions(user)


@override_settings(ROOT_URLCONF=__name__)
def test_it_may_what_its_scopes_and_its_maker_may_now(client: Client, owner: User, receptionist: User) -> None:
    _narrow, narrow = make(receptionist)
    _wide, wide = make(receptionist, tokens.USE, "scheduling.change_appointment")
    refused = client.post(WRITES, headers=bearer(narrow))
    assert (refused.status_code, refused.json()["error"]["fields"]) == (403, {"scope": "scheduling.change_appointment"})
    assert client.post(WRITES, headers=bearer(wide)).json() == {"who": receptionist.email, "may": False}
    roles.revoke(Membership.objects.get(user=receptionist).grants.get(), by=owner, at=timezone.now())
    assert client.post(WRITES, headers=bearer(wide)).status_code == 403


@override_settings(ROOT_URLCONF=__name__)
def test_every_write_is_in_the_ledger_with_the_token_named_and_needs_no_csrf(receptionist: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    token, secret = make(receptionist, tokens.USE, "scheduling.change_appointment")
    assert strict.get(WRITES, headers=bearer(secret)).status_code == 200
    assert events("accounts.token.used") == []
    assert strict.post(WRITES, headers=bearer(secret)).status_code == 200
    (used,) = events("accounts.token.used")
    assert (used.object_id, used.actor_id) == (str(token.pk), str(receptionist.pk))
    assert used.reason == f"{token.prefix}… write"


def test_it_ends(client: Client, owner: User, receptionist: User) -> None:
    token, secret = make(receptionist)
    assert client.get(ME, headers=bearer(secret)).status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert client.get(ME, headers=bearer(secret)).status_code == 401


@pytest.mark.parametrize("what", ["membership ended", "account inactive", "token revoked"])
def test_it_opens_nothing_once_its_maker_is_gone(client: Client, owner: User, receptionist: User, what: str) -> None:
    token, secret = make(receptionist)
    if what == "membership ended":
        roles.end_membership(Membership.objects.get(user=receptionist), by=owner, at=timezone.now())
    elif what == "account inactive":
        User.objects.filter(pk=receptionist.pk).update(is_active=False)
    else:
        tokens.revoke(token, by=receptionist, at=timezone.now())
    assert client.get(ME, headers=bearer(secret)).status_code == 401


def test_it_is_good_in_its_tenant_only(owner: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        Membership.objects.create(user=owner)
        people.give(owner, "owner")
    _token, secret = make(owner)
    assert Client(headers={"host": "second.testserver"}).get(ME, headers=bearer(secret)).status_code == 401


def test_last_use_is_written_once_a_minute(receptionist: User) -> None:
    token, secret = make(receptionist)
    now = timezone.now()
    for seconds in (0, 30, 59, 61):
        tokens.bearer(secret, at=now + timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == now + timedelta(seconds=61 if seconds == 61 else 0)


@override_settings(RATELIMIT_ENABLE=True)
def test_too_many_requests_are_told_so(client: Client, receptionist: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.bearing.RATE", "3/5m")
    _token, secret = make(receptionist)
    answers = [client.get(ME, headers=bearer(secret)).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]


def test_nobody_makes_one_for_more_than_they_hold_nor_for_another(owner: User, receptionist: User) -> None:
    now = timezone.now()
    with pytest.raises(tokens.MoreThanOwn):
        make(receptionist, tokens.USE, "accounts.change_role")
    with pytest.raises(tokens.MoreThanOwn):
        tokens.make(receptionist, name="x", scopes=[tokens.USE], expires_at=now + timedelta(days=1), by=owner, at=now)


@pytest.mark.parametrize("days", [-1, 0, 366])
def test_it_ends_within_a_year(receptionist: User, days: int) -> None:
    with pytest.raises(tokens.TooLong):
        make(receptionist, days=days)


# --- one's own page --------------------------------------------------------------------------------------------------
def test_it_is_made_and_shown_once_on_ones_own_page(enter: Enter, receptionist: User, client: Client) -> None:
    own = enter(receptionist)
    answer = own.post("/account/tokens/", {"name": "calendar sync", "scopes": [tokens.USE], "days": "30"})
    secret = answer.context["secret"]
    assert answer.status_code == 200 and secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert client.get(ME, headers=bearer(secret)).json()["token"]["name"] == "calendar sync"
    shown = own.get("/account/tokens/").content.decode()
    assert "calendar sync" in shown and secret not in shown
    token = ApiToken.objects.get()
    assert own.post(f"/account/tokens/{token.pk}/revoke/").status_code == 302
    assert client.get(ME, headers=bearer(secret)).status_code == 401
    assert [event.reason for event in events("accounts.token.revoked")] == ["by its maker"]


def test_the_form_says_what_is_missing(enter: Enter, receptionist: User) -> None:
    answer = enter(receptionist).post("/account/tokens/", {"name": "", "scopes": ["accounts.change_role"], "days": "9"})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"name", "scopes", "days"}


def test_making_one_asks_for_a_fresh_factor(enter: Enter, receptionist: User) -> None:
    own = enter(receptionist)
    session = own.session
    people.grow_old(session, 3600)
    session.save()
    body = {"name": "x", "scopes": [tokens.USE], "days": "30"}
    assert own.post("/account/tokens/", body).status_code == 403
    assert not ApiToken.objects.exists()


def test_a_visitor_has_none(enter: Enter, visitor: User) -> None:
    assert enter(visitor).get("/account/tokens/").status_code == 403


def test_nobody_revokes_anothers_there(enter: Enter, owner: User, receptionist: User) -> None:
    token, _secret = make(owner)
    assert enter(receptionist).post(f"/account/tokens/{token.pk}/revoke/").status_code == 404


# --- staff -----------------------------------------------------------------------------------------------------------
def test_staff_see_tokens_and_revoke_those_of_no_higher_rank(enter: Enter, owner: User, receptionist: User) -> None:
    token, secret = make(receptionist)
    office = enter(owner)
    listed = office.get("/admin/accounts/apitoken/").content.decode()
    assert token.prefix in listed and secret not in listed and token.digest not in listed
    assert office.get(f"/admin/accounts/apitoken/{token.pk}/change/").status_code == 200
    assert office.get("/admin/accounts/apitoken/?digest__startswith=a").status_code == 400
    office.post("/admin/accounts/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at is not None
    kept, _secret = make(owner)
    with pytest.raises(tokens.NotYours):
        tokens.revoke(kept, by=User.objects.get(pk=receptionist.pk), at=timezone.now())
