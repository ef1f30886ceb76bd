"""Changing a password: the present one first, long enough, not a common one; other sessions end."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.signing_in import is_in
from tests.factories import accounts as people

ADDRESS = "/account/password/"


def change(client: Client, new: str, *, old: str = people.PASSWORD, query: str = ""):
    return client.post(ADDRESS + query, {"old_password": old, "new_password1": new, "new_password2": new})


def test_changed_here_and_ended_elsewhere(enter: Callable[..., Client], owner: User) -> None:
    client, elsewhere = enter(owner), enter(owner)
    before = client.session.session_key
    assert change(client, "another set of quiet words").url == "/account/"
    assert is_in(client)
    assert client.session.session_key != before
    assert not is_in(elsewhere)
    assert User.objects.get(pk=owner.pk).check_password("another set of quiet words")


@pytest.mark.parametrize("wrong", ["short", "password", "demo.example", "1234567890"])
def test_weak_ones_are_refused_even_with_a_second_factor(enter: Callable[..., Client], owner: User, wrong: str) -> None:
    answer = change(enter(owner), wrong)
    assert answer.status_code == 422
    assert answer.context["form"].errors["new_password2"]


def test_without_second_factor_it_is_fifteen_characters(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert change(client, "quietwordsabcd").status_code == 422
    assert change(client, "quietwordsabcde").status_code == 302


def test_with_second_factor_eight_are_enough(enter: Callable[..., Client], owner: User) -> None:
    assert change(enter(owner), "kvzr8wqe").status_code == 302


def test_the_present_password_is_asked_for(enter: Callable[..., Client], owner: User) -> None:
    answer = change(enter(owner), "another set of quiet words", old="wrong")
    assert answer.status_code == 422
    assert answer.context["form"].errors["old_password"] == ["This is not your current password."]


def test_strangers_are_led_to_sign_in(client: Client, tenant: object) -> None:
    assert client.get(ADDRESS).url == "/account/login/?next=/account/password/"
