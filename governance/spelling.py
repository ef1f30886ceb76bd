"""The form in which two spellings of one e-mail, phone number or name are equal."""

import re
import unicodedata

import phonenumbers
from django.conf import settings

SHORTEST_PREFIX, LONGEST_PREFIX, MOST_WORDS = 2, 8, 6
_NOT_WORD = re.compile(r"[\W_]+")


def email(text: str) -> str:
    """NFKC, case-folded, trimmed."""
    return _folded(text).strip()


def _folded(text: str) -> str:
    """NFKC and case-folded, so that folding again changes nothing (Unicode §3.13, toNFKC_Casefold)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def phone(text: str) -> str:
    """E.164 where the number can be read (PHONENUMBER_DEFAULT_REGION helps), its bare digits where it cannot."""
    try:
        number = phonenumbers.parse(text, getattr(settings, "PHONENUMBER_DEFAULT_REGION", None))
    except phonenumbers.NumberParseException:
        return "".join(str(unicodedata.digit(sign)) for sign in text if sign.isdigit())
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def name(text: str) -> str:
    """NFKC, case-folded, one space between words; accents stay."""
    return " ".join(_folded(text).split())


def words(text: str) -> list[str]:
    """The words of a name without accents, case or punctuation, at most six."""
    bare = "".join(s for s in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(s))
    return [word for word in _NOT_WORD.split(bare) if word][:MOST_WORDS]


def prefixes(text: str) -> set[str]:
    """What a name can be found by: the beginnings of its words, two to eight letters long."""
    return {word[:end] for word in words(text) for end in range(SHORTEST_PREFIX, min(len(word), LONGEST_PREFIX) + 1)}


def asked(text: str) -> set[str]:
    """The prefixes somebody who typed `text` asks for, every one of which must fit."""
    return {word[:LONGEST_PREFIX] for word in words(text) if len(word) >= SHORTEST_PREFIX}
