"""A SAML identity provider of the tests' own: pysaml2 as IdP, real keys, real signatures by xmlsec1."""

import base64
import shutil
import subprocess
import tempfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.cryptography import asymmetric
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
MFA = "https://refeds.org/profile/mfa"
needs_xmlsec1 = pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="needs xmlsec1")
START, ACS, METADATA = "/sso/corp/saml/start/", "/sso/corp/saml/acs/", "/sso/corp/saml/metadata/"
_servers: dict[tuple[object, ...], Server] = {}
read_key = cache(asymmetric.load_pem_private_key)  # OpenSSL checks a key each time it is read, for 50 ms


@cache
def own_key() -> tuple[bytes, str]:
    """A key of our own for all stories, in the place of one for each provider's row."""
    folder = make_keys(Path(tempfile.mkdtemp()))
    return (folder / "key.pem").read_bytes(), (folder / "cert.pem").read_text()


def make_keys(folder: Path) -> Path:
    """An RSA key and a certificate for it, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")]), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder


@dataclass
class SamlIdp:
    """One provider; `entity_id` begins its addresses. `said` is what it tells of whoever signs in."""

    folder: Path
    entity_id: str = "https://idp.example"
    subject: str = "s-1"
    name_format: str = NAMEID_FORMAT_PERSISTENT
    context: str = PASSWORD
    leaves_at: str = "/slo"
    said: dict[str, list[str]] = field(
        default_factory=lambda: {"mail": ["ada@acme.example"], "displayName": ["Ada"], "groups": ["desk"]}
    )

    def __post_init__(self) -> None:
        if not (self.folder / "key.pem").exists():
            make_keys(self.folder)

    def config(self, sp_metadata: str = "") -> IdPConfig:
        """pysaml2's configuration, knowing one service provider or none."""
        config = IdPConfig()
        config.load(
            {
                "entityid": f"{self.entity_id}/metadata",
                "xmlsec_binary": shutil.which("xmlsec1"),
                "key_file": str(self.folder / "key.pem"),
                "cert_file": str(self.folder / "cert.pem"),
                "metadata": {"inline": [sp_metadata]} if sp_metadata else {},
                "service": {
                    "idp": {
                        "endpoints": {
                            "single_sign_on_service": [(f"{self.entity_id}/sso", BINDING_HTTP_REDIRECT)],
                            "single_logout_service": [(f"{self.entity_id}{self.leaves_at}", BINDING_HTTP_REDIRECT)]
                            if self.leaves_at
                            else [],
                        },
                        "want_authn_requests_signed": True,
                        "sign_assertion": True,
                        "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None,
                                               "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"}},
                    }
                },
            }
        )  # fmt: skip
        return config

    def metadata(self) -> str:
        """What a tenant's owner pastes."""
        return str(entity_descriptor(self.config()))

    def server(self, sp_metadata: str) -> Server:
        """The provider itself; one for all stories that know the same service provider."""
        known = (self.folder, self.entity_id, self.leaves_at, sp_metadata)
        if known not in _servers:
            _servers[known] = Server(config=self.config(sp_metadata))
        return _servers[known]

    def heard(self, server: Server, location: str) -> Any:
        """The AuthnRequest in a redirect, its signature checked."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return server.parse_authn_request(
            query["SAMLRequest"],
            BINDING_HTTP_REDIRECT,
            query.get("RelayState"),
            query.get("SigAlg"),
            query.get("Signature"),
        ).message

    def answer(self, sp_metadata: str, location: str, **changes: Any) -> str:
        """The signed response to a redirect, as the form field's value. `changes` go to pysaml2."""
        server = self.server(sp_metadata)
        request = self.heard(server, location)
        return self.response(server, in_response_to=request.id, **changes)

    def response(self, server: Server, *, in_response_to: str, **changes: Any) -> str:
        """A signed response."""
        (sp,) = server.metadata.keys()
        here = server.metadata.assertion_consumer_service(sp)[0]["location"]
        options: dict[str, Any] = {
            "identity": self.said,
            "in_response_to": in_response_to,
            "destination": here,
            "sp_entity_id": sp,
            "name_id": NameID(format=self.name_format, text=self.subject),
            "authn": {"class_ref": self.context, "authn_auth": self.entity_id},
            "sign_assertion": True,
            "sign_response": False,
            "sign_alg": SIG_RSA_SHA256,
            "digest_alg": DIGEST_SHA256,
        }
        return base64.b64encode(str(server.create_authn_response(**(options | changes))).encode()).decode()

    def heard_logout(self, sp_metadata: str, location: str) -> Any:
        """Our LogoutRequest in an address, its signature checked."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        server = self.server(sp_metadata)
        server.config.setattr("idp", "want_authn_requests_signed", True)
        heard = server.parse_logout_request(
            query["SAMLRequest"],
            BINDING_HTTP_REDIRECT,
            relay_state=query.get("RelayState"),
            sigalg=query["SigAlg"],
            signature=query["Signature"],
        )
        return heard.message

    def logout_response(self, sp_metadata: str, location: str) -> str:
        """The query string of a signed answer to our LogoutRequest."""
        server, request = self.server(sp_metadata), self.heard_logout(sp_metadata, location)
        response = server.create_logout_response(request, [BINDING_HTTP_REDIRECT], sign=False)
        sent = server.apply_binding(
            BINDING_HTTP_REDIRECT, str(response), "https://sp", "", response=True, sign=True, sigalg=SIG_RSA_SHA256
        )
        return urlsplit(dict(sent["headers"])["Location"]).query

    def sign(self, xml: str, node: str = "Assertion") -> str:
        """Sign `xml` anew by xmlsec1, where it holds a signature template."""
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(xml)
            file.flush()
            command = ["xmlsec1", "--sign", "--privkey-pem", f"{self.folder}/key.pem,{self.folder}/cert.pem"]
            command += ["--id-attr:ID", f"urn:oasis:names:tc:SAML:2.0:assertion:{node}", file.name]
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def logout_request(self, sp_metadata: str, slo: str, *, sign: bool = True, sessions: tuple[str, ...] = ()) -> str:
        """The query string of a LogoutRequest for `subject`."""
        server = self.server(sp_metadata)
        (sp,) = server.metadata.keys()
        name = NameID(format=self.name_format, text=self.subject)
        _id, request = server.create_logout_request(
            slo, sp, name_id=name, sign=False, session_indexes=list(sessions) or None
        )
        sent = server.apply_binding(
            BINDING_HTTP_REDIRECT, str(request), slo, "", sign=sign, sigalg=SIG_RSA_SHA256 if sign else None
        )
        return urlsplit(dict(sent["headers"])["Location"]).query


def inflated(location: str) -> str:
    """The XML inside a redirect."""
    message = parse_qs(urlsplit(location).query)["SAMLRequest"][0]
    return zlib.decompress(base64.b64decode(message), -15).decode()


def xml_of(field: str) -> str:
    """The XML of a form field."""
    return base64.b64decode(field).decode()


def field_of(xml: str) -> str:
    """A form field of XML."""
    return base64.b64encode(xml.encode()).decode()
