"""What somebody types, shows or is given to come in is found nowhere afterwards: not in a table, the cache, logs, mail.

Each story first lets a canary sing in every place, so that a hunt that sees nothing is known to have looked.
"""

import io
import logging
import pickle
import re
import shutil
from base64 import b32decode, b32encode, b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from logging.config import DictConfigurator  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import saml, tokens
from accounts.models import Authenticator, IdentityProvider, Tenant, User
from audit import outbox
from audit.models import OutboxMessage
from tests.accounts.signing_in import is_in, password_step, recovery_step, token_step
from tests.accounts.test_enrol_an_authenticator import SETUP, confirm
from tests.factories import accounts as people
from tests.factories.sso import make_idp, map_group
from tests.sso import forger, walking
from tests.sso.conftest import believed as believed
from tests.sso.conftest import liar as liar
from tests.sso.saml_idp import SamlIdp, make_keys, xml_of
from verso.telemetry import logs

CANARY = "canary-bird"
WRONG, NEW = "never the right words at all", "quite another quiet sentence"


# --- where to look ---------------------------------------------------------------------------------------------------
def tables() -> bytes:
    """Every cell of every table, as text and as bytes."""
    cells: list[bytes] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            cells += [_bytes(cell) for row in cursor.fetchall() for cell in row]
    return b"\n".join(cells)


def _bytes(cell: Any) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode(errors="replace")


def cached() -> bytes:
    """Names and values of the cache, sessions among them: all of this Redis database, or this process's own."""
    if not hasattr(cache._cache, "get_client"):
        return pickle.dumps({name: cache._cache[name] for name in cache._cache})
    redis = cache._cache.get_client()
    read: dict[bytes, Callable[[bytes], Any]] = {
        b"string": lambda name: [redis.get(name) or b""],
        b"hash": lambda name: [part for pair in redis.hgetall(name).items() for part in pair],
        b"set": redis.smembers,
        b"list": lambda name: redis.lrange(name, 0, -1),
        b"zset": lambda name: redis.zrange(name, 0, -1),
        b"none": lambda name: [],
    }
    return b"\n".join(part for name in redis.scan_iter() for part in (name, *read[redis.type(name)](name)))


def mailed() -> bytes:
    """Every mail, head and all."""
    return b"\n".join(message.message().as_bytes() for message in mail.outbox)


@dataclass
class Hunt:
    """What was told or shown (`secrets`, by what it is), the browsers that took part, and what was logged meanwhile."""

    logged: dict[str, io.StringIO]
    secrets: dict[str, set[bytes]] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)

    def note(self, what: str, *words: str | bytes) -> None:
        """Remember a secret, in the spellings in which it may lie about."""
        spelt = {word.encode() if isinstance(word, str) else word for word in words}
        spelt |= {again for word in set(spelt) for again in (b64encode(word).rstrip(b"="), word.hex().encode())}
        self.secrets.setdefault(what, set()).update(spelt | {urlsafe_b64encode(word).rstrip(b"=") for word in spelt})

    def browser(self) -> Client:
        """One more browser."""
        self.clients.append(Client())
        return self.clients[-1]

    def note_keys(self) -> None:
        """Remember the keys of all sessions at this moment, and the cookies browsers are known by."""
        for client in self.clients:
            for name in ("session", "device"):
                if name in client.cookies and client.cookies[name].value:
                    self.note(f"{name} key", client.cookies[name].value)

    def places(self) -> dict[str, bytes]:
        """Everything there is to look through."""
        written = {f"log as {style}": text.getvalue().encode() for style, text in self.logged.items()}
        opened = "\n".join(str(dict(client.session)) for client in self.clients).encode()
        return {"tables": tables(), "cache": cached(), "mail": mailed(), "opened sessions": opened, **written}

    def finds(self) -> set[tuple[str, str]]:
        """(where, what) for every secret that lies about."""
        return {
            (place, what)
            for place, text in self.places().items()
            for what, words in self.secrets.items()
            if any(_lies(word, text) for word in words)
        }


def _lies(word: bytes, text: bytes) -> bool:
    """Six figures are looked for on their own, since they stand within many a number."""
    if len(word) > 6:
        return word in text
    return re.search(rb"(?<![0-9A-Za-z.])" + re.escape(word) + rb"(?![0-9A-Za-z])", text) is not None


