"""A SAML provider's signed answer to our own question opens a session; nothing else does."""

import base64
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from saml2.samlp import STATUS_AUTHN_FAILED

from accounts import flows, provisioning, saml, signin
from accounts.models import (
    AuthSession,
    ExternalIdentity,
    IdentityProvider,
    Membership,
    RoleGrant,
    SamlSeenAssertion,
    Tenant,
    User,
)
from audit.models import Event
from tests.factories import accounts as people
from tests.factories.sso import claims, make_idp
from tests.sso.saml_idp import ACS, METADATA, MFA, START, SamlIdp, field_of, inflated, xml_of

pytestmark = pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="needs xmlsec1")
NEW_KEY = saml._new_key


def told(client: Client, answer: str) -> Any:
    return client.post(ACS, {"SAMLResponse": answer, "RelayState": "/"})


def refused(answer: Any) -> str:
    """The word the ledger has for a refusal, which the visitor reads as a page; and nobody is in."""
    assert (answer.status_code, "You are not signed in" in answer.text) == (403, True), answer.content
    assert "session" not in answer.cookies
    assert not AuthSession.objects.exists()
    return said_no()


def said_no() -> str:
    entry = Event.objects.filter(action="accounts.sso.refused").order_by("id").last()
    assert entry is not None
    assert entry.outcome == "refused"
    return str(entry.reason)


