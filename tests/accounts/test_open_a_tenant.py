"""Opening a tenant and making its owner, from the terminal."""

import json
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import tenants, validators
from accounts.models import Membership, Role, Tenant, User
from governance import tenancy
from tests.accounts.signing_in import password_step
from tests.factories import accounts as people


def run(*words: str) -> dict[str, object]:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_a_tenant_with_hosts_and_system_roles(db: None) -> None:
    words = ["create_tenant", "salon", "--name", "Salon Sol", "--host", "Salon.Example.org", "--host", "www.salon.test"]
    done = run(*words, "--time-zone", "Europe/Madrid", "--locale", "es")
    tenant = Tenant.objects.get(slug="salon")
    assert (done["id"], tenant.time_zone, tenant.locale) == (str(tenant.pk), "Europe/Madrid", "es")
    hosts = list(tenant.domains.values_list("host", "is_primary"))
    assert hosts == [("salon.example.org", True), ("www.salon.test", False)]
    with tenancy.within(tenant):
        keys = set(Role.objects.values_list("key", flat=True))
    assert keys == {"owner", "manager", "receptionist", "editor", "reviewer", "auditor", "visitor"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["demo", "--name", "x", "--host", "new.example"],
        ["new", "--name", "x", "--host", "testserver"],
        ["new", "--name", "x", "--host", "https://new.example"],
        ["new", "--name", "x", "--host", "new.example:8000"],
        ["new", "--name", "x", "--host", "*.new.example"],
        ["new", "--name", "x", "--host", "new.example", "--time-zone", "Mars/Base"],
        ["new", "--name", "x", "--host", "new.example", "--locale", "xx"],
    ],
)
def test_what_cannot_be_opened_leaves_nothing(tenant: Tenant, wrong: list[str]) -> None:
    with tenancy.across(), pytest.raises(CommandError):
        run("create_tenant", *wrong)
    assert list(Tenant.objects.values_list("slug", flat=True)) == ["demo"]


def test_one_more_host(tenant: Tenant) -> None:
    assert run("open_host", "www.demo.example", "--tenant", "demo") == {"host": "www.demo.example", "primary": False}
    assert Client(headers={"host": "www.demo.example"}).get("/account/login/").status_code == 200
    with pytest.raises(CommandError, match="already belongs to a tenant"):
        run("open_host", "www.demo.example", "--tenant", "demo")


@pytest.mark.parametrize("host", ["a.example", "localhost", "127.0.0.1", "::1", "xn--bcher-kva.example"])
def test_hosts_as_browsers_send_them(host: str) -> None:
    validators.exact_host(host)


def test_an_owner_chooses_a_password_by_link(tenant: Tenant, client: Client) -> None:
    done = run("create_owner", "boss@demo.example", "--tenant", "demo", "--name", "Boss")
    user = User.objects.get(email="boss@demo.example")
    assert [g.role.key for g in Membership.objects.get(user=user).grants.all()] == ["owner"]
    assert not user.is_operator
    link = str(done["link"])
    path = link[link.index("/account/welcome/") :]
    client.post(path, {"new_password1": people.PASSWORD, "new_password2": people.PASSWORD})
    assert password_step(client, user.email).status_code == 302
    assert client.get("/admin/").url.startswith("/account/two_factor/setup/")


def test_a_link_serves_in_its_tenant_only(tenant: Tenant, second_tenant: Tenant) -> None:
    link = str(run("create_owner", "boss@demo.example", "--tenant", "demo")["link"])
    path = link[link.index("/account/welcome/") :]
    assert Client(headers={"host": "second.testserver"}).get(path).status_code == 410
    for nonsense in ["/account/welcome/x/y/", "/account/welcome/AAAA/c-d/", "/account/welcome/%00/a/"]:
        assert Client().get(nonsense).status_code in (404, 410)


def test_only_the_command_makes_operators(tenant: Tenant) -> None:
    run("create_owner", "ops@demo.example", "--tenant", "demo", "--operator")
    assert User.objects.get(email="ops@demo.example").is_operator


def test_an_owner_needs_a_tenant(db: None) -> None:
    with pytest.raises(CommandError):
        run("create_owner", "boss@demo.example")
    with pytest.raises(CommandError):
        run("create_owner", "boss@demo.example", "--tenant", "nowhere")


def test_a_tenant_describes_only_itself(tenant: Tenant) -> None:
    with pytest.raises(TypeError):
        tenants.describe(tenant, by=None, at=timezone.now(), slug="other")
    with pytest.raises(ValidationError):
        tenants.describe(tenant, by=None, at=timezone.now(), brand_colour="red")
