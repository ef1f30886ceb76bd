"""A link in a webmail is another site's navigation: the strict cookie stays home until a page of ours goes on."""

import pytest
from django.test import Client, RequestFactory

from accounts.models import User
from accounts.views import bounce
from tests.accounts.signing_in import LOGIN
from tests.factories import accounts as people

LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}


@pytest.mark.parametrize("address", ["/admin/", "/account/sessions/", "/account/?a=1&b=2"])
def test_a_link_from_elsewhere_goes_on_from_a_page_of_ours(tenant: object, address: str) -> None:
    page = Client().get(address, headers=LINK)
    assert page.status_code == 200
    escaped = address.replace("&", "&amp;")
    assert f'<meta http-equiv="refresh" content="0; url={escaped}">' in page.text
    assert f'<a class="button" href="{escaped}">' in page.text
    assert "no-store" in page["Cache-Control"]
    assert "<script>" not in page.text


def test_it_happens_once(tenant: object) -> None:
    """The navigation a page of ours begins is no longer another site's."""
    again = Client().get("/admin/", headers=LINK | {"sec-fetch-site": "same-origin"})
    assert again.url == f"{LOGIN}?next=/admin/"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        LINK | {"accept": "application/json"},
    ],
)
def test_others_are_led_to_sign_in_as_ever(tenant: object, headers: dict[str, str]) -> None:
    assert Client().get("/admin/", headers=headers).status_code in (302, 401)


def test_forms_from_elsewhere_are_not_bounced(tenant: object) -> None:
    assert Client().post("/account/logout/", headers=LINK).url == f"{LOGIN}?next=/"


def test_a_session_that_is_shown_is_judged(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert client.get("/account/", headers=LINK).status_code == 200
    assert client.get("/admin/", headers=LINK).status_code == 403


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "", "/\\evil.example"]
)
def test_it_goes_nowhere_else(tenant: object, rf: RequestFactory, to: str) -> None:
    request = rf.get("/", headers={"host": "testserver"})
    assert 'url=/">' in bounce.on(request, to).text
