"""Our sealing primitives against Wycheproof (C2SP, testvectors_v1): what is valid fits, the rest is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from governance import sealing

VECTORS = Path(__file__).parents[1] / "vectors" / "wycheproof"


def cases(name: str) -> list[Any]:
    groups = json.loads((VECTORS / f"{name}_test.json").read_text())["testGroups"]
    return [pytest.param(group, case, id=str(case["tcId"])) for group in groups for case in group["tests"]]


def raw(case: dict[str, str], *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


@pytest.mark.parametrize(("group", "case"), cases("aes_gcm"))
def test_aes_gcm(group: dict[str, Any], case: dict[str, Any]) -> None:
    key, nonce, about, plaintext, ciphertext, tag = raw(case, "key", "iv", "aad", "msg", "ct", "tag")
    if group["keySize"] != 256:
        with pytest.raises(ValueError, match="32 bytes"):
            sealing.cipher(key)
        return
    cipher = sealing.cipher(key)
    if group["ivSize"] != 96:
        with pytest.raises(ValueError, match="12 bytes"):
            sealing.encrypt(cipher, nonce, plaintext, about)
        with pytest.raises(sealing.Unopenable):
            sealing.decrypt(cipher, nonce, ciphertext + tag, about)
        return
    if case["result"] == "valid":
        assert sealing.encrypt(cipher, nonce, plaintext, about) == ciphertext + tag
        assert sealing.decrypt(cipher, nonce, ciphertext + tag, about) == plaintext
    else:
        with pytest.raises(sealing.Unopenable):
            sealing.decrypt(cipher, nonce, ciphertext + tag, about)


@pytest.mark.parametrize(("group", "case"), cases("hmac_sha256"))
def test_hmac_sha256(group: dict[str, Any], case: dict[str, Any]) -> None:
    key, message, tag = raw(case, "key", "msg", "tag")
    assert (sealing.mac(key, message)[: group["tagSize"] // 8] == tag) is (case["result"] == "valid")


@pytest.mark.parametrize(("group", "case"), cases("hkdf_sha256"))
def test_hkdf_sha256(group: dict[str, Any], case: dict[str, Any]) -> None:
    secret, salt, purpose, expected = raw(case, "ikm", "salt", "info", "okm")
    if case["result"] == "valid":
        assert sealing.derive(secret, purpose, salt=salt, length=case["size"]) == expected
    else:
        with pytest.raises(ValueError):
            sealing.derive(secret, purpose, salt=salt, length=case["size"])


def test_every_kind_of_case_was_met() -> None:
    """The files hold valid and invalid cases of the sizes we use, so none of the tests above is empty."""
    met = {
        name: {
            (case.values[0].get("keySize"), case.values[0].get("ivSize"), case.values[1]["result"])
            for case in cases(name)
        }
        for name in ("aes_gcm", "hmac_sha256", "hkdf_sha256")
    }
    assert {(256, 96, "valid"), (256, 96, "invalid"), (128, 96, "valid")} <= met["aes_gcm"]
    assert (
        {result for *_, result in met["hmac_sha256"]}
        == {result for *_, result in met["hkdf_sha256"]}
        == {
            "valid",
            "invalid",
        }
    )


@pytest.mark.parametrize("position", [0, 1, 17, 18, 19, 30, 31, 40, -1])
def test_a_sealed_value_with_one_bit_turned_does_not_open(position: int) -> None:
    from uuid import UUID

    cipher = sealing.cipher(sealing.new_key())
    sealed = sealing.seal(cipher, b"a name", key_id=UUID(int=1), generation=1, place=b"here")
    assert sealing.unseal(cipher, sealed, place=b"here") == b"a name"
    turned = bytearray(sealed)
    turned[position] ^= 1
    with pytest.raises(sealing.Unopenable):
        sealing.unseal(cipher, bytes(turned), place=b"here")
    with pytest.raises(sealing.Unopenable):
        sealing.unseal(cipher, sealed, place=b"elsewhere")


def test_two_places_never_join_alike() -> None:
    assert sealing.bind("ab", "c") != sealing.bind("a", "bc") != sealing.bind("abc")
