"""Pasted metadata is read before it is believed: one provider, https, by redirect, with certificates."""

from pathlib import Path

import pytest

from accounts import saml_metadata
from tests.sso.saml_idp import SamlIdp


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> str:
    return SamlIdp(tmp_path_factory.mktemp("idp")).metadata()


def test_what_good_metadata_says(metadata: str) -> None:
    facts = saml_metadata.read(metadata)
    assert (facts.entity_id, facts.asked_at) == ("https://idp.example/metadata", "https://idp.example/sso")
    (fingerprint,) = facts.fingerprints
    assert (len(fingerprint), fingerprint.count(":")) == (95, 31)


def refused(xml: str) -> str:
    with pytest.raises(saml_metadata.BadMetadata) as refusal:
        saml_metadata.read(xml)
    return refusal.value.messages[0]


@pytest.mark.parametrize("nonsense", ["", "hello", "<a>", "<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>"])
def test_what_is_no_metadata_at_all(nonsense: str) -> None:
    assert refused(nonsense) == "This is not XML. Paste the whole metadata file."


def test_other_peoples_addresses_and_missing_parts(metadata: str, tmp_path: Path) -> None:
    two = SamlIdp(tmp_path, entity_id="https://two.example").metadata()
    both = f"<all>{metadata.partition('?>')[2] or metadata}{two.partition('?>')[2] or two}</all>"
    assert refused(both) == "The metadata must describe exactly one identity provider."
    assert refused("<x/>") == "The metadata must describe exactly one identity provider."
    assert refused(metadata.replace("https://idp.example/sso", "http://idp.example/sso")) == (
        "The provider's sign-in address must begin with https."
    )
    assert refused(metadata.replace("HTTP-Redirect", "HTTP-POST")) == (
        "The provider offers no sign-in by redirect (HTTP-Redirect binding)."
    )
    assert refused(metadata.replace("X509Certificate>MII", "X509Certificate>AAA")) == (
        "A certificate in the metadata cannot be read."
    )
    assert refused(metadata.replace('use="signing"', 'use="encryption"')) == (
        "The metadata holds no certificate: nothing could be believed."
    )
    assert refused(metadata.replace("X509Certificate", "X509Something")) == (
        "The metadata holds no certificate: nothing could be believed."
    )
    assert refused(metadata + " " * saml_metadata.LARGEST) == "This is too large for one provider's metadata."
