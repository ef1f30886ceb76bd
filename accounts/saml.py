"""SAML 2.0: what we ask a provider, and what of its answer we believe.

pysaml2 (through djangosaml2) speaks the protocol and has xmlsec1 check the signatures. What it lets pass is refused
here with `NotBelieved`: assertions without an audience, a recipient or a request of ours, a second assertion anywhere
in the document, a signature over something else, SHA-1, names that change with every visit, unsigned logout requests.
Sources: SAML 2.0 core §2 and §3, profiles §4.1 and §4.4; Somorovsky et al., "On Breaking SAML" (2012).
"""

import base64
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SAMLError, saml, xmldsig
from saml2.client import Saml2Client
from saml2.config import SPConfig

from accounts import saml_metadata, sessions
from accounts.models import ExternalIdentity, IdentityProvider, SamlSeenAssertion
from accounts.provisioning import Claims
from accounts.saml_metadata import LARGEST, NS
from audit import ledger
from governance import keys, sealing, tenancy

SIGNATURES = {xmldsig.SIG_RSA_SHA256, xmldsig.SIG_RSA_SHA384, xmldsig.SIG_RSA_SHA512}
DIGESTS = {xmldsig.DIGEST_SHA256, xmldsig.DIGEST_SHA384, xmldsig.DIGEST_SHA512}
LASTING_NAMES = {saml.NAMEID_FORMAT_PERSISTENT, saml.NAMEID_FORMAT_EMAILADDRESS, saml.NAMEID_FORMAT_UNSPECIFIED, ""}
TRANSFORMS = {xmldsig.TRANSFORM_ENVELOPED, xmldsig.TRANSFORM_C14N, xmldsig.TRANSFORM_C14N_WITH_COMMENTS}
ENCRYPTION = ("{http://www.w3.org/2001/04/xmlenc#}", "{http://www.w3.org/2009/xmlenc11#}")
LEEWAY = 60  # seconds two clocks may differ
KEY_BITS = 3072
EMAILS = (
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
NAMES = (
    "displayName",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "cn",
    "urn:oid:2.5.4.3",
)
OVERFLOW = "http://schemas.microsoft.com/claims/groups.link"  # Entra ID: more than 150 groups, told elsewhere


class NotBelieved(ValidationError):
    """A message that proves nothing; `code` says why, for the ledger."""

    def __init__(self, code: str) -> None:
        super().__init__(_("The provider's answer could not be believed. Please try again."), code=code)
        self.why = code


class NotInstalled(ValidationError):
    """This server lacks xmlsec1, which checks the signatures: nothing could be believed."""

    def __init__(self) -> None:
        super().__init__(_("This server cannot sign anybody in by SAML at the moment."), code="no_xmlsec1")


@dataclass(frozen=True, slots=True)
class Word:
    """What a provider said of somebody, believed."""

    claims: Claims
    name_id: str
    session: str
    contexts: tuple[str, ...]
    authenticated_at: datetime | None


# --- our own key -----------------------------------------------------------------------------------------------------
def _place(idp: IdentityProvider) -> bytes:
    return sealing.bind("accounts.IdentityProvider", "sealed_signing_key", str(idp.tenant_id), str(idp.pk))


def _new_key(idp: IdentityProvider, *, at: datetime) -> tuple[bytes, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Verso {idp.slug}")])
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return plain, certificate.public_bytes(serialization.Encoding.PEM).decode()


def ensure_key(idp: IdentityProvider, *, at: datetime) -> None:
    """Give the provider's row the key we sign with, if it has none: RSA 3072, sealed under a key of the tenant."""
    if idp.certificate:
        return
    with transaction.atomic():
        row = IdentityProvider.objects.select_for_update().get(pk=idp.pk)
        if not row.certificate:
            plain, certificate = _new_key(row, at=at)
            secret = keys.of_tenant(tenancy.current_id(), "secrets")
            row.sealed_signing_key = sealing.seal(
                secret.cipher, plain, key_id=secret.key_id, generation=secret.generation, place=_place(row)
            )
            row.certificate = certificate
            row.save(update_fields=["sealed_signing_key", "certificate"])
            ledger.record("accounts.idp.key_made", row)
    idp.sealed_signing_key, idp.certificate = row.sealed_signing_key, row.certificate


def _key(idp: IdentityProvider) -> bytes:
    sealed = bytes(idp.sealed_signing_key or b"")
    generation = sealing.Header.read(sealed).generation
    return sealing.unseal(keys.of_tenant(tenancy.current_id(), "secrets", generation).cipher, sealed, place=_place(idp))


def is_installed() -> bool:
    """Whether xmlsec1 is on this server."""
    return shutil.which("xmlsec1") is not None


@contextmanager
def service_provider(idp: IdentityProvider, *, site: str) -> Iterator[SPConfig]:
    """pysaml2's configuration for this provider alone, at this site (`https://host`). Refuses with `NotInstalled`.

    pysaml2 and xmlsec1 read keys from files: they lie in a folder of this process, mode 0700, while it is needed.
    Refuses `BadMetadata` where the metadata has run out, or is none.
    """
    if not is_installed():
        raise NotInstalled
    with tempfile.TemporaryDirectory(prefix="verso-saml-") as folder:
        for name, content in (("key.pem", _key(idp)), ("cert.pem", idp.certificate.encode())):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(content)
        config = SPConfig()
        try:
            config.load(_description(idp, site, f"{folder}/key.pem", f"{folder}/cert.pem"))
        except SAMLError as broken:
            raise saml_metadata.BadMetadata(saml_metadata.RUN_OUT) from broken
        if not config.metadata.keys():  # pysaml2 leaves out what is no longer valid
            raise saml_metadata.BadMetadata(saml_metadata.RUN_OUT)
        # Named only now: while metadata is read pysaml2 would read the key as well, and OpenSSL check it for 0.1 s.
        config.setattr("", "key_file", f"{folder}/key.pem")
        yield config


def address(idp: IdentityProvider, site: str, what: str) -> str:
    """One of our addresses, as the provider is told it: `metadata`, `acs`, `slo`."""
    return f"{site}/sso/{idp.slug}/saml/{what}/"


def _description(idp: IdentityProvider, site: str, key: str, certificate: str) -> dict[str, Any]:
    slo = address(idp, site, "slo")
    return {
        "entityid": address(idp, site, "metadata"),
        "xmlsec_binary": shutil.which("xmlsec1"),
        "cert_file": certificate,
        "metadata": {"inline": [idp.metadata]},
        "allow_unknown_attributes": True,
        "accepted_time_diff": LEEWAY,
        "service": {
            "sp": {
                "name": idp.name,
                "endpoints": {
                    "assertion_consumer_service": [(address(idp, site, "acs"), BINDING_HTTP_POST)],
                    "single_logout_service": [(slo, BINDING_HTTP_REDIRECT), (slo, BINDING_HTTP_POST)],
                },
                "authn_requests_signed": True,
                "logout_requests_signed": True,
                "logout_responses_signed": True,
                "want_assertions_signed": True,
                "want_response_signed": False,
                "allow_unsolicited": False,
                "only_use_keys_in_metadata": True,
                "signing_algorithm": xmldsig.SIG_RSA_SHA256,
                "digest_algorithm": xmldsig.DIGEST_SHA256,
                "name_id_policy_format": saml.NAMEID_FORMAT_PERSISTENT,
                "name_id_format_allow_create": True,
            }
        },
    }


# --- what is looked at before pysaml2 is asked -----------------------------------------------------------------------
def look_at(message: str) -> str:
    """Which question of ours it says it answers. Refuses `NotBelieved` what no honest provider sends: see above."""
    root = _parsed(message)
    if root.tag != f"{{{NS['samlp']}}}Response":
        raise NotBelieved("not_a_response")
    ids = [one.get("ID") for one in root.iter() if one.get("ID")]
    if len(ids) != len(set(ids)):
        raise NotBelieved("ids_repeated")
    inside = list(root.iter(f"{{{NS['saml']}}}Assertion"))
    if len(inside) > 1 or inside != root.findall("saml:Assertion", NS):
        raise NotBelieved("not_one_assertion")
    for signed in root.iter(f"{{{NS['ds']}}}Signature"):
        _look_at_signature(signed)
    for assertion in root.findall("saml:Assertion", NS):
        _look_at_assertion(assertion)
    return str(root.get("InResponseTo", ""))


def _parsed(message: str) -> Any:
    """The document. Refuses whatever is encrypted in it, before pysaml2 is asked.

    pysaml2 decrypts before it checks a signature, and believes what comes out of a second decryption unchecked;
    xmlsec1 follows a CipherReference to any address and any file.
    """
    try:
        raw = base64.b64decode(message, validate=False)
        if len(raw) > LARGEST:
            raise NotBelieved("too_large")
        root = ElementTree.fromstring(raw, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as broken:
        raise NotBelieved("unreadable") from broken
    if any(one.tag.startswith(ENCRYPTION) or one.tag.rpartition("}")[2].startswith("Encrypted") for one in root.iter()):
        raise NotBelieved("encrypted")
    return root


def _look_at_signature(signature: Any) -> None:
    """One reference, to a place in this very document, by means that only copy; nothing is fetched."""
    method = signature.find("ds:SignedInfo/ds:SignatureMethod", NS)
    digests = signature.findall("ds:SignedInfo/ds:Reference/ds:DigestMethod", NS)
    if method is None or method.get("Algorithm") not in SIGNATURES:
        raise NotBelieved("weak_signature")
    if len(digests) != 1 or digests[0].get("Algorithm") not in DIGESTS:
        raise NotBelieved("weak_digest")
    references = signature.findall(".//ds:Reference", NS)
    transforms = {one.get("Algorithm") for one in signature.iter(f"{{{NS['ds']}}}Transform")}
    fetched = [*signature.iter(f"{{{NS['ds']}}}RetrievalMethod"), *signature.iter(f"{{{NS['ds']}}}Object")]
    if fetched or not transforms <= TRANSFORMS or any(not one.get("URI", "").startswith("#") for one in references):
        raise NotBelieved("signature_elsewhere")


def _look_at_assertion(assertion: Any) -> None:
    """The signature inside an assertion must be about that assertion."""
    signatures = assertion.findall("ds:Signature", NS)
    if len(signatures) != 1:
        raise NotBelieved("assertion_not_signed")
    reference = signatures[0].find("ds:SignedInfo/ds:Reference", NS)
    if reference is None or reference.get("URI") != f"#{assertion.get('ID')}":
        raise NotBelieved("signature_elsewhere")


# --- what pysaml2 has checked, checked again -------------------------------------------------------------------------
def believe(response: Any, idp: IdentityProvider, *, site: str, asked: set[str], at: datetime) -> Word:
    """What a response that pysaml2 accepted says, spent. Refuses `NotBelieved`.

    Refuses another issuer than the provider's, an audience, recipient, destination or request that is not ours, what
    has no end, a name that changes with every visit, and an assertion that was believed before.
    """
    assertion = response.assertion
    me, here = address(idp, site, "metadata"), address(idp, site, "acs")
    if assertion is None or len(response.assertions) != 1:
        raise NotBelieved("not_one_assertion")
    if (assertion.issuer.text or "").strip() != saml_metadata.read(idp.metadata).entity_id:
        raise NotBelieved("another_issuer")
    if response.response.destination not in (None, "", here):
        raise NotBelieved("another_destination")
    if response.in_response_to not in asked:
        raise NotBelieved("unsolicited")
    _is_for(assertion, me)
    ends_at = _confirmed(assertion, here, asked, at)
    digest = sha256(f"{assertion.issuer.text}\n{assertion.id}".encode()).hexdigest()
    if not SamlSeenAssertion.spend(idp, digest, expires_at=ends_at + timedelta(seconds=2 * LEEWAY)):
        raise NotBelieved("replayed")
    return _word(response, idp)


def _is_for(assertion: Any, me: str) -> None:
    restrictions = assertion.conditions.audience_restriction if assertion.conditions else []
    if not restrictions:
        raise NotBelieved("no_audience")
    for restriction in restrictions:
        if me not in {(one.text or "").strip() for one in restriction.audience}:
            raise NotBelieved("another_audience")


def _confirmed(assertion: Any, here: str, asked: set[str], at: datetime) -> datetime:
    """Until when a bearer may show it here, as an answer to a request of ours."""
    for one in assertion.subject.subject_confirmation:
        data = one.subject_confirmation_data
        if one.method != saml.SCM_BEARER or data is None:
            continue
        until = parse_datetime(data.not_on_or_after or "")
        if data.recipient == here and data.in_response_to in asked and until is not None:
            until = until if until.tzinfo else until.replace(tzinfo=UTC)
            if at < until + timedelta(seconds=LEEWAY):
                return until
    raise NotBelieved("not_confirmed")


def _word(response: Any, idp: IdentityProvider) -> Word:
    session = response.session_info()
    name = session["name_id"]
    if (name.format or "") not in LASTING_NAMES or not (name.text or "").strip():
        raise NotBelieved("name_does_not_last")
    said: dict[str, list[str]] = session["ava"] or {}
    contexts, instants = [], []
    for context, _authorities, instant in session["authn_info"]:
        contexts.append(context)
        instants.append(parse_datetime(instant or ""))
    claims = Claims(
        subject=name.text.strip(),
        email=_first(said, EMAILS) or (name.text.strip() if name.format == saml.NAMEID_FORMAT_EMAILADDRESS else ""),
        email_verified=True,  # the organisation's own directory says so; for which domains, the row says
        name=_first(said, NAMES),
        groups=_groups(said, idp),
    )
    return Word(claims, str(name), session.get("session_index") or "", tuple(contexts), next(iter(instants), None))


def _first(said: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((str(said[name][0]).strip() for name in names if said.get(name)), "")


def _groups(said: dict[str, list[str]], idp: IdentityProvider) -> tuple[str, ...] | None:
    """None when the attribute is missing or was too long to be sent: that is not "no groups"."""
    if idp.groups_claim not in said or OVERFLOW in said:
        return None
    return tuple(str(group) for group in said[idp.groups_claim])


def counts_as_second_factor(word: Word, idp: IdentityProvider) -> bool:
    """Whether how they signed in at the provider is among what the row lists."""
    return bool(set(word.contexts) & {str(value) for value in idp.mfa_evidence})


def legible(word: Word) -> list[tuple[str, str]]:
    """What was said as staff read it."""
    said = word.claims
    groups = "" if said.groups is None else ", ".join(said.groups)
    told = {"NameID": said.subject, "e-mail": said.email, "name": said.name, "groups": groups}
    return [(name, value) for name, value in told.items() if value] + [("context", one) for one in word.contexts]


# --- signing out -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Farewell:
    """A provider's wish to end sessions, believed: of whom, and which (all of theirs when none is named)."""

    request: Any
    subject: str
    sessions: tuple[str, ...]


def hear_logout(
    client: Saml2Client, idp: IdentityProvider, sent: Mapping[str, str], *, binding: str, at: datetime
) -> Farewell:
    """What a LogoutRequest asks for. Refuses `NotBelieved` unless signed, fresh, the provider's and heard once."""
    if binding == BINDING_HTTP_REDIRECT:
        if sent.get("SigAlg") not in SIGNATURES:
            raise NotBelieved("logout_not_signed")
    else:
        for signed in _parsed(sent["SAMLRequest"]).iter(f"{{{NS['ds']}}}Signature"):
            _look_at_signature(signed)
    client.config.setattr("idp", "want_authn_requests_signed", True)  # pysaml2 asks this one, for every request
    try:
        request = client.parse_logout_request(
            sent["SAMLRequest"],
            binding,
            relay_state=sent.get("RelayState"),
            sigalg=sent.get("SigAlg"),
            signature=sent.get("Signature"),
        )
    except Exception as broken:  # pysaml2 raises whatever its parts do; a stranger sends this
        raise NotBelieved("logout_not_signed") from broken
    if request is None or not request.issue_instant_ok() or not _in_time(request.message, at):
        raise NotBelieved("logout_too_old")
    if (request.message.issuer.text or "").strip() != saml_metadata.read(idp.metadata).entity_id:
        raise NotBelieved("another_issuer")
    digest = sha256(f"logout\n{request.message.id}".encode()).hexdigest()
    if not SamlSeenAssertion.spend(idp, digest, expires_at=at + timedelta(days=2)):
        raise NotBelieved("replayed")
    name = request.message.name_id  # never an encrypted one: it would name nobody
    named = tuple((one.text or "").strip() for one in request.message.session_index)
    return Farewell(request.message, (name.text or "").strip() if name is not None else "", named)


def _in_time(message: Any, at: datetime) -> bool:
    until = parse_datetime(message.not_on_or_after or "")
    return until is None or at < until + timedelta(seconds=LEEWAY)


def end_sessions(idp: IdentityProvider, farewell: Farewell, *, at: datetime) -> int:
    """End the sessions a provider's logout is about; how many there were."""
    known = ExternalIdentity.objects.filter(idp=idp, subject=farewell.subject).select_related("user").first()
    if known is None:
        return 0
    named = farewell.sessions or ("",)
    return sum(sessions.end_at_provider(idp, session=name, user=known.user, at=at) for name in named)


def logout_address(client: Saml2Client, idp: IdentityProvider, *, name_id: str, session: str) -> str:
    """The provider's address with our signed LogoutRequest in it; "" when it offers none by redirect."""
    entity = saml_metadata.read(idp.metadata).entity_id
    services = client.metadata.single_logout_service(entity, BINDING_HTTP_REDIRECT, "idpsso") or []
    where = next((str(one.get("location", "")) for one in services), "")
    name = saml.name_id_from_string(name_id) if name_id else None
    if not saml_metadata.may_be_visited(where) or name is None:
        return ""
    _id, request = client.create_logout_request(
        where, entity, name_id=name, sign=False, session_indexes=[session] if session else None
    )
    sent = client.apply_binding(
        BINDING_HTTP_REDIRECT, str(request), where, "", sign=True, sigalg=xmldsig.SIG_RSA_SHA256
    )
    return str(dict(sent["headers"])["Location"])


def offered(slug: str) -> IdentityProvider | None:
    """The active tenant's SAML provider with that short name, live or in test."""
    status = IdentityProvider.Status
    rows = IdentityProvider.objects.filter(slug=slug, protocol=IdentityProvider.Protocol.SAML)
    return rows.filter(status__in=[status.LIVE, status.TEST]).select_related("default_role").first()
