"""What a password must be: long, not of this place, not one from before; and for how long, where a tenant insists."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts import passwords, security
from accounts.models import PasswordHistory, SecurityPolicy, User
from tests.accounts.signing_in import password_step
from tests.accounts.test_change_a_password import change
from tests.accounts.test_guess_a_password import hashed as hashed
from tests.factories import accounts as people

NOW = timezone.now


def demand(**words: Any) -> None:
    SecurityPolicy.objects.update_or_create(defaults=words)
    security.forget()


def why_not(password: str, user: User | None = None) -> set[str]:
    try:
        validate_password(password, user)
    except ValidationError as refusal:
        return {error.code for error in refusal.error_list}
    return set()


# --- length ----------------------------------------------------------------------------------------------------------
def test_a_tenant_may_ask_for_more(visitor: User) -> None:
    demand(password_length=20)
    assert why_not("quietwordsabcdefghi", visitor) == {"password_too_short"}
    assert why_not("quietwordsabcdefghij", visitor) == set()


def test_a_tenant_may_not_ask_for_less(visitor: User) -> None:
    demand(password_length=8)
    assert why_not("quietwordsabcd", visitor) == {"password_too_short"}


def test_a_second_factor_makes_eight_enough_whatever_the_tenant_says(visitor: User) -> None:
    demand(password_length=20)
    people.enrol(visitor)
    assert why_not("kvzr8wqe", visitor) == set()
    assert why_not("kvzr8wq", visitor) == {"password_too_short"}


@pytest.mark.parametrize(
    "password", ["onlylowercaseletters", "ALL CAPITALS AND SPACES", "ñandú y caracol lento", "🐌" * 9 + "abcdef"]
)
def test_nothing_is_demanded_of_its_composition(visitor: User, password: str) -> None:
    assert why_not(password, visitor) == set()


# --- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "password",
    ["Verso-Verso-2026", "demo demo demo 12", "testserver-2026!", "visitor@demo.example", "VERSO_demo_visitor"],
)  # fmt: skip
def test_words_of_this_place_do_not_make_a_password(visitor: User, password: str) -> None:
    assert "password_of_this_place" in why_not(password, visitor)


@pytest.mark.parametrize("password", ["my verso horse battery", "demonstrably quiet otters"])
def test_they_may_stand_in_one(visitor: User, password: str) -> None:
    assert why_not(password, visitor) == set()


def test_common_ones_are_refused_with_or_without_a_breach_service(visitor: User) -> None:
    assert why_not("passwordpassword", visitor) == {"password_too_common"}


# --- history ---------------------------------------------------------------------------------------------------------
WORDS = [f"quiet words number {name}" for name in ("one", "two", "three", "four", "five", "six", "seven")]


def test_earlier_ones_do_not_come_back_while_they_are_remembered(owner: User) -> None:
    demand(password_history=5)
    for word in WORDS:
        passwords.change(owner, new=word, at=NOW())
    assert PasswordHistory.objects.filter(user=owner).count() == 5
    assert [bool(why_not(word, owner)) for word in WORDS] == [False, True, True, True, True, True, True]
    assert why_not(people.PASSWORD, owner) == set()


def test_the_present_one_never_counts_as_new(owner: User) -> None:
    demand(password_history=0)
    assert why_not(people.PASSWORD, owner) == {"password_earlier"}
    assert change(people.enter(owner), people.PASSWORD).status_code == 422


def test_the_price_is_bounded_and_says_nothing(owner: User, hashed: list[str]) -> None:
    """The present one and at most as many as the policy says, found or not; and none at a sign-in."""
    demand(password_history=6)
    for word in WORDS:
        passwords.change(owner, new=word, at=NOW())
    costs = []
    for word in (WORDS[6], WORDS[0], "never used before here"):
        hashed.clear()
        why_not(word, owner)
        costs.append(len(hashed))
    assert costs == [7, 7, 7]
    hashed.clear()
    password_step(Client(), owner.email, WORDS[6])
    assert len(hashed) == 1


def test_somebody_without_a_password_has_no_history(visitor: User) -> None:
    visitor.set_unusable_password()
    visitor.save()
    passwords.change(visitor, new=WORDS[0], at=NOW())
    assert not PasswordHistory.objects.exists()


def test_a_change_is_dated(visitor: User) -> None:
    at = NOW()
    passwords.change(visitor, new=WORDS[0], at=at)
    visitor.refresh_from_db()
    assert (visitor.password_set_at, visitor.password_checked_at, visitor.password_must_change) == (at, None, "")


# --- term ------------------------------------------------------------------------------------------------------------
def test_by_default_a_password_lasts(visitor: User) -> None:
    User.objects.filter(pk=visitor.pk).update(password_set_at=NOW() - timedelta(days=4000))
    client = Client()
    password_step(client, visitor.email)
    assert client.get("/account/").status_code == 200
    assert "no need to change it regularly" in client.get("/account/password/").text


def test_where_the_tenant_sets_a_term_it_ends_in_a_change(visitor: User) -> None:
    demand(password_days=90)
    User.objects.filter(pk=visitor.pk).update(password_set_at=NOW() - timedelta(days=91))
    client = Client()
    password_step(client, visitor.email)
    assert client.get("/account/").url == "/account/password/?next=/account/"
    assert "Here a password lasts 90 days." in client.get("/account/password/").text
    assert change(client, WORDS[0]).status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_term_taken_back_is_forgotten_at_the_next_sign_in(visitor: User) -> None:
    User.objects.filter(pk=visitor.pk).update(password_must_change=passwords.EXPIRED)
    client = Client()
    password_step(client, visitor.email)
    assert client.get("/account/").status_code == 200


def test_within_the_term_nothing_happens(visitor: User) -> None:
    demand(password_days=90)
    client = Client()
    password_step(client, visitor.email)
    assert client.get("/account/").status_code == 200


def test_what_somebody_else_decided_is_not_overruled_by_a_sign_in(visitor: User) -> None:
    why = "reset"
    User.objects.filter(pk=visitor.pk).update(password_must_change=why)
    client = Client()
    password_step(client, visitor.email)
    assert "Please choose another password to go on." in client.get("/account/password/").text
