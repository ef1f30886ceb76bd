"""Sign-up, reset and change of address under the role the web connects as, which the second wall binds."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ExternalIdentity, IdentityProvider, Tenant, User
from governance import tenancy
from tests.accounts.by_code import CHOOSE, EMAIL, NEW, RESET, SIGNUP, code_in, confirm, deliver, sent_code, twice, typed
from tests.factories import accounts as people

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_newcomer_signs_up_moves_and_forgets(tenant: Tenant, as_web: Any) -> None:
    client = Client()
    client.post(SIGNUP, typed())
    assert confirm(client, SIGNUP, sent_code()).url == "/account/"
    client.post(EMAIL, {"email": "other@example.org"})
    assert confirm(client, EMAIL, sent_code()).url == "/account/"
    assert [message.to for message in deliver()] == [["nora@example.org"]]
    client.post(RESET, {"email": "other@example.org"})
    assert confirm(client, RESET, sent_code()).url == CHOOSE
    new = NEW[::-1]
    assert client.post(CHOOSE, twice(new)).url == "/account/login/"
    assert User.objects.get().check_password(new)


def test_another_tenants_provider_is_seen_and_a_code_of_its_is_not(
    tenant: Tenant, second_tenant: Tenant, as_web: Any
) -> None:
    visitor = people.make_member("visitor")
    User.objects.filter(pk=visitor.pk).update(password="!")
    with tenancy.within(second_tenant):
        idp = IdentityProvider.objects.create(slug="okta", name="Okta", protocol="saml", status="live")
        ExternalIdentity.objects.create(idp=idp, subject="x", user=visitor, linked_at=timezone.now())
    client = Client()
    client.post(RESET, {"email": visitor.email})
    (message,) = deliver()
    assert (code_in(message), "through your organisation" in message.body) == ("", True)
    assert client.get(RESET + "confirm/", headers={"host": "second.testserver"}).status_code == 302
