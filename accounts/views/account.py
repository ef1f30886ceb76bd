"""One's own account: how somebody comes in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts import factors, gate, policies
from accounts.views import going


@gate.signed_in
@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    """How somebody comes in: authenticator, recovery codes, password."""
    user = going.here(request)
    words = {"has_factor": user.has_second_factor(), "codes_left": factors.codes_left(user)}
    return render(request, "account/home.html", words | {"is_staff": policies.is_staff(user)})