# --- the way in ------------------------------------------------------------------------------------------------------
def test_a_signed_answer_opens_a_session_with_the_roles_of_the_groups(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask("?next=/account/")
    answer = told(client, provider.answer(metadata, location))
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/account/">' in answer.text
    user = User.objects.get(email="ada@acme.example")
    assert client.session[signin.STANDING]["methods"] == ["idp"]
    assert RoleGrant.objects.get(membership__user=user).role.key == "receptionist"
    assert ExternalIdentity.objects.get().subject == "s-1"


def test_we_ask_signed_for_a_lasting_name_and_no_more(ask: Callable[..., tuple[str, str]]) -> None:
    location, _metadata = ask()
    assert location.startswith("https://idp.example/sso?")
    assert "Signature=" in location and "rsa-sha256" in location
    asked = inflated(location)
    assert 'Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"' in asked
    assert "ForceAuthn" not in asked


def test_a_single_factor_there_is_a_single_factor_here(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    told(client, provider.answer(metadata, location))
    assert client.get("/admin/").status_code == 302  # to enrol a second factor first


def test_what_the_row_lists_counts_as_a_second_factor(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    provider.context = MFA
    location, metadata = ask()
    told(client, provider.answer(metadata, location))
    assert client.get("/admin/").status_code == 200


def test_a_name_that_is_an_address_will_do(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    provider.name_format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    provider.subject, provider.said = "ada@acme.example", {"groups": []}
    location, metadata = ask()
    assert told(client, provider.answer(metadata, location)).status_code == 200
    assert User.objects.filter(email="ada@acme.example").exists()


def test_nothing_encrypted_is_heard(client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]) -> None:
    location, metadata = ask()
    assert 'use="encryption"' not in metadata
    ours = re.findall(r"X509Certificate>\s*([^<]+)<", metadata)[0]
    answer = provider.answer(metadata, location, encrypt_assertion=True, encrypt_cert_assertion="".join(ours.split()))
    assert "EncryptedAssertion" in xml_of(answer)
    assert refused(told(client, answer)) == "encrypted"


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/", "file:///etc/hostname", ""])
def test_nothing_is_fetched_or_decrypted_on_the_way(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pysaml2 believed an unsigned assertion that came out of a second decryption; xmlsec1 followed references."""
    location, metadata = ask()
    hidden = (
        '<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"><xenc:CipherData>'
        f'<xenc:CipherReference URI="{target}"/></xenc:CipherData></xenc:EncryptedData>'
    )
    honest = xml_of(provider.answer(metadata, location))
    monkeypatch.setattr("saml2.sigver.CryptoBackendXmlSec1._run_xmlsec", lambda *_args: pytest.fail("it was asked"))
    placed = re.sub(r"(</\w+:Status>)", rf"\1{hidden}", honest)
    assert hidden in placed
    assert refused(told(client, field_of(placed))) == "encrypted"


def test_a_signature_refers_to_its_own_document_only(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    location, metadata = ask()
    honest = xml_of(provider.answer(metadata, location))
    monkeypatch.setattr("saml2.sigver.CryptoBackendXmlSec1._run_xmlsec", lambda *_args: pytest.fail("it was asked"))
    elsewhere = re.sub(r'URI="#[^"]*"', 'URI="http://127.0.0.1:9/"', honest)
    assert refused(told(client, field_of(elsewhere))) == "signature_elsewhere"


def test_our_metadata_says_where_and_with_which_key(
    client: Client, corp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saml, "_new_key", NEW_KEY)
    monkeypatch.setattr(saml, "KEY_BITS", 2048)
    answer = client.get(METADATA)
    assert answer["Content-Type"] == "text/xml; charset=utf-8"
    assert 'entityID="http://testserver/sso/corp/saml/metadata/"' in answer.text
    assert 'Location="http://testserver/sso/corp/saml/acs/"' in answer.text
    corp.refresh_from_db()
    assert corp.certificate.splitlines()[1] in answer.text.replace("\n", "") or "X509Certificate" in answer.text
    assert b"PRIVATE" not in bytes(corp.sealed_signing_key or b"")
    assert client.get(METADATA).content == answer.content  # the key is made once


# --- what is not believed --------------------------------------------------------------------------------------------
SIGNATURE = re.compile(r"<\w+:Signature .*?</\w+:Signature>", re.S)


def unsigned(xml: str) -> str:
    return SIGNATURE.sub("", xml)


def other_subject(xml: str) -> str:
    return xml.replace(">s-1<", ">s-2<")


def wrapped(xml: str) -> str:
    """Signature wrapping: the signed assertion hidden inside the forged one."""
    signed = re.search(r"<\w+:Assertion .*</\w+:Assertion>", xml, re.S)
    assert signed is not None
    forged = re.sub(r'ID="[^"]*"', 'ID="id-forged"', unsigned(signed[0]), count=1).replace(">s-1<", ">s-2<")
    end = re.search(r"</\w+:Assertion>$", forged)
    assert end is not None
    return xml.replace(signed[0], forged[: end.start()] + signed[0] + end[0])


def beside(xml: str) -> str:
    """The forged assertion beside the signed one, and before it."""
    signed = re.search(r"<\w+:Assertion .*</\w+:Assertion>", xml, re.S)
    assert signed is not None
    forged = re.sub(r'ID="[^"]*"', 'ID="id-forged"', unsigned(signed[0]), count=1).replace(">s-1<", ">s-2<")
    return xml.replace(signed[0], forged + signed[0])


def same_id(xml: str) -> str:
    """The response carries the assertion's id as well."""
    name = re.search(r'Assertion [^>]*ID="([^"]*)"', xml)
    assert name is not None
    return re.sub(r'(<\w+:Response [^>]*)ID="[^"]*"', rf'\1ID="{name[1]}"', xml, count=1)


def with_doctype(xml: str) -> str:
    return xml.replace("?>", '?><!DOCTYPE x [<!ENTITY e "s-2">]>', 1) if "?>" in xml else f"<!DOCTYPE x []>{xml}"


def commented(xml: str) -> str:
    """A comment inside the name cuts it short for careless readers."""
    return xml.replace(">s-1<", ">s-<!-- -->1<")


@pytest.mark.parametrize(
    "forge", [unsigned, other_subject, wrapped, beside, same_id, with_doctype], ids=lambda forge: forge.__name__
)
def test_a_forged_answer_is_a_refusal_and_never_a_session(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], forge: Callable[[str], str]
) -> None:
    location, metadata = ask()
    honest = xml_of(provider.answer(metadata, location))
    forged = forge(honest)
    assert forged != honest
    refused(told(client, field_of(forged)))
    assert not User.objects.filter(email="ada@acme.example").exists()


def test_a_comment_in_a_name_makes_nobody_else_of_it(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    answer = told(client, field_of(commented(xml_of(provider.answer(metadata, location)))))
    assert answer.status_code in (200, 403)
    assert set(ExternalIdentity.objects.values_list("subject", flat=True)) <= {"s-1"}


def test_another_key_is_not_believed(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    location, metadata = ask()
    refused(told(client, SamlIdp(tmp_path / "other").answer(metadata, location)))


def test_another_provider_of_the_tenant_is_not_this_one(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    other = SamlIdp(tmp_path / "other", entity_id="https://other.example")
    make_idp("other", protocol="saml", metadata=other.metadata(), issuer="")
    location, metadata = ask()
    question = provider.heard(provider.server(metadata), location).id
    refused(told(client, other.response(other.server(metadata), in_response_to=question)))


def test_an_answer_to_another_providers_question_is_not_heard_here(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    other = SamlIdp(tmp_path / "other", entity_id="https://other.example")
    make_idp("other", protocol="saml", metadata=other.metadata(), issuer="")
    location, metadata = ask()
    their_question = client.get("/sso/other/saml/start/")["Location"]  # the browser waits for both
    question = re.search(r' ID="([^"]*)"', inflated(their_question))
    assert question is not None
    answer = provider.response(provider.server(metadata), in_response_to=question[1])
    assert refused(told(client, answer)) == "another provider's state"
    assert refused(client.post("/sso/other/saml/acs/", {"SAMLResponse": provider.answer(metadata, location)})) == (
        "another provider's state"
    )


def test_two_windows_do_not_disturb_each_other(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    first, metadata = ask("?next=/account/sessions/")
    ask("?next=/account/")
    answer = told(client, provider.answer(metadata, first))
    assert answer.context["onward"] == "/account/sessions/"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sp_entity_id": "https://somebody.else/metadata"}, "not_accepted"),
        ({"sign_alg": "http://www.w3.org/2000/09/xmldsig#rsa-sha1"}, "weak_signature"),
        ({"digest_alg": "http://www.w3.org/2000/09/xmldsig#sha1"}, "weak_digest"),
        ({"sign_assertion": False, "sign_response": True}, "assertion_not_signed"),
        ({"sign_assertion": False}, "assertion_not_signed"),
    ],
    ids=[
        "another audience",
        "SHA-1 signature",
        "SHA-1 digest",
        "only the response",
        "nothing signed",
    ],
)
def test_what_is_not_for_us_or_weakly_signed(
    client: Client,
    provider: SamlIdp,
    ask: Callable[..., tuple[str, str]],
    changes: dict[str, Any],
    code: str,
) -> None:
    location, metadata = ask()
    server = provider.server(metadata)
    request = provider.heard(server, location)
    answer = provider.response(server, in_response_to=request.id, **changes)
    assert refused(told(client, answer)) == code


def resigned(provider: SamlIdp, answer: str, change: Callable[[str], str]) -> str:
    """An answer changed and signed again with the provider's own key: what a careless provider would send."""
    xml = change(xml_of(answer))
    xml = re.sub(r"(<\w+:DigestValue)>[^<]*<", r"\1><", xml)
    xml = re.sub(r"(<\w+:SignatureValue)>[^<]*<", r"\1><", xml)
    return field_of(provider.sign(xml))


def without_audience(xml: str) -> str:
    return re.sub(r"<\w+:AudienceRestriction>.*?</\w+:AudienceRestriction>", "", xml, flags=re.S)


def without_question(xml: str) -> str:
    return re.sub(r' InResponseTo="[^"]*"', "", xml)


def long_ago(xml: str) -> str:
    return re.sub(r'NotOnOrAfter="[^"]*"', 'NotOnOrAfter="2020-01-01T00:00:00Z"', xml)


def not_yet(xml: str) -> str:
    return re.sub(r'NotBefore="[^"]*"', 'NotBefore="2099-01-01T00:00:00Z"', xml)


def without_end(xml: str) -> str:
    return re.sub(r'(<\w+:SubjectConfirmationData[^>]*) NotOnOrAfter="[^"]*"', r"\1", xml)


def another_recipient(xml: str) -> str:
    return re.sub(r'Recipient="[^"]*"', 'Recipient="https://somebody.else/acs"', xml)


def another_destination(xml: str) -> str:
    return re.sub(r'Destination="[^"]*"', 'Destination="https://somebody.else/acs"', xml)


def passing_name(xml: str) -> str:
    return xml.replace("nameid-format:persistent", "nameid-format:transient")


def another_issuer(xml: str) -> str:
    return xml.replace(">https://idp.example/metadata<", ">https://evil.example/metadata<")


@pytest.mark.parametrize(
    "change",
    [
        without_audience,
        without_question,
        long_ago,
        not_yet,
        without_end,
        another_recipient,
        another_destination,
        passing_name,
        another_issuer,
    ],
    ids=lambda change: change.__name__,
)
def test_even_a_rightly_signed_answer_must_be_for_us_now_and_lasting(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], change: Callable[[str], str]
) -> None:
    location, metadata = ask()
    honest = provider.answer(metadata, location)
    refused(told(client, resigned(provider, honest, change)))


def test_signing_again_without_a_change_is_believed(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    answer = resigned(provider, provider.answer(metadata, location), lambda xml: xml)
    assert told(client, answer).status_code == 200  # so the refusals above are about what was changed


def test_an_answer_serves_once(client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]) -> None:
    location, metadata = ask()
    answer = provider.answer(metadata, location)
    assert told(client, answer).status_code == 200
    again = told(client, answer)
    assert (again.status_code, said_no()) == (403, "unknown state")


def test_an_assertion_is_remembered_even_if_the_question_were_not_spent(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    location, metadata = ask()
    answer = provider.answer(metadata, location)
    monkeypatch.setattr(flows.cache, "delete", lambda name, **_: True)  # the flow stays where it is
    assert told(client, answer).status_code == 200
    assert SamlSeenAssertion.objects.count() == 1
    again = told(client, answer)
    assert (again.status_code, said_no()) == (403, "replayed")


def test_a_server_without_xmlsec1_says_so(
    client: Client, corp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saml.shutil, "which", lambda name: None)
    assert refused(client.get(START)) == "no_xmlsec1"
    assert "by SAML at the moment" in client.get(METADATA).text


def test_without_a_question_nothing_is_heard(
    client: Client, provider: SamlIdp, corp: IdentityProvider, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    answer = provider.answer(metadata, location)
    assert refused(told(Client(), answer)) == "no cookie"
    other = Client()
    other.get(START)
    assert refused(told(other, answer)) == "another browser"
    assert told(client, answer).status_code == 200  # which spoils nothing


def test_the_mark_comes_back_with_a_post_from_elsewhere(client: Client, ask: Callable[..., tuple[str, str]]) -> None:
    ask()
    cookie = client.cookies["flow-posted"]
    kept = [cookie[name] for name in ("samesite", "secure", "httponly", "max-age", "path")]
    assert kept == ["None", True, True, 600, "/"]


@pytest.mark.parametrize(
    "nonsense",
    ["", "AAAA", base64.b64encode(b"<x/>").decode(), base64.b64encode(b"\x00\xff").decode(), "%%%", "x" * 900_000],
)
def test_nonsense_is_a_refusal(client: Client, ask: Callable[..., tuple[str, str]], nonsense: str) -> None:
    ask()
    refused(told(client, nonsense))


def test_a_provider_that_refuses_is_told_as_a_refusal(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    server = provider.server(metadata)
    request = provider.heard(server, location)
    error = server.create_error_response(
        request.id, "http://testserver/sso/corp/saml/acs/", (STATUS_AUTHN_FAILED, "no"), sign=False
    )
    refused(told(client, field_of(str(error))))


def test_people_of_another_domain_get_a_page_and_no_account(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]]
) -> None:
    provider.said["mail"] = ["eve@evil.example"]
    location, metadata = ask()
    assert refused(told(client, provider.answer(metadata, location))) == "domain_not_allowed"
    assert not User.objects.filter(email="eve@evil.example").exists()


def test_the_sign_in_page_offers_it(client: Client, corp: IdentityProvider) -> None:
    assert 'href="/sso/corp/saml/start/"' in client.get("/account/login/").text


# --- test mode and drafts --------------------------------------------------------------------------------------------
def test_a_draft_has_no_addresses(client: Client, tenant: Tenant, provider: SamlIdp) -> None:
    make_idp("corp", protocol="saml", metadata=provider.metadata(), status="draft")
    assert [client.get(path).status_code for path in (START, METADATA)] == [404, 404]


def test_in_test_mode_only_staff_try_it_and_nobody_is_signed_in(
    client: Client, provider: SamlIdp, corp: IdentityProvider, owner: User
) -> None:
    IdentityProvider.objects.update(status="test")
    assert client.get(START).status_code == 404
    staff = people.enter(owner)
    sent = staff.get(START + "?why=try")
    answer = told(staff, provider.answer(staff.get(METADATA).content.decode(), sent["Location"]))
    shown = staff.get(answer.context["onward"])
    for words in ("You are Receptionist because of the group desk.", "Would come in", "ada@acme.example"):
        assert words in shown.text
    assert not User.objects.filter(email="ada@acme.example").exists()
    assert staff.get("/admin/").status_code == 200  # still the owner


# --- step-up ---------------------------------------------------------------------------------------------------------
def test_stepping_up_asks_the_provider_anew_for_the_same_person(
    client: Client, provider: SamlIdp, corp: IdentityProvider, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    told(client, provider.answer(metadata, location))
    user = User.objects.get(email="ada@acme.example")
    assert client.session[signin.STANDING]["level"] == 1

    provider.context = MFA
    location, _metadata = ask("?why=verify&next=/account/")
    assert 'ForceAuthn="true"' in inflated(location)
    answer = told(client, provider.answer(metadata, location))
    onward = answer.context["onward"]
    assert onward.startswith("/sso/corp/saml/verified/?")
    assert client.session[signin.STANDING]["level"] == 1  # the POST brought no session with it
    assert client.get(onward).url == "/account/"
    assert client.session[signin.STANDING]["level"] == 2
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.get(onward).status_code == 403  # once


def test_somebody_else_does_not_step_up_for_me(
    client: Client, provider: SamlIdp, corp: IdentityProvider, ask: Callable[..., tuple[str, str]]
) -> None:
    location, metadata = ask()
    told(client, provider.answer(metadata, location))
    provider.subject, provider.said = "s-9", {"mail": ["bob@acme.example"], "groups": []}
    location, _metadata = ask("?why=verify")
    answer = told(client, provider.answer(metadata, location))
    assert (answer.status_code, said_no()) == (403, "one_factor_only")
    provider.context = MFA
    location, _metadata = ask("?why=verify")
    answer = told(client, provider.answer(metadata, location))
    assert (answer.status_code, said_no()) == (403, "another_person")
    assert not User.objects.filter(email="bob@acme.example").exists()


# --- signing out -----------------------------------------------------------------------------------------------------
@pytest.fixture
def theirs(corp: IdentityProvider) -> AuthSession:
    """A session of s-1 that began at the provider."""
    now = timezone.now()
    user = provisioning.arrive(corp, claims("s-1", groups=("desk",)), at=now).user
    return AuthSession.objects.create(
        user=user,
        key_digest="0" * 64,
        started_at=now,
        seen_at=now,
        verified_at=now,
        expires_at=now.replace(year=now.year + 1),
        level=1,
        idp=corp,
        idp_session="sid-1",
    )


def test_a_signed_logout_request_ends_the_sessions_and_is_answered_signed(
    client: Client, provider: SamlIdp, theirs: AuthSession
) -> None:
    metadata = client.get(METADATA).content.decode()
    slo = "http://testserver/sso/corp/saml/slo/"
    answer = client.get(f"/sso/corp/saml/slo/?{provider.logout_request(metadata, slo)}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("https://idp.example/slo?SAMLResponse=")
    assert "Signature=" in answer["Location"]
    theirs.refresh_from_db()
    assert theirs.ended_why == "ended at the identity provider"


def test_only_the_named_session_ends(client: Client, provider: SamlIdp, theirs: AuthSession) -> None:
    metadata = client.get(METADATA).content.decode()
    slo = "http://testserver/sso/corp/saml/slo/"
    client.get(f"/sso/corp/saml/slo/?{provider.logout_request(metadata, slo, sessions=('sid-2',))}")
    theirs.refresh_from_db()
    assert theirs.ended_at is None
    client.get(f"/sso/corp/saml/slo/?{provider.logout_request(metadata, slo, sessions=('sid-1',))}")
    theirs.refresh_from_db()
    assert theirs.ended_at is not None


def test_an_unsigned_or_forged_logout_request_ends_nothing(
    client: Client, provider: SamlIdp, theirs: AuthSession, tmp_path: Path
) -> None:
    metadata = client.get(METADATA).content.decode()
    slo = "http://testserver/sso/corp/saml/slo/"
    forger = SamlIdp(tmp_path / "forger")
    queries = [
        provider.logout_request(metadata, slo, sign=False),
        forger.logout_request(metadata, slo),
        provider.logout_request(metadata, slo).replace("Signature=", "Signature=AA"),
    ]
    assert [client.get(f"/sso/corp/saml/slo/?{query}").status_code for query in queries] == [403, 403, 403]
    assert client.post("/sso/corp/saml/slo/", {"SAMLRequest": field_of("<x/>")}).status_code == 403
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_a_logout_request_serves_once(client: Client, provider: SamlIdp, theirs: AuthSession) -> None:
    metadata = client.get(METADATA).content.decode()
    query = provider.logout_request(metadata, "http://testserver/sso/corp/saml/slo/")
    assert client.get(f"/sso/corp/saml/slo/?{query}").status_code == 302
    assert client.get(f"/sso/corp/saml/slo/?{query}").status_code == 403


def test_memberships_that_ended_do_not_come_back(
    client: Client, provider: SamlIdp, ask: Callable[..., tuple[str, str]], theirs: AuthSession
) -> None:
    Membership.objects.filter(user=theirs.user).update(is_active=False)
    location, metadata = ask()
    answer = told(client, provider.answer(metadata, location))
    assert (answer.status_code, said_no()) == (403, "membership_ended")
