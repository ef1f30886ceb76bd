"""Every answer carries the security headers: pages, files, redirects, refusals and failures."""

import pytest
from django.test import Client, override_settings
from django.urls import path

from accounts.models import Tenant
from verso.headers import PERMISSIONS_POLICY

CSP = {
    "default-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def breaks(request: object) -> None:
    raise RuntimeError("on purpose")


urlpatterns = [path("breaks/", breaks)]


def directives(header: str) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in header.split(";"))


def assert_guarded(response) -> None:  # type: ignore[no-untyped-def]
    assert directives(response["Content-Security-Policy"]).items() >= CSP.items()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["Permissions-Policy"] == PERMISSIONS_POLICY
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/nowhere/", "/admin/", "/contact/", "/static/verso/site.css"])
@pytest.mark.parametrize("method", ["get", "post", "options"])
def test_every_answer_is_guarded(tenant: Tenant, client: Client, address: str, method: str) -> None:
    assert_guarded(getattr(client, method)(address))


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["unknown.example", "127.0.0.1:99999", "ex ample", "[::1", "a" * 300])
def test_a_host_that_means_nothing_is_refused_with_the_same_headers(client: Client, host: str) -> None:
    response = client.get("/", headers={"host": host})
    assert response.status_code in {400, 404}
    assert_guarded(response)


@pytest.mark.django_db
@override_settings(
    ROOT_URLCONF=__name__, MIDDLEWARE=["verso.headers.SecurityHeadersMiddleware", "csp.middleware.CSPMiddleware"]
)
def test_a_failure_is_guarded_too() -> None:
    response = Client(raise_request_exception=False).get("/breaks/")
    assert response.status_code == 500
    assert_guarded(response)


@pytest.mark.django_db
@override_settings(SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=60)
def test_a_redirect_to_tls_is_guarded_and_tls_is_remembered(tenant: Tenant, client: Client) -> None:
    redirect = client.get("/contact/")
    assert (redirect.status_code, redirect["Location"][:6]) == (301, "https:")
    assert_guarded(redirect)
    assert client.get("/contact/", secure=True)["Strict-Transport-Security"] == "max-age=60"
