"""The content security policy is strict and no page breaks it: nothing inline, nothing from elsewhere."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from accounts.models import Tenant, User
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_service

pytestmark = pytest.mark.browser

PUBLIC = ("/", "/services/", "/book/physiotherapy/", "/contact/", "/privacy/", "/account/login/", "/nothing/")
STAFF = (
    "/admin/",
    "/admin/cms/contactmessage/",
    "/admin/scheduling/service/",
    "/admin/scheduling/service/add/",
    "/admin/scheduling/appointment/",
)
INLINE = """() => [...document.querySelectorAll("[style], style, script:not([src]), [onclick], [onload]")]
    .filter((node) => node.type !== "application/json").map((node) => node.outerHTML)"""


def inline(page: Page) -> list[str]:
    """What a page carries in itself instead of in a file: as sent by the server, before any script ran."""
    return list(page.evaluate(INLINE))


def test_public_pages_carry_nothing_inline(tenant: Tenant, open_page: Callable[..., Page]) -> None:
    make_service(tenant, name="Physiotherapy", slug="physiotherapy")
    page = open_page()
    for path in PUBLIC:
        answer = page.goto(path)
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert (path, inline(page)) == (path, [])


def test_the_back_office_breaks_no_policy(tenant: Tenant, owner: User, open_page: Callable[..., Page]) -> None:
    message = receive_message()
    page = open_page(user=owner)
    for path in (*STAFF, f"/admin/cms/contactmessage/{message.pk}/change/"):
        answer = page.goto(path)
        assert answer is not None
        assert (path, answer.status) == (path, 200)
        page.wait_for_load_state("networkidle")


def test_the_timetables_form_needs_no_inline_script(
    tenant: Tenant, owner: User, open_page: Callable[..., Page]
) -> None:
    User.objects.filter(pk=owner.pk).update(is_operator=True)
    page = open_page(user=owner)
    answer = page.goto("/admin/django_celery_beat/periodictask/add/")
    assert answer is not None
    assert answer.status == 200
    page.wait_for_load_state("networkidle")
    assert "readable-crontabs" not in answer.text()
