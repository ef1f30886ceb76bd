"""System checks of the door: an address nobody thought of, and a cookie without its flags, are found at start."""

from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from accounts import checks, gate
from verso.urls import urlpatterns as house


def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@gate.public
def open_office(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("forgotten/", forgotten),
    path("deep/", include([path("er/", forgotten)])),
    path("fine/", gate.signed_in(lambda request: HttpResponse())),
    path("admin/open/", open_office),
    path("admin/", admin.site.urls),
]


def faults(found: list[Any]) -> list[tuple[str, str]]:
    return [(fault.id, fault.msg) for fault in found]


def test_the_house_as_it_stands_is_gated() -> None:
    assert checks.every_address_says_who_may_enter(None) == []
    assert checks.cookies_carry_their_flags(None) == []
    assert house


@override_settings(ROOT_URLCONF=__name__)
def test_an_address_without_a_mark_is_found_and_a_public_office() -> None:
    assert faults(checks.every_address_says_who_may_enter(None)) == [
        ("accounts.E005", "forgotten/ does not say who may enter."),
        ("accounts.E005", "deep/er/ does not say who may enter."),
        ("accounts.E005", "admin/open/ is open to everybody although it belongs to the back office."),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_COOKIE_HTTPONLY", False),
        ("SESSION_COOKIE_SAMESITE", "None"),
        ("CSRF_COOKIE_HTTPONLY", False),
        ("CSRF_COOKIE_SAMESITE", None),
    ],
)
def test_a_cookie_without_its_flags_is_found(name: str, value: Any) -> None:
    with override_settings(**{name: value}):
        assert faults(checks.cookies_carry_their_flags(None)) == [("accounts.E006", f"{name} leaves a cookie open.")]


def test_production_asks_for_more() -> None:
    with override_settings(PRODUCTION=True):
        found = [fault.msg.split()[0] for fault in checks.cookies_carry_their_flags(None)]
    assert found == [f"{cookie}_COOKIE_{part}" for cookie in ("SESSION", "CSRF") for part in ("SECURE", "NAME")]
