"""Two spellings of one e-mail, phone number or name are equal; nonsense is nonsense and never an error."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance import sealing, spelling


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("+34 600 123 456", "+34600123456"),
        ("+34-600-123-456", "+34600123456"),
        ("tel:+34600123456", "+34600123456"),
        ("＋34 600 123 456", "+34600123456"),
        ("+1 (212) 555-0100", "+12125550100"),
        ("600 123 456", "600123456"),
        ("٦٠٠", "600"),
        ("", ""),
        ("call me", ""),
    ],
)
def test_phone_numbers(typed: str, normal: str) -> None:
    assert spelling.phone(typed) == normal


def test_a_region_helps_to_read_a_local_number(settings: object) -> None:
    settings.PHONENUMBER_DEFAULT_REGION = "ES"  # type: ignore[attr-defined]
    assert spelling.phone("600 123 456") == "+34600123456"


@pytest.mark.parametrize("typed", [" Maria@Example.ORG ", "ｍaria@example.org", "MARIA@EXAMPLE.ORG"])
def test_emails(typed: str) -> None:
    assert spelling.email(typed) == "maria@example.org"


def test_names_are_found_by_the_beginnings_of_their_words() -> None:
    assert spelling.prefixes("María de-la O'Neill") == {
        *("ma", "mar", "mari", "maria"),
        *("de", "la"),
        *("ne", "nei", "neil", "neill"),
    }
    assert spelling.asked("MARI nei o") == {"mari", "nei"}
    assert spelling.asked("Wolfeschlegelstein") <= spelling.prefixes("wolfeschlegelsteinhausen")
    assert spelling.prefixes("Straße") == spelling.prefixes("STRASSE")
    assert len(spelling.prefixes("abcdefghijkl " * 100)) <= 7


def test_half_a_surrogate_is_no_error() -> None:
    assert sealing.bind("\ud800") == sealing.bind("?")


anything = st.text(st.characters(), max_size=200)


@settings(max_examples=500, deadline=None)
@example("¯")
@given(anything)
def test_nothing_typed_is_an_error(text: str) -> None:
    for normal in (spelling.email, spelling.phone, spelling.name):
        assert normal(normal(text)) == normal(text)
        sealing.bind("kind", normal(text))
    assert spelling.asked(text) <= spelling.prefixes(text)
