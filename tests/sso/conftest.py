"""The providers of the stories: one that is certified, one that lies, and one that speaks SAML."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.test import Client
from saml2.cryptography import asymmetric

from accounts import saml
from accounts.models import IdentityProvider, Tenant
from audit import breakers
from tests.factories.sso import make_idp, map_group
from tests.sso import certified, forger, saml_idp, walking
from tests.sso.saml_idp import METADATA, MFA, START, SamlIdp


@pytest.fixture(autouse=True)
def nobody_is_left_alone() -> None:
    """What one story does to a provider's breaker is not the next one's."""
    breakers.to.cache_clear()


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The certified provider, for clients that speak to `testserver`."""
    redirects = f"http://testserver{walking.CALLBACK}"
    with certified.running(redirects=redirects, after="http://testserver/account/login/") as address:
        yield address


@pytest.fixture
def acme(issuer: str, tenant: Tenant) -> IdentityProvider:
    """The certified provider as a row: its desk group holds the receptionist's role."""
    idp = walking.provider(issuer, certified.SECRET, mfa_evidence=["mfa"])
    map_group(idp, "desk", "receptionist")
    return idp


@pytest.fixture
def liar() -> Iterator[forger.Forger]:
    """The provider that lies."""
    with forger.running() as running:
        yield running


@pytest.fixture
def believed(liar: forger.Forger, tenant: Tenant) -> IdentityProvider:
    """The liar as a row, set up like an honest one."""
    idp = walking.provider(liar.issuer, forger.SECRET, mfa_evidence=["mfa"])
    map_group(idp, "desk", "receptionist")
    return idp


# --- SAML ------------------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def keys_are_made_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making and reading RSA keys is most of what a SAML story would cost; one makes its own and says so."""
    monkeypatch.setattr(asymmetric, "load_pem_private_key", saml_idp.read_key)

    def ready(idp: IdentityProvider, *, at: datetime) -> tuple[bytes, str]:
        return saml_idp.own_key()

    monkeypatch.setattr(saml, "_new_key", ready)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saml_idp.make_keys(tmp_path_factory.mktemp("idp"))


@pytest.fixture(scope="session")
def saml_metadata_of_corp(keys: Path) -> str:
    return SamlIdp(keys).metadata()


@pytest.fixture
def provider(keys: Path) -> SamlIdp:
    """A SAML provider that speaks of s-1, Ada of the desk."""
    return SamlIdp(keys)


@pytest.fixture
def corp(tenant: Tenant, saml_metadata_of_corp: str) -> IdentityProvider:
    """It as a row."""
    row = make_idp("corp", protocol="saml", metadata=saml_metadata_of_corp, issuer="", mfa_evidence=[MFA])
    map_group(row, "desk", "receptionist")
    return row


@pytest.fixture
def ask(client: Client, corp: IdentityProvider) -> Callable[..., tuple[str, str]]:
    """Begin: where the provider is asked, and our metadata as it knows it."""

    def asked(query: str = "", browser: Client = client) -> tuple[str, str]:
        sent = browser.get(START + query)
        assert sent.status_code == 302
        return sent["Location"], client.get(METADATA).content.decode()

    return asked
