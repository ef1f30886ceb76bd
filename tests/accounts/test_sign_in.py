"""Signing in: password, then authenticator or recovery code, and nothing opens before."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import conf, factors, roles, signin
from accounts.models import Membership, Tenant, User
from governance import tenancy
from tests.accounts.signing_in import LOGIN, is_in, password_step, recovery_step, token_step
from tests.factories import accounts as people

WRONG = "This e-mail and password do not match. Please check both."


def sentence(response) -> list[str]:
    return list(response.context["form"].non_field_errors())


def test_the_form_is_there_and_sets_no_session_for_lookers(client: Client, tenant: Tenant) -> None:
    page = client.get(LOGIN)
    assert page.status_code == 200
    assert "auth-username" in page.text
    assert "Demo" in page.text


def test_password_then_code(client: Client, owner: User) -> None:
    device = people.enrol(owner)
    asked = password_step(client, owner.email, query="?next=/account/")
    assert asked.status_code == 200
    assert "token-otp_token" in asked.text
    assert not is_in(client)
    done = token_step(client, people.code_for(device), query="?next=/account/")
    assert (done.status_code, done.url) == (302, "/account/")
    assert is_in(client)
    kept = client.session[signin.STANDING]
    assert (kept["level"], kept["methods"], kept["tenant"]) == (2, ["password", "totp"], str(tenancy.current_id()))


def test_e_mail_is_recognised_however_it_is_written(client: Client, owner: User) -> None:
    people.enrol(owner)
    assert "token-otp_token" in password_step(client, " OWNER@Demo.Example ").text


def test_password_then_recovery_code_which_works_once(client: Client, owner: User) -> None:
    people.enrol(owner)
    codes = factors.make_recovery_codes(owner, at=timezone.now())
    password_step(client, owner.email)
    assert recovery_step(client, codes[0].lower().replace("-", " ")).status_code == 302
    assert is_in(client)
    again = Client()
    password_step(again, owner.email)
    refused = recovery_step(again, codes[0])
    assert refused.status_code == 200
    assert refused.context["form"].errors["otp_token"] == ["This is not one of your unused recovery codes."]
    assert not is_in(again)
    assert factors.codes_left(owner) == 9


def test_a_wrong_code_does_not_open(client: Client, owner: User) -> None:
    device = people.enrol(owner)
    password_step(client, owner.email)
    wrong = f"{(int(people.code_for(device)) + 1) % 1_000_000:06d}"
    assert token_step(client, wrong).status_code == 200
    assert not is_in(client)


def test_a_customer_without_factor_comes_in_to_their_account(client: Client, visitor: User) -> None:
    done = password_step(client, visitor.email)
    assert (done.status_code, done.url) == (302, "/account/")
    assert client.get("/account/").status_code == 200
    assert client.get("/admin/").status_code == 403


def test_staff_without_factor_are_led_to_enrol_and_nothing_else(client: Client, receptionist: User) -> None:
    done = password_step(client, receptionist.email)
    assert done.status_code == 302
    for address in ["/admin/", "/account/", "/account/password/", "/account/two_factor/recovery/"]:
        led = client.get(address)
        assert led.status_code == 302
        assert led.url.startswith("/account/two_factor/setup/?next=")
    assert client.get("/account/two_factor/setup/").status_code == 200


@pytest.mark.parametrize("who", ["unknown", "wrong", "inactive", "of another tenant", "of no tenant", "ended"])
def test_one_sentence_for_every_refusal(
    client: Client, owner: User, visitor: User, stranger: User, second_tenant: Tenant, who: str
) -> None:
    email, password = visitor.email, people.PASSWORD
    if who == "unknown":
        email = "nobody@demo.example"
    elif who == "wrong":
        password = "not the password"
    elif who == "inactive":
        User.objects.filter(pk=visitor.pk).update(is_active=False)
    elif who == "of another tenant":
        email = people.make_member("theirs", role="owner", tenant=second_tenant).email
    elif who == "of no tenant":
        email = stranger.email
    else:
        roles.end_membership(Membership.objects.get(user=visitor), by=owner, at=timezone.now())
    refused = password_step(client, email, password)
    assert refused.status_code == 200
    assert sentence(refused) == [WRONG]
    assert "_auth_user_id" not in client.session


def test_signing_in_rotates_the_session_key(client: Client, visitor: User) -> None:
    client.get(LOGIN)
    password_step(client, "x@y.example", "wrong")
    before = client.session.session_key
    password_step(client, visitor.email)
    assert client.session.session_key != before


def test_unsafe_next_is_not_followed(client: Client, visitor: User) -> None:
    for unsafe in [
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "/account/login/",
        "word",
        "%0d%0aX",
    ]:
        assert password_step(Client(), visitor.email, query=f"?next={unsafe}").url == "/account/"


def test_somebody_already_in_goes_on(enter: Callable[..., Client], owner: User) -> None:
    client = enter(owner)
    assert client.get(LOGIN).url == "/admin/"
    assert client.get(f"{LOGIN}?next=/account/login/").url == "/admin/"


def test_signing_out_needs_post_and_ends_the_session(enter: Callable[..., Client], owner: User) -> None:
    client = enter(owner)
    assert client.get("/account/logout/").status_code == 405
    assert client.post("/account/logout/").status_code == 302
    assert not is_in(client)


def test_a_session_counts_only_in_its_tenant(enter: Callable[..., Client], owner: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        Membership.objects.create(user=owner)
        people.give(owner, "owner")
    client = enter(owner)
    there = Client(headers={"host": "second.testserver"})
    there.cookies = client.cookies
    assert there.get("/admin/").url.startswith(LOGIN)
    assert not is_in(client)


def test_a_session_ends_with_the_membership(enter: Callable[..., Client], owner: User, receptionist: User) -> None:
    client = enter(receptionist)
    assert is_in(client)
    roles.end_membership(Membership.objects.get(user=receptionist), by=owner, at=timezone.now())
    assert client.get("/admin/").url.startswith(LOGIN)


def test_a_new_role_demands_its_factor_at_the_next_request(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert client.get("/account/").status_code == 200
    people.give(visitor, "auditor")
    assert client.get("/account/").url.startswith("/account/two_factor/setup/")


@pytest.mark.parametrize(("field", "ago"), [("seen", conf.IDLE), ("began", conf.ABSOLUTE)])
def test_silence_and_age_end_a_session(owner: User, field: str, ago: timedelta) -> None:
    client = people.enter(owner)
    session = client.session
    session[signin.STANDING][field] = (timezone.now() - ago - timedelta(seconds=1)).timestamp()
    session.save()
    assert client.get("/admin/").url.startswith(LOGIN)


def test_a_session_without_standing_is_worth_nothing(client: Client, owner: User) -> None:
    """A login door somebody forgot yields a useless session, not a way in."""
    client.force_login(owner, backend="accounts.backends.PasswordBackend")
    assert client.get("/account/").url.startswith(LOGIN)


def test_a_one_factor_session_of_staff_permits_nothing(owner: User, rf) -> None:
    client = people.enter(owner, level=1)
    request = rf.get("/")
    request.session = client.session
    user = signin.session_user(request, at=timezone.now())
    assert user == owner
    assert not user.has_perm("accounts.view_user")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login_view-current_step": "token"},
        {"login_view-current_step": "backup", "backup-otp_token": "x"},
        {"login_view-current_step": "nonsense"},
        {"challenge_device": "otp_totp.totpdevice/1"},
        {"login_view-current_step": "auth", "wizard_goto_step": "token"},
        {"login_view-current_step": "auth", "auth-username": "\0", "auth-password": "\0"},
        {"login_view-current_step": "auth", "auth-username": "a" * 5000, "auth-password": "b" * 5000},
    ],
)
def test_nonsense_is_never_an_error(client: Client, tenant: Tenant, body: dict[str, str]) -> None:
    assert client.post(LOGIN, body).status_code < 500
    assert not is_in(client)