@pytest.fixture
def hunt(tenant: Tenant) -> Iterator[Hunt]:
    """A hunt whose every place has been seen to sing."""
    root, written = logging.getLogger(), {style: io.StringIO() for style in ("json", "console")}
    handlers = [_handler(text, style) for style, text in written.items()]
    levels = {logger: logger.level for logger in (root, logging.getLogger("django"))}
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    started = Hunt(written)
    let_a_canary_sing(started, tenant)
    yield started
    for handler in handlers:
        root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)


def _handler(text: io.StringIO, style: str) -> logging.Handler:
    """Writes as the house does in this style."""
    settings = logs.configuration("DEBUG", style)
    handler = logging.StreamHandler(text)
    handler.setFormatter(DictConfigurator(settings).configure_formatter(settings["formatters"]["lines"]))
    handler.addFilter(logs.QuotesNothing())
    return handler


def let_a_canary_sing(hunt: Hunt, tenant: Tenant) -> None:
    """Plant a word in every place and see it found; then take it away and see it gone."""
    singing = Hunt(hunt.logged, clients=[people.enter(people.make_member("bird"), level=1)])
    singing.note("canary", CANARY)
    assert singing.finds() == set()
    text, row = CANARY, make_idp("cage")
    message = OutboxMessage.objects.create(
        tenant=str(tenant.pk), kind="x", about_type="x", about_id="x", posted_at=timezone.now(), due_at=timezone.now()
    )
    plants: dict[str, Callable[[str], Any]] = {
        "text": lambda word: Tenant.objects.filter(pk=tenant.pk).update(tagline=word),
        "bytes": lambda word: IdentityProvider.objects.filter(pk=row.pk).update(sealed_secret=word.encode()),
        "JSON": lambda word: OutboxMessage.objects.filter(pk=message.pk).update(payload={"to": word}),
        "base64": lambda word: Tenant.objects.filter(pk=tenant.pk).update(tagline=b64encode(word.encode()).decode()),
    }
    for kind, plant in plants.items():
        plant(text)
        assert singing.finds() == {("tables", "canary")}, kind
        plant("")
    for name, value in ((text, "x"), ("x", text), ("y", {"deep": [text]})):
        cache.set(name, value)
        assert singing.finds() == {("cache", "canary")}, name
        cache.delete(name)
    mail.outbox.append(mail.EmailMessage("x", text, to=["x@example.org"]))
    assert singing.finds() == {("mail", "canary")}
    mail.outbox.clear()
    structlog.get_logger("accounts").info("sung", by=text)
    logging.getLogger("another.library").debug("sung by %s", text)
    assert singing.finds() == {("log as json", "canary"), ("log as console", "canary")}
    for written in hunt.logged.values():
        assert written.getvalue().count(CANARY) == 2
        written.seek(0)
        written.truncate()
    session = singing.clients[0].session
    session["bird"] = text
    session.save()
    assert ("opened sessions", "canary") in singing.finds()
    del session["bird"]
    session.save()
    message.delete()
    row.delete()
    assert singing.finds() == set()


