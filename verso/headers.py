"""Headers that every answer carries, errors, files and redirects included."""

from collections.abc import Callable
from typing import Any

from csp.constants import HEADER
from csp.middleware import CheckableLazyObject, CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# Nothing here uses these; a script that should not be there must not either. WebAuthn stays possible.
PERMISSIONS_POLICY = ", ".join(
    [
        *(
            f"{feature}=()"
            for feature in (
                "accelerometer",
                "autoplay",
                "browsing-topics",
                "camera",
                "display-capture",
                "geolocation",
                "gyroscope",
                "magnetometer",
                "microphone",
                "midi",
                "payment",
                "usb",
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp's, which writes the house's policy once; whatever a view or a template asked for goes the long way."""

    _written: tuple[Any, str] = (None, "")

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the header; a nonce asked for afterwards is an error, for no header would carry it."""
        if not self._is_plain(request, response):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._policy())
        request.csp_nonce = CheckableLazyObject(self._csp_nonce_post_response)  # type: ignore[attr-defined]
        return response

    def _is_plain(self, request: HttpRequest, response: HttpResponseBase) -> bool:
        """Neither the view (django-csp's decorators mark its answer) nor a template wants anything of its own."""
        return not (
            getattr(request, "_csp_nonce", None)
            or any(name.startswith("_csp_") for name in vars(response))
            or settings.CONTENT_SECURITY_POLICY.keys() != {"DIRECTIVES"}
            or getattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY", None)
            or settings.DEBUG
        )

    def _policy(self) -> str:
        house = settings.CONTENT_SECURITY_POLICY
        if self._written[0] is not house:
            self._written = (house, build_policy())
        return self._written[1]


class SecurityHeadersMiddleware:
    """Stands outermost. Django's and django-csp's middlewares set the rest."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        return response
