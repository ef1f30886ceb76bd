"""Every answer carries the security headers: pages, files, redirects, refusals and failures."""

from typing import Any

import pytest
from csp.constants import NONCE, SELF
from csp.decorators import csp_exempt, csp_update
from csp.exceptions import CSPNonceError
from django.http import HttpRequest, HttpResponse
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


def says_ok(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def uses_a_nonce(request: Any) -> HttpResponse:
    return HttpResponse(str(request.csp_nonce))


urlpatterns = [
    path("breaks/", breaks),
    path("plain/", says_ok),
    path("own/", csp_update({"img-src": "https://pictures.example"})(says_ok)),
    path("nonce/", csp_update({"script-src": [NONCE]})(uses_a_nonce)),
    path("exempt/", csp_exempt()(says_ok)),
    path("watched/", csp_update({"img-src": "data:"}, REPORT_ONLY=True)(says_ok)),
]
HEADER = "Content-Security-Policy"


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
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "verso.headers.SecurityHeadersMiddleware",
        "verso.headers.ContentSecurityPolicyMiddleware",
    ],
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


POLICY_ONLY = {"ROOT_URLCONF": __name__, "MIDDLEWARE": ["verso.headers.ContentSecurityPolicyMiddleware"]}
DJANGO_CSPS = {**POLICY_ONLY, "MIDDLEWARE": ["csp.middleware.CSPMiddleware"]}
WATCHED = {"CONTENT_SECURITY_POLICY_REPORT_ONLY": {"DIRECTIVES": {"default-src": [SELF]}}}
NOT_UNDER_PLAIN = {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"default-src": [SELF]}, "EXCLUDE_URL_PREFIXES": ["/pl"]}}


@pytest.mark.parametrize("others", [{}, WATCHED, NOT_UNDER_PLAIN, {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {}}}])
@pytest.mark.parametrize("address", ["/plain/", "/own/", "/exempt/", "/watched/"])
def test_the_policy_is_the_one_django_csp_would_write(address: str, others: dict[str, Any]) -> None:
    told = []
    for middleware in (DJANGO_CSPS, POLICY_ONLY, POLICY_ONLY):
        with override_settings(**middleware, **others):
            answer = Client().get(address)
        named = [answer.headers.get(name) for name in (HEADER, f"{HEADER}-Report-Only")]
        told.append([sorted((header or "").split("; ")) for header in named])
    assert told[0] == told[1] == told[2]


@override_settings(**POLICY_ONLY)
def test_one_answers_own_policy_is_nobody_elses() -> None:
    client = Client()
    assert "pictures.example" not in client.get("/plain/")[HEADER]
    assert "pictures.example" in client.get("/own/")[HEADER]
    nonces = [client.get("/nonce/") for _turn in range(2)]
    assert all(f"'nonce-{answer.content.decode()}'" in answer[HEADER] for answer in nonces)
    assert nonces[0].content != nonces[1].content
    last = client.get("/plain/")
    assert "pictures.example" not in last[HEADER] and "nonce" not in last[HEADER]
    with pytest.raises(CSPNonceError):
        str(last.wsgi_request.csp_nonce)  # type: ignore[attr-defined]
