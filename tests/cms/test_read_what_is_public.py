"""Readers find what is public now, at its address; old addresses lead on."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Tenant
from cms import drafting, publishing
from governance import tenancy
from tests.factories.cms import LONG_AGO, another, make_page, make_post, publish

DAY = timedelta(days=1)


def test_a_post_is_read_at_its_address(client: Client, tenant: Tenant) -> None:
    publish(make_post("Sleep well", body='<p>Rest.</p><script>alert(1)</script><a href="javascript:x">y</a>'))
    read = client.get("/blog/sleep-well/")
    assert (read.status_code, "<p>Rest.</p>" in read.text) == (200, True)
    assert "alert(1)" not in read.text and "javascript:" not in read.text
    assert "set-cookie" not in {name.lower() for name in read.headers}


def test_drafts_plans_and_what_was_taken_down_are_not(client: Client, tenant: Tenant) -> None:
    make_post("Draft")
    publish(make_post("Planned"), starts_at=timezone.now() + DAY)
    over = make_post("Over")
    publish(over)
    publishing.unpublish(over.entry, by=None, at=timezone.now())
    assert [client.get(f"/blog/{slug}/").status_code for slug in ("draft", "planned", "over", "never")] == [
        404, 404, 410, 404,
    ]  # fmt: skip


def test_writing_does_not_change_what_is_read(client: Client, tenant: Tenant) -> None:
    post = make_post("Post")
    publish(post)
    before = client.get("/blog/post/").content
    later = another(post, "Quite another", slug="another")
    publish(later, starts_at=timezone.now() + DAY)
    assert client.get("/blog/post/").content == before


def test_an_old_address_leads_to_the_present_one_in_one_step(client: Client, tenant: Tenant) -> None:
    post = make_post("One")
    publish(post)
    for number, title in enumerate(("Two", "Three"), start=1):
        publish(another(post, title), starts_at=LONG_AGO + number * DAY)
    for old in ("/blog/one/", "/blog/two/"):
        moved = client.get(old)
        assert (moved.status_code, moved["Location"]) == (301, "/blog/three/")
    assert client.get("/blog/three/").status_code == 200


def test_an_address_taken_over_by_another_is_the_others(client: Client, tenant: Tenant) -> None:
    old, new = make_post("Same"), make_post("Same")
    publish(old, expires_at=LONG_AGO + DAY)
    publish(new, starts_at=LONG_AGO + 2 * DAY)
    assert client.get("/blog/same/").context["publication"].entry == new.entry


def test_pages_lie_beneath_one_another(client: Client, tenant: Tenant) -> None:
    above = make_page("About us")
    publish(above)
    publish(make_page("Our team", parent=above.entry))
    assert client.get("/about-us/our-team/").status_code == 200
    assert client.get("/our-team/").status_code == 404
    assert client.get("/about-us").status_code in (301, 302)


def test_a_reader_gets_their_language_if_there_is_one(client: Client, tenant: Tenant) -> None:
    english = make_post("Post")
    spanish = drafting.begin(
        "post", {"title": "Entrada", "slug": "post"}, locale="es", by=None, at=LONG_AGO, translates=english.entry
    )
    publish(english)
    publish(spanish)
    assert "Entrada" in Client().get("/blog/post/", headers={"accept-language": "es"}).text
    assert "Entrada" not in Client().get("/blog/post/", headers={"accept-language": "en"}).text
    publishing.unpublish(english.entry, by=None, at=timezone.now())
    assert "Entrada" in client.get("/blog/post/?lang=en").text


def test_the_list_goes_on_by_cursor_and_costs_the_same(
    client: Client, tenant: Tenant, django_assert_num_queries
) -> None:
    for number in range(30):
        publish(make_post(f"Post {number:02}"), starts_at=LONG_AGO + timedelta(hours=number))
    client.get("/blog/")
    seen, address, pages = [], "/blog/", 0
    while address:
        with django_assert_num_queries(1):
            read = client.get(address)
        seen += [row.title for row in read.context["posts"]]
        address = f"/blog/?after={read.context['after']}" if read.context["after"] else ""
        pages += 1
    assert (pages, seen) == (3, [f"Post {number:02}" for number in reversed(range(30))])


def test_one_query_reads_a_post(client: Client, tenant: Tenant, django_assert_num_queries) -> None:
    publish(make_post("Post"))
    client.get("/blog/post/")
    with django_assert_num_queries(1):
        client.get("/blog/post/")


@pytest.mark.parametrize("cursor", ["x", "WyIyMDI2Il0:a:b", "\x00"])
def test_a_cursor_nobody_gave_out_is_not_found(client: Client, tenant: Tenant, cursor: str) -> None:
    assert client.get("/blog/", {"after": cursor}).status_code == 404


def test_an_empty_blog_says_so(client: Client, tenant: Tenant) -> None:
    assert "still being written" in client.get("/blog/").text


def test_another_tenants_posts_are_not_read(client: Client, tenant: Tenant, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        publish(make_post("Theirs"))
    assert client.get("/blog/theirs/").status_code == 404
    assert "Theirs" not in client.get("/blog/").text
