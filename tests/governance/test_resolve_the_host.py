"""The host decides the tenant, before anything else; whoever asks on an unknown host gets 404, whatever they ask."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from accounts.models import Tenant
from governance import tenancy
from governance.middleware import TenantMiddleware
from governance.models import Person
from tests.factories.governance import make_person

pytestmark = pytest.mark.django_db
ADDRESSES = (
    "/",
    "/admin/",
    "/static/verso/site.css",
    "/account/login/",
    "/book/",
    "/sitemap.xml",
    "/robots.txt",
    "/nonsense",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_unknown_host_is_404_everywhere(tenant: Tenant, address: str) -> None:
    client = Client(headers={"host": "nobody.example"})
    for method in ("get", "post", "head", "options", "delete"):
        answer = getattr(client, method)(address)
        assert answer.status_code == 404, method
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Request-ID"]
        assert not answer.cookies


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "exa mple.com",
        "<script>",
        "a/b",
        "a\\b",
        "-",
        "..",
        "[::1",
        "x:notaport",
        "é.example",
        "a" * 300,
        "@",
        "a\x00b",
        "%00",
    ],
)
def test_a_malformed_host_is_refused_and_never_an_error(tenant: Tenant, host: str) -> None:
    assert Client(headers={"host": host}).get("/").status_code in (400, 404)


@pytest.mark.parametrize(
    "host", ["second.testserver", "SECOND.testserver", "second.testserver:8000", "second.testserver."]
)
def test_the_exact_host_enters_its_tenant(tenant: Tenant, second_tenant: Tenant, host: str) -> None:
    seen = []

    def page(request: HttpRequest) -> HttpResponse:
        seen.append(tenancy.current())
        return HttpResponse("ok")

    request = RequestFactory().get("/", headers={"host": host})
    assert TenantMiddleware(page)(request).status_code == 200
    assert seen == [second_tenant]
    assert tenancy.current_id() == tenant.pk  # as it was outside


def test_only_the_exact_host_counts(tenant: Tenant, second_tenant: Tenant) -> None:
    for host in ("x.second.testserver", "testserver.evil.example", "econd.testserver"):
        assert Client(headers={"host": host}).get("/").status_code == 404
    forwarded = Client(headers={"host": "nobody.example", "x-forwarded-host": "testserver"})
    assert forwarded.get("/").status_code == 404


def test_a_closed_tenant_is_404(tenant: Tenant, second_tenant: Tenant) -> None:
    assert tenancy.of_host("second.testserver") == second_tenant.pk
    second_tenant.is_active = False
    second_tenant.save()
    assert Client(headers={"host": "second.testserver"}).get("/").status_code == 404


def test_a_streamed_answer_is_produced_in_its_tenant(tenant: Tenant, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        make_person("Theirs One")

    def names() -> Iterator[str]:
        yield "start "
        yield from (person.name for person in Person.objects.all())

    request = RequestFactory().get("/", headers={"host": "second.testserver"})
    answer: Any = TenantMiddleware(lambda _request: StreamingHttpResponse(names()))(request)
    assert b"".join(answer.streaming_content) == b"start Theirs One"


def test_asking_again_costs_no_query(tenant: Tenant, django_assert_num_queries: Any) -> None:
    page = TenantMiddleware(lambda _request: HttpResponse(tenancy.current().name))
    request = RequestFactory().get("/", headers={"host": "testserver"})
    tenancy.forget()
    with django_assert_num_queries(1):
        page(request)
        page(request)
