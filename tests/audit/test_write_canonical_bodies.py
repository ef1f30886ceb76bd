"""An event's body is RFC 8785 canonical JSON to the byte, and carries a code only key holders can make."""

import datetime
import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit import canonical, conf

VECTORS = Path(__file__).parents[1] / "vectors" / "jcs"
NAMES = sorted(path.stem for path in (VECTORS / "input").iterdir())

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)
anything = st.recursive(
    scalars | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.dates() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.frozensets(st.text()),
)


@pytest.mark.parametrize("name", NAMES)
def test_published_vectors_come_out_to_the_byte(name: str) -> None:
    read = json.loads((VECTORS / "input" / f"{name}.json").read_text(encoding="utf-8"))
    expected = (VECTORS / "output" / f"{name}.json").read_bytes()
    assert canonical.body(read) == expected
    assert expected == bytes.fromhex((VECTORS / "outhex" / f"{name}.txt").read_text())


def test_there_are_vectors() -> None:
    assert NAMES == ["arrays", "french", "structures", "unicode", "values", "weird"]


@given(documents)
def test_the_quick_encoder_never_differs_from_the_library(document: Any) -> None:
    assert canonical.body(document) == rfc8785.dumps(document)


@given(anything)
def test_whatever_a_verb_hands_over_can_be_said(value: Any) -> None:
    body = canonical.body(canonical.plain(value))
    assert canonical.body(json.loads(body)) == body
    assert b"\\u0000" not in body


def test_values_of_the_house_become_their_words() -> None:
    madrid = datetime.timezone(datetime.timedelta(hours=1))
    assert canonical.plain(
        {
            "moment": datetime.datetime(2026, 11, 23, 10, 0, tzinfo=madrid),
            "day": datetime.date(2026, 11, 23),
            "hour": datetime.time(9, 30),
            "length": datetime.timedelta(minutes=90),
            "price": Decimal("12.50"),
            "id": uuid.UUID(int=1),
            "huge": 2**60,
            "nothing": float("nan"),
            "half": "\ud800",
            "bytes": b"\x01\xff",
            "few": {"b", "a"},
        }
    ) == {
        "moment": "2026-11-23T09:00:00.000000Z",
        "day": "2026-11-23",
        "hour": "09:30:00",
        "length": "P0DT01H30M00S",
        "price": "12.50",
        "id": "00000000-0000-0000-0000-000000000001",
        "huge": "1152921504606846976",
        "nothing": "nan",
        "half": "\ufffd",
        "bytes": "01ff",
        "few": ["a", "b"],
    }


def test_a_code_fits_its_body_and_key_only() -> None:
    key_id, mac = canonical.mac(b"body")
    assert canonical.is_authentic(b"body", key_id=key_id, mac=mac)
    assert not canonical.is_authentic(b"Body", key_id=key_id, mac=mac)
    assert not canonical.is_authentic(b"body", key_id="somebody:else", mac=mac)


def test_the_key_ring_of_last_resort_keeps_old_secrets(settings: Any) -> None:
    settings.AUDIT_MAC_KEYS = conf.DEFAULT_MAC_KEYS
    key_id, mac = canonical.mac(b"body")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-secret-altogether"
    assert not canonical.is_authentic(b"body", key_id=key_id, mac=mac)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert canonical.is_authentic(b"body", key_id=key_id, mac=mac)
    assert canonical.mac(b"body")[0] != key_id
