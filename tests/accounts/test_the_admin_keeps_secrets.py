"""The back office shows the house's models only, and answers no question about seeds, keys and hashes."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts import checks
from accounts.models import Tenant, User
from scheduling.models import Service
from tests.factories import accounts as people

HIDDEN = ["otp_totp.totpdevice", "otp_static.staticdevice", "two_factor.phonedevice", "axes.accessattempt"]
HIDDEN += ["axes.accesslog", "axes.accessfailurelog", "sessions.session", "auth.group", "auth.permission"]
HIDDEN += ["accounts.recoverycode", "accounts.authenticator", "accounts.securitykey"]


@pytest.mark.parametrize("label", HIDDEN)
def test_what_packages_register_is_not_there(label: str) -> None:
    assert label not in {model._meta.label_lower for model in admin.site._registry}
    with pytest.raises(NoReverseMatch):
        reverse(f"admin:{label.replace('.', '_')}_changelist")


def test_seeds_cannot_be_asked_for(enter: Callable[..., Client], owner: User) -> None:
    """Stock: `?key__startswith=` found out an authenticator's key sign by sign."""
    device = people.enrol(owner)
    client = enter(owner)
    asked = {"sealed_seed__startswith": device.seed.hex()[0]}
    for address in ["/admin/otp_totp/totpdevice/", "/admin/accounts/authenticator/"]:
        assert client.get(address, asked).status_code == 404


@pytest.mark.parametrize("asked", ["name__regex=(", "name__iregex=.*.*.*=", "slug__regex=^a", "tenant__slug=a"])
def test_no_patterns_of_ones_own(enter: Callable[..., Client], owner: User, asked: str) -> None:
    """A pattern is a program for the database: a broken one is an error, a cruel one takes for ever."""
    assert enter(owner).get(f"/admin/scheduling/service/?{asked}").status_code in (302, 400)


def test_hashes_of_links_cannot_be_asked_for(enter: Callable[..., Client], owner: User) -> None:
    browser = enter(owner)
    for name in ("manage_hash", "hold_hash"):
        assert browser.get(f"/admin/scheduling/appointment/?{name}__startswith=a").status_code in (302, 400)


def test_there_is_no_way_by_kind_and_id(enter: Callable[..., Client], owner: User) -> None:
    kind = ContentType.objects.get_for_model(Service)
    for row in ("1", "odd", str(uuid4())):
        assert enter(owner).get(f"/admin/r/{kind.pk}/{row}/").status_code == 404


def test_a_later_package_stays_out_too(db: None) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    admin.site.register(TOTPDevice)
    assert TOTPDevice not in admin.site._registry
    assert checks.the_admin_shows_the_house_only(None) == []


def test_the_check_sees_what_got_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    monkeypatch.setitem(admin.site._registry, TOTPDevice, admin.ModelAdmin(TOTPDevice, admin.site))
    assert [found.id for found in checks.the_admin_shows_the_house_only(None)] == ["accounts.E003"]


def test_the_admins_own_login_leads_to_the_one_way_in(client: Client, tenant: Tenant) -> None:
    led = client.get("/admin/login/?next=/admin/accounts/user/")
    assert led.url == "/account/login/?next=%2Fadmin%2Faccounts%2Fuser%2F"
    assert client.get("/admin/login/?next=https://evil.example/").url == "/account/login/?next=%2Fadmin%2F"
    posted = client.post("/admin/login/", {"username": "x", "password": "y"})
    assert posted.url.startswith("/account/login/")


def test_strangers_are_led_to_sign_in_and_customers_are_refused(
    client: Client, enter: Callable[..., Client], visitor: User
) -> None:
    assert client.get("/admin/accounts/user/").url == "/account/login/?next=/admin/accounts/user/"
    assert client.get("/admin/", headers={"accept": "application/json"}).status_code == 401
    assert enter(visitor).get("/admin/").status_code == 403
