"""What is public when: plans come true by themselves, and never two at once."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import Tenant
from audit import guards as audit_guards
from audit.models import Event
from cms import drafting, guards, publishing
from cms.models import Publication, Revision
from governance import tenancy
from tests.factories.cms import LONG_AGO, another, make_page, make_post, publish
from tests.racing import race

DAY = timedelta(days=1)


def spans(revision: Revision) -> list[tuple[str, datetime, datetime | None]]:
    rows = Publication.objects.standing().filter(entry=revision.entry).order_by("starts_at")
    return [(row.title, row.starts_at, row.ends_at) for row in rows]


def live_titles(moment: datetime) -> list[str]:
    return [row.title for row in Publication.objects.live_at(moment).order_by("title")]


# --- plans -----------------------------------------------------------------------------------------------------------
def test_several_versions_follow_one_another(tenant: Tenant) -> None:
    first = make_post("First")
    second, third = another(first, "Second", slug="first"), another(first, "Third", slug="first")
    publish(first)
    publish(third, starts_at=LONG_AGO + 4 * DAY)
    publish(second, starts_at=LONG_AGO + 2 * DAY)
    assert spans(first) == [
        ("First", LONG_AGO, LONG_AGO + 2 * DAY),
        ("Second", LONG_AGO + 2 * DAY, LONG_AGO + 4 * DAY),
        ("Third", LONG_AGO + 4 * DAY, None),
    ]
    second_ends = LONG_AGO + 4 * DAY
    assert live_titles(second_ends - timedelta(microseconds=1)) == ["Second"]
    assert live_titles(second_ends) == ["Third"]
    assert set(Publication.objects.values_list("first_at", flat=True)) == {LONG_AGO}


def test_an_expiry_ends_it_and_a_plan_after_the_end_stays(tenant: Tenant) -> None:
    offer = make_post("Offer")
    publish(offer, expires_at=LONG_AGO + DAY)
    publish(another(offer, "Offer again", slug="offer"), starts_at=LONG_AGO + 3 * DAY)
    assert live_titles(LONG_AGO + 2 * DAY) == []
    assert [ends for _title, _starts, ends in spans(offer)] == [LONG_AGO + DAY, None]


def test_the_database_reads_the_clock(tenant: Tenant) -> None:
    now = timezone.now()
    past, future, over = make_post("Past"), make_post("Future"), make_post("Over")
    publish(past)
    publish(future, starts_at=now + DAY)
    publish(over, expires_at=now - DAY)
    assert [row.title for row in Publication.objects.live()] == ["Past"]
    assert [row.title for row in Publication.objects.planned()] == ["Future"]
    assert [row.title for row in Publication.objects.over()] == ["Over"]


def test_a_plan_called_off_lets_the_version_before_go_on(tenant: Tenant) -> None:
    first = make_post("First")
    later = timezone.now() + DAY
    publish(first)
    planned = publish(another(first, "Second", slug="first"), starts_at=later)
    last = publish(another(first, "Third", slug="first"), starts_at=later + DAY)
    publishing.cancel(planned, by=None, at=timezone.now())
    assert [ends for _title, _starts, ends in spans(first)] == [later + DAY, None]
    publishing.cancel(last, by=None, at=timezone.now())
    assert spans(first) == [("First", LONG_AGO, None)]
    assert Event.objects.filter(action="cms.entry.plan_cancelled").count() == 2
    with pytest.raises(publishing.HasBegun):
        publishing.cancel(Publication.objects.live().get(), by=None, at=timezone.now())
    with pytest.raises(publishing.HasBegun):
        publishing.cancel(last, by=None, at=timezone.now())  # twice


def test_what_expires_by_itself_does_not_go_on(tenant: Tenant) -> None:
    offer = make_post("Offer")
    ends = timezone.now() + DAY
    publish(offer, expires_at=ends)
    planned = publish(another(offer, "Offer again", slug="offer"), starts_at=ends)
    publishing.cancel(planned, by=None, at=timezone.now())
    assert spans(offer) == [("Offer", LONG_AGO, ends)]


def test_it_is_taken_down_now_or_at_a_time(tenant: Tenant) -> None:
    post = make_post("Post")
    publish(post)
    when = timezone.now() + DAY
    publishing.unpublish(post.entry, by=None, at=timezone.now(), when=when)
    assert live_titles(when - timedelta(seconds=1)) == ["Post"]
    assert live_titles(when) == []
    publishing.unpublish(post.entry, by=None, at=timezone.now())
    assert not Publication.objects.live().exists()
    with pytest.raises(publishing.NotPublic):
        publishing.unpublish(post.entry, by=None, at=timezone.now())


def test_it_may_come_back_after_it_was_taken_down(tenant: Tenant) -> None:
    post = make_post("Post")
    publish(post)
    publishing.unpublish(post.entry, by=None, at=timezone.now())
    publishing.publish(post.entry, another(post, "Post, again", slug="post"), by=None, at=timezone.now())
    assert [row.title for row in Publication.objects.live()] == ["Post, again"]


@pytest.mark.parametrize("starts, expires", [(-DAY, None), (DAY, DAY), (DAY, timedelta(0))])
def test_a_span_that_cannot_be_is_refused(tenant: Tenant, starts: timedelta, expires: timedelta | None) -> None:
    now, post = timezone.now(), make_post("Post")
    ends = now + expires if expires is not None else None
    with pytest.raises(publishing.WrongSpan):
        publishing.schedule(post.entry, post, starts_at=now + starts, expires_at=ends, by=None, at=now)


def test_another_entrys_words_are_not_published(tenant: Tenant) -> None:
    one, other = make_post("One"), make_post("Other")
    with pytest.raises(publishing.NotThisEntrys):
        publishing.publish(one.entry, other, by=None, at=timezone.now())


def test_two_plans_for_one_moment_are_refused(tenant: Tenant) -> None:
    post, then = make_post("Post"), timezone.now() + DAY
    publish(post, starts_at=then)
    with pytest.raises(publishing.PlannedThen):
        publish(another(post, "Post, again"), starts_at=then)


# --- addresses -------------------------------------------------------------------------------------------------------
def test_a_clash_of_addresses_in_the_future_is_refused_today(tenant: Tenant) -> None:
    publish(make_post("Same"), starts_at=timezone.now() + 300 * DAY)
    mine = make_post("Same")
    with pytest.raises(publishing.PathTaken, match="/blog/same/"):
        publish(mine)
    publish(mine, expires_at=timezone.now() + DAY)  # before the other begins
    assert [row.path for row in Publication.objects.live()] == ["/blog/same/"]


def test_another_language_and_another_tenant_may_have_the_same_address(tenant: Tenant, second_tenant: Tenant) -> None:
    publish(make_post("Same"))
    publish(make_post("Same", locale="es"))
    with tenancy.within(second_tenant):
        publish(make_post("Same"))
    assert Publication.objects.live().count() == 2


def test_a_page_lies_beneath_what_is_public(tenant: Tenant) -> None:
    from cms import addresses

    above = make_page("About us")
    below = make_page("Our team", parent=above.entry)
    with pytest.raises(addresses.NoAddress):
        publish(below)
    publish(above)
    assert publish(below).path == "/about-us/our-team/"


@pytest.mark.parametrize("name", ["admin", "account", "book", "contact", "privacy", "services"])
def test_the_sites_own_names_are_not_taken(tenant: Tenant, name: str) -> None:
    from cms import addresses

    with pytest.raises(addresses.NoAddress):
        publish(make_page(name.capitalize(), slug=name))


# --- what the database itself refuses --------------------------------------------------------------------------------
def row(revision: Revision, **changed: Any) -> Publication:
    return Publication(
        **{
            "entry": revision.entry,
            "revision": revision,
            "kind": "post",
            "locale": "en",
            "path": "/blog/x/",
            "title": "x",
            "first_at": LONG_AGO,
            "starts_at": LONG_AGO,
            "made_at": LONG_AGO,
        }
        | changed
    )


def refused_by(write: Any) -> str:
    with pytest.raises(DatabaseError) as told, transaction.atomic():
        write()
    return guards.refused(told.value) or str(told.value)


@pytest.mark.guarantee
def test_rows_written_past_the_verbs_are_refused(tenant: Tenant) -> None:
    one, other = make_post("One"), make_post("Other")
    row(one).save()
    assert refused_by(row(one, path="/blog/y/", starts_at=LONG_AGO + DAY).save) == guards.ONE_PER_ENTRY
    assert refused_by(row(other, starts_at=LONG_AGO + DAY).save) == guards.ONE_PER_PATH
    assert refused_by(row(other, starts_at=LONG_AGO - DAY, ends_at=LONG_AGO + DAY).save) == guards.ONE_PER_PATH
    row(other, starts_at=LONG_AGO - DAY, ends_at=LONG_AGO).save()  # touching is no overlap
    row(other, starts_at=LONG_AGO + DAY, cancelled_at=LONG_AGO).save()  # called off counts for nothing
    stretched = partial(Publication.objects.filter(entry=other.entry, cancelled_at=None).update, ends_at=None)
    assert refused_by(stretched) == guards.ONE_PER_PATH
    revived = partial(Publication.objects.filter(entry=other.entry).update, cancelled_at=None)
    refused_by(revived)


@pytest.mark.guarantee
def test_what_was_written_and_what_was_public_stays(tenant: Tenant, owner: Any) -> None:
    revision = drafting.begin("post", {"title": "One"}, locale="en", by=owner, at=LONG_AGO)
    made = publish(revision)
    versions, publications = Revision.objects.filter(pk=revision.pk), Publication.objects.filter(pk=made.pk)
    for change in ({"content": {}}, {"sha256": "0" * 64}, {"number": 7}, {"created_at": LONG_AGO + DAY}):
        assert "kept as it is" in refused_by(partial(versions.update, **change))
    for change in ({"path": "/x/"}, {"starts_at": LONG_AGO - DAY}, {"title": "y"}, {"first_at": LONG_AGO - DAY}):
        assert "kept as it is" in refused_by(partial(publications.update, **change))
    for rows in (versions, publications):
        assert "kept as it is" in refused_by(partial(rows._raw_delete, rows.db))
    assert versions.update(author=None, author_label="") == 1  # who is forgotten leaves the words
    assert "kept as it is" in refused_by(partial(versions.update, author=owner))
    assert publications.update(html="<p>anew</p>", published_by=None) == 1


@pytest.mark.guarantee
def test_the_guards_are_missed_when_they_are_gone(tenant: Tenant) -> None:
    assert guards.missing() == [] and audit_guards.missing() == []
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE cms_publication DROP CONSTRAINT {guards.ONE_PER_PATH}")
        assert guards.missing() == [guards.ONE_PER_PATH]
        assert guards.install() == [guards.ONE_PER_PATH]
        assert guards.missing() == []


# --- several at once -------------------------------------------------------------------------------------------------
@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_of_ten_who_want_one_address_one_gets_it(tenant: Tenant) -> None:
    wanting = [make_post("Same") for _n in range(10)]
    now = timezone.now()
    run = race([partial(publishing.publish, each.entry, each, by=None, at=now) for each in wanting])
    assert run.kinds() == {"Publication": 1, "PathTaken": 9}


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_ten_plans_at_once_leave_one_line(tenant: Tenant) -> None:
    post, now = make_post("Post"), timezone.now()
    race(
        [
            partial(publishing.schedule, post.entry, post, starts_at=now + n * DAY, by=None, at=now)
            for n in (7, 2, 9, 4, 1, 8, 3, 6, 5, 10)
        ]
    )
    line = spans(post)
    assert [starts for _title, starts, _ends in line] == [now + n * DAY for n in range(1, 11)]
    assert [ends for _title, _starts, ends in line] == [now + n * DAY for n in range(2, 11)] + [None]


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_of_ten_who_save_at_once_one_does_and_the_others_are_told(tenant: Tenant) -> None:
    post = make_post("Post")
    acts = [
        partial(drafting.save, post.entry, {"title": f"By {n}"}, expected=post, by=None, at=timezone.now())
        for n in range(10)
    ]
    assert race(acts).kinds() == {"Revision": 1, "StaleSave": 9}
    assert Revision.objects.filter(entry=post.entry).count() == 2
