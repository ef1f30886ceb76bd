"""What a SAML provider's pasted metadata says of it. Changes nothing, asks nobody."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from saml2 import BINDING_HTTP_REDIRECT

NS = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}
LARGEST = 512 * 1024  # bytes of a message or of metadata
RUN_OUT = _("The metadata of this provider has run out. Whoever looks after it must paste it anew.")


class BadMetadata(ValidationError):
    """Not the metadata of one identity provider."""

    def __init__(self, why: Any) -> None:
        super().__init__(why, code="metadata")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a provider's metadata says: who it is, where it is asked, the SHA-256 fingerprints of what it signs with."""

    entity_id: str
    asked_at: str
    fingerprints: tuple[str, ...]
    valid_until: datetime | None = None


def read(xml: str) -> Facts:
    """What pasted metadata says. Refuses `BadMetadata`: no XML, no or several providers, no certificate, no https."""
    if len(xml.encode()) > LARGEST:
        raise BadMetadata(_("This is too large for one provider's metadata."))
    try:
        root = ElementTree.fromstring(xml.strip().encode(), forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as broken:
        raise BadMetadata(_("This is not XML. Paste the whole metadata file.")) from broken
    described = root.iter(f"{{{NS['md']}}}EntityDescriptor")
    entities = [one for one in described if one.find("md:IDPSSODescriptor", NS) is not None]
    if len(entities) != 1:
        raise BadMetadata(_("The metadata must describe exactly one identity provider."))
    services = entities[0].findall("md:IDPSSODescriptor/md:SingleSignOnService", NS)
    at = next((one.get("Location", "") for one in services if one.get("Binding") == BINDING_HTTP_REDIRECT), "")
    if not at:
        raise BadMetadata(_("The provider offers no sign-in by redirect (HTTP-Redirect binding)."))
    if not may_be_visited(at):
        raise BadMetadata(_("The provider's sign-in address must begin with https."))
    keys = entities[0].findall("md:IDPSSODescriptor/md:KeyDescriptor", NS)
    signing = [key for key in keys if key.get("use") != "encryption"]
    certificates = [found for key in signing for found in key.iter(f"{{{NS['ds']}}}X509Certificate")]
    if not certificates:
        raise BadMetadata(_("The metadata holds no certificate: nothing could be believed."))
    fingerprints = sorted({_fingerprint(certificate.text or "") for certificate in certificates})
    return Facts(entities[0].get("entityID", ""), at, tuple(fingerprints), _end(entities[0].get("validUntil", "")))


def _end(text: str) -> datetime | None:
    """When it runs out, where it says so in a way that can be read."""
    try:
        until = parse_datetime(text)
    except ValueError:
        return None
    return until.replace(tzinfo=until.tzinfo or UTC) if until else None


def may_be_visited(address: str) -> bool:
    """Whether people are sent there: https, or this very machine for a try."""
    return address.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


def _fingerprint(text: str) -> str:
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True))
    except ValueError as broken:
        raise BadMetadata(_("A certificate in the metadata cannot be read.")) from broken
    return certificate.fingerprint(hashes.SHA256()).hex(":")
