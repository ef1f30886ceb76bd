"""The back office opens on today's cards, and lists what there is in the order of a working day."""

import re
from collections.abc import Callable

import pytest
from django.template import Context, Template
from django.test import Client

from accounts.models import Tenant, User
from tests.factories import accounts as people

CHART = "{% load charts %}{% bars points name='c' title='Messages' unit='new' %}"


def drawn(points: list[tuple[object, ...]]) -> str:
    return Template(CHART).render(Context({"points": points}))


def test_a_chart_is_told_in_words_and_figures_too() -> None:
    chart = drawn([("Mon", 2), ("Tue", 1, 4)])
    assert '<title id="c-title">Messages</title>' in chart
    assert '<desc id="c-desc">Mon: 2 new, Tue: 1 new</desc>' in chart
    assert re.findall(r'<th scope="row">(\w+)</th><td>(\d) new</td>', chart) == [("Mon", "2"), ("Tue", "1")]
    assert not re.search(r"style=|<script", chart)


def test_bars_stand_in_proportion_and_leave_room_for_what_remains() -> None:
    chart = drawn([("Mon", 2), ("Tue", 1, 4)])
    heights = [float(height) for height in re.findall(r'class="bar" [^>]*height="([\d.]+)"', chart)]
    rest = [float(height) for height in re.findall(r'class="bar--rest" [^>]*height="([\d.]+)"', chart)]
    assert heights == [39, 19.5]
    assert rest == [58.5]


@pytest.mark.parametrize("points", [[], [("Mon", 0)], [("Mon", 0), ("Tue", 0)]])
def test_nothing_to_show_is_still_a_chart(points: list[tuple[object, ...]]) -> None:
    assert 'class="bar"' not in drawn(points)
    assert "<svg" in drawn(points)


def test_apps_stand_in_the_order_of_a_working_day(tenant: Tenant, owner: User, enter: Callable[[User], Client]) -> None:
    page = enter(owner).get("/admin/")
    labels = [app["app_label"] for app in page.context["available_apps"]]
    assert labels == [app for app in ("scheduling", "cms", "governance", "accounts", "audit") if app in labels]
    assert "<h1>Today</h1>" in page.text


def test_a_role_that_opens_nothing_is_told_whom_to_ask(tenant: Tenant) -> None:
    editor = people.make_member("editor", role="editor")
    page = people.enter(editor).get("/admin/").text
    assert f"Welcome, {editor}" in page
    assert "as soon as the site has a blog" in page
    assert "An owner or a manager can give you another role." in page
    assert 'id="nav-sidebar"' not in page