# --- the stories -----------------------------------------------------------------------------------------------------
def test_of_passwords_codes_seeds_tokens_and_keys_nothing_is_found(
    hunt: Hunt, receptionist: User, manager: User
) -> None:
    hunt.note("password", people.PASSWORD, WRONG, NEW)
    client = hunt.browser()
    password_step(client, "nobody@demo.example", WRONG)
    password_step(client, receptionist.email, WRONG)
    password_step(client, receptionist.email)
    hunt.note_keys()
    enrol(hunt, client)
    hunt.note_keys()
    come_in_again(hunt, receptionist)
    use_tokens(hunt, client, receptionist)
    body = {"old_password": WRONG, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/account/password/", body).status_code == 422
    assert client.post("/account/password/", body | {"old_password": people.PASSWORD}).status_code == 302
    hunt.note_keys()
    client.post("/account/sessions/end-others/")
    outbox.deliver(at=timezone.now(), limit=10)
    client.get("/account/data/")
    assert set(hunt.secrets) == {
        "password", "session key", "device key", "code", "seed", "recovery code", "API token",
    }  # fmt: skip
    assert len(mail.outbox) >= 1
    assert hunt.finds() == set()


def enrol(hunt: Hunt, client: Client) -> None:
    """An authenticator, with a wrong code first; and the recovery codes shown once."""
    shown = client.get(SETUP).context["secret_key"]
    seed = b32decode(shown)
    code, wrong = people.code_of(seed), f"{(int(people.code_of(seed)) + 1) % 1_000_000:06d}"
    hunt.note("seed", seed, shown, b32encode(seed))
    hunt.note("code", code, wrong)
    client.get("/account/two_factor/qrcode/")
    confirm(client, wrong)
    done = confirm(client, code)
    codes = re.findall(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}", done.text)
    assert len(codes) == 10
    hunt.note("recovery code", *codes, *(code.replace("-", "") for code in codes))


def come_in_again(hunt: Hunt, user: User) -> None:
    """With a wrong code, a right one, and a recovery code."""
    device = Authenticator.objects.get(user=user)
    Authenticator.objects.filter(pk=device.pk).update(last_t=-1)
    right = people.code_for(device)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    hunt.note("code", right, wrong)
    client = hunt.browser()
    password_step(client, user.email)
    hunt.note_keys()
    token_step(client, wrong)
    Authenticator.objects.get(user=user).throttle_reset()
    token_step(client, right)
    assert is_in(client)
    hunt.note_keys()
    other, codes = hunt.browser(), sorted(word.decode() for word in hunt.secrets["recovery code"] if b"-" in word)
    password_step(other, user.email)
    recovery_step(other, "AAAA-BBBB-CCCC-DDDD")
    used = next(code for code in codes if re.fullmatch(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}", code))
    recovery_step(other, used)
    assert is_in(other)
    hunt.note_keys()


def use_tokens(hunt: Hunt, client: Client, user: User) -> None:
    """A token made on the page and used, and a wrong one."""
    made = client.post("/account/tokens/", {"name": "robot", "scopes": [tokens.USE], "days": "30"})
    secret, wrong = made.context["secret"], "verso_" + "w" * 43
    hunt.note("API token", secret.removeprefix("verso_")[6:], wrong)
    for word, status in ((secret, 200), (wrong, 401)):
        answer = Client().get("/account/api/me/", headers={"authorization": f"Bearer {word}"})
        assert answer.status_code == status


def test_of_what_a_provider_says_nothing_is_found(hunt: Hunt, liar: forger.Forger, believed: IdentityProvider) -> None:
    said: list[str] = []
    sign = liar.sign

    def signed(claims: dict[str, Any]) -> str:
        said.append(sign(claims))
        return said[-1]

    liar.token = signed
    for broken in (True, False):
        liar.claims = {"aud": "another"} if broken else {}
        client = hunt.browser()
        sent = walking.begin(client, liar)
        hunt.note("state", sent["state"])
        answer = walking.come_back(client, sent, code=f"code-of-the-{'broken' if broken else 'honest'}")
        assert answer.status_code == (403 if broken else 200)
        hunt.note("verifier", liar.posted["code_verifier"])
    hunt.note_keys()
    assert len(said) == 2
    hunt.note("ID token", *said, *(part for token in said for part in token.split(".")[1:]))
    hunt.note("access token", "access-1")
    hunt.note("authorisation code", "code-of-the-broken", "code-of-the-honest")
    hunt.note("client secret", forger.SECRET)
    assert hunt.finds() == set()


@pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="needs xmlsec1")
def test_of_an_assertion_nothing_is_found(hunt: Hunt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saml, "KEY_BITS", 2048)
    provider = SamlIdp(make_keys(tmp_path))
    idp = make_idp("corp", protocol="saml", metadata=provider.metadata(), issuer="")
    map_group(idp, "desk", "receptionist")
    for changed in (True, False):
        client = hunt.browser()
        asked = client.get("/sso/corp/saml/start/")["Location"]
        answer = provider.answer(client.get("/sso/corp/saml/metadata/").content.decode(), asked)
        sent = b64encode(b64decode(answer).replace(b"s-1", b"s-2")).decode() if changed else answer
        told = client.post("/sso/corp/saml/acs/", {"SAMLResponse": sent, "RelayState": "/"})
        assert told.status_code == (403 if changed else 200)
        note_assertion(hunt, sent)
    hunt.note_keys()
    assert set(hunt.secrets) == {"assertion", "its signature", "session key", "device key"}
    assert hunt.finds() == set()


def note_assertion(hunt: Hunt, sent: str) -> None:
    """The whole of it, its opening tag, and its signature however it is wrapped."""
    xml = xml_of(sent)
    opening = re.search(r"<\w+:Assertion[^>]*>", xml)
    signature = re.search(r"SignatureValue>\s*([A-Za-z0-9+/]{40})", xml)
    assert opening and signature
    hunt.note("assertion", sent, xml, opening[0])
    hunt.note("its signature", signature[1])
