"""allauth brings forms, pages and codes. It brings no address, no way in, no row and no place in the back office."""

from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.views import login
from django.conf import settings
from django.contrib import admin
from django.core import mail
from django.test import Client
from django.urls import NoReverseMatch, path, reverse

from accounts import adapter, checks
from accounts.models import Tenant, User
from tests.accounts.by_code import EMAIL, RESET, SIGNUP, confirm, sent_code, typed
from tests.factories import accounts as people

urlpatterns = [path("account/way-in/", login)]


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_email", "account_reset_password"])
def test_none_of_its_addresses_is_there(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_a_view_of_its_own_would_be_noticed(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "allauth.mfa"]
    found = [error.msg for error in checks.allauth_brings_no_door(None)]
    assert found == ["account/way-in/ is a door of allauth's.", "allauth.mfa is a door of allauth's."]


def test_its_backend_is_no_backend() -> None:
    assert [name for name in settings.AUTHENTICATION_BACKENDS if name.startswith("allauth")] == []


def test_none_of_its_models_is_in_the_back_office() -> None:
    assert [model for model in admin.site._registry if model.__module__.startswith("allauth")] == []


@pytest.mark.parametrize(
    "hook", ["login", "authenticate", "reauthenticate", "save_user", "set_password", "confirm_email", "send_mail"]
)
def test_its_hooks_that_would_let_in_write_or_send_are_shut(hook: str) -> None:
    with pytest.raises(adapter.NotADoor):
        getattr(get_adapter(), hook)(None, None)
    assert mail.outbox == []


def test_no_address_is_kept_beside_the_users_own(client: Client, tenant: Tenant) -> None:
    client.post(SIGNUP, typed())
    confirm(client, SIGNUP, sent_code())
    client.post(EMAIL, {"email": "other@example.org"})
    confirm(client, EMAIL, sent_code())
    assert User.objects.get().email == "other@example.org"
    assert not EmailAddress.objects.exists()


@pytest.mark.parametrize("address", [SIGNUP, RESET])
def test_whoever_asks_for_json_gets_a_page(client: Client, tenant: Tenant, address: str) -> None:
    """The stock view would send back the form's fields."""
    for headers in ({"accept": "application/json"}, {"x-requested-with": "XMLHttpRequest"}):
        assert client.get(address, headers=headers)["Content-Type"].startswith("text/html")


def test_its_session_keys_are_not_believed(client: Client, visitor: User) -> None:
    """What the stock flows would find in a session opens nothing here."""
    people.enter(visitor, client=client, level=1)
    session = client.session
    state = {"code": "BCDF-GHJK", "email": visitor.email, "user_id": str(visitor.pk), "code_confirmed": True}
    session["account_password_reset_verification"] = session["account_email_verification_code"] = state
    session.save()
    for address in (RESET + "choose/", RESET + "confirm/", SIGNUP + "confirm/"):
        assert client.get(address).status_code == 302
        assert client.post(address, {"code": "BCDF-GHJK"}).status_code == 410
