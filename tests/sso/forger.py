"""A provider that lies on purpose: everything it says can be changed by a story before it is said."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECRET = "forged secret"
CLIENT = "verso"


def key(name: str = "ours") -> rsa.RSAPrivateKey:
    """An RSA key by name, the same for the whole run."""
    return _made(name)


@cache
def _made(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def published(name: str = "ours", **more: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    return {**jwt.algorithms.RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True), "kid": name, **more}


def segment(data: dict[str, Any] | bytes) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    """HS256 over the provider's public key, as every library once accepted it."""
    pem = key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'ours'})}.{segment(claims)}"
    mac = hmac.HMAC(pem, hashes.SHA256())
    mac.update(body.encode())
    return f"{body}.{segment(mac.finalize())}"


def unsigned(claims: dict[str, Any], *, alg: str = "none") -> str:
    return f"{segment({'alg': alg, 'typ': 'JWT'})}.{segment(claims)}."


@cache
def curve() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def at_hash(access_token: str) -> str:
    return segment(hashlib.sha256(access_token.encode()).digest()[:16])


class Forger:
    """What it will say. `token` makes the ID token out of the claims; `answers` overrule whole answers by path."""

    def __init__(self) -> None:
        self.issuer = ""
        self.nonce = ""
        self.challenge = ""
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.keys: list[dict[str, Any]] = [published()]
        self.token: Callable[[dict[str, Any]], Any] = self.sign
        self.answers: dict[str, Callable[[Any], None]] = {}
        self.asked: list[str] = []
        self.posted: dict[str, str] = {}
        self.authorization = ""

    def sign(self, claims: dict[str, Any], *, with_key: str = "ours", alg: str = "RS256", **header: Any) -> str:
        return jwt.encode(claims, key(with_key), alg, headers={"kid": with_key, **header})

    def logout_token(self, **changes: Any) -> str:
        """A right logout token, changed where named; `drop` names claims left out."""
        now, drop, header = int(time.time()), changes.pop("drop", ()), changes.pop("header", {"typ": "logout+jwt"})
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": f"jti-{time.monotonic_ns()}",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            "sid": "sid-1",
        }
        return self.sign({k: v for k, v in (claims | changes).items() if k not in drop}, **header)

    def document(self) -> dict[str, Any]:
        own = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/me",
            "end_session_endpoint": f"{self.issuer}/end",
        }
        return {k: v for k, v in (own | self.metadata).items() if v is not None}

    def id_token(self) -> Any:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "s-1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "sid": "sid-1",
            "auth_time": now,
            "email": "ada@acme.example",
            "email_verified": True,
            "name": "Ada",
            "groups": ["desk"],
            **self.claims,
        }
        return self.token({name: value for name, value in claims.items() if value is not None})

    def answer(self, request: Any) -> None:
        path = request.path.partition("?")[0]
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path](request)
        if path == "/.well-known/openid-configuration":
            return say(request, self.document())
        if path == "/jwks":
            return say(request, {"keys": self.keys})
        if path == "/token":
            return self._trade(request)
        if path == "/me":
            return say(request, {"sub": "s-1", **self.userinfo})
        return say(request, {}, status=404)

    def _trade(self, request: Any) -> None:
        form = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        self.posted = {name: values[0] for name, values in form.items()}
        self.authorization = request.headers.get("Authorization", "")
        hashed = segment(hashlib.sha256(self.posted.get("code_verifier", "").encode()).digest())
        if hashed != self.challenge:
            return say(request, {"error": "invalid_grant"}, status=400)
        return say(request, {"access_token": "access-1", "token_type": "Bearer", "id_token": self.id_token()})


def say(request: Any, document: Any, *, status: int = 200) -> None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def running() -> Iterator[Forger]:
    """The forging provider on loopback, until the block ends."""
    forger = Forger()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            forger.answer(self)

        def do_POST(self) -> None:
            forger.answer(self)

        def log_message(self, *_words: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forger.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield forger
    finally:
        server.shutdown()
        server.server_close()
