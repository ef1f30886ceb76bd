"""A provider's claims in our terms: groups, second factors, verified addresses, in the usual dialects."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.module_loading import import_string

from accounts import oidc
from accounts.models import IdentityProvider, Tenant
from tests.factories.sso import make_idp
from tests.sso import forger, walking
from tests.sso.forger import Forger


@pytest.mark.parametrize(
    ("said", "claim", "found"),
    [
        ({"groups": ["a", "b", "a"]}, "groups", ("a", "b")),
        ({"groups": []}, "groups", ()),
        ({"groups": "a"}, "groups", ("a",)),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ("a",)),
        ({"https://acme.example/groups": ["a"]}, "https://acme.example/groups", ("a",)),
        # Nothing usable was said, which is not "in no group": nothing is taken away then.
        ({}, "groups", None),
        ({"groups": None}, "groups", None),
        ({"groups": [1, 2]}, "groups", None),
        ({"groups": {"a": 1}}, "groups", None),
        ({"realm_access": ["roles"]}, "realm_access.roles", None),
        # Entra ID, once somebody is in more groups than it sends.
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {}}}, "groups", None),
        ({"hasgroups": True, "groups": ["a"]}, "groups", None),
        ({"hasgroups": "true"}, "groups", None),
    ],
)
def test_groups(said: dict[str, Any], claim: str, found: tuple[str, ...] | None) -> None:
    assert oidc.groups(said, claim) == found


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({}, ()),
        ({"amr": ["pwd"]}, ()),
        ({"amr": ["pwd", "mfa"]}, ("mfa",)),
        ({"amr": "mfa"}, ("mfa",)),
        ({"acr": "urn:acme:two"}, ("urn:acme:two",)),
        ({"acrs": ["c1", "c2"]}, ("c1",)),
        ({"amr": [["mfa"]], "acr": {"mfa": 1}}, ()),
        ({"mfa": True, "name": "mfa"}, ()),
    ],
)
def test_what_counts_as_a_second_factor(tenant: Tenant, said: dict[str, Any], counted: tuple[str, ...]) -> None:
    idp = make_idp(mfa_evidence=["mfa", "urn:acme:two", "c1"])
    word = oidc.word(idp, {"sub": "s-1", **said})
    assert word.second_factor == counted
    assert word.evidence(idp).methods == (("idp", "idp-mfa") if counted else ("idp",))
    assert oidc.word(make_idp("plain"), {"sub": "s-1", **said}).second_factor == ()


@pytest.mark.parametrize(
    ("said", "verified"),
    [
        ({"email_verified": True}, True),
        ({"email_verified": "true"}, True),
        ({"xms_edov": True}, True),
        ({"xms_edov": 1}, True),
        ({"xms_edov": "1"}, True),
        ({"xms_edov": False}, False),
        ({"email_verified": False, "xms_edov": True}, False),
        ({"email_verified": "yes"}, False),
        ({"email_verified": 1.0}, False),
        ({}, False),
    ],
)
def test_whether_an_address_is_vouched_for(tenant: Tenant, said: dict[str, Any], verified: bool) -> None:
    assert oidc.word(make_idp(), {"sub": "s", "email": "a@b.example", **said}).claims.email_verified is verified


def test_evidence_is_asked_for(client: Client, liar: Forger, tenant: Tenant) -> None:
    walking.provider(liar.issuer, forger.SECRET, mfa_evidence=["mfa", "c1", "urn:acme:two"])
    sent = walking.begin(client, liar)
    assert sent["claims"] == '{"id_token":{"acrs":{"essential":true,"value":"c1"}}}'
    assert sent["acr_values"] == "urn:acme:two"


def test_an_endpoint_may_have_a_query_of_its_own(client: Client, liar: Forger, tenant: Tenant) -> None:
    walking.provider(liar.issuer, forger.SECRET)
    liar.metadata["authorization_endpoint"] = f"{liar.issuer}/auth?policy=staff"
    address = client.get(walking.START).url
    assert address.startswith(f"{liar.issuer}/auth?policy=staff&response_type=code&")


def test_the_exchange_permits_nothing_and_is_no_backend(tenant: Tenant, liar: Forger) -> None:
    """The stock backend inherits `ModelBackend`, is built at every load of a session, and reads settings then."""
    idp = walking.provider(liar.issuer, forger.SECRET)
    trade = oidc.Exchange(idp, redirect_uri="", fresh_since=None, at=idp.created_at)
    assert not issubclass(oidc.Exchange, tuple(import_string(path) for path in settings.AUTHENTICATION_BACKENDS))
    assert not [path for path in settings.AUTHENTICATION_BACKENDS if "oidc" in path]
    assert trade.get_all_permissions(None) == set()
    assert not trade.has_perm(None, "accounts.view_user")
    assert not trade.has_module_perms(None, "accounts")
    assert trade.get_user(1) is None
    assert IdentityProvider.objects.count() == 1
