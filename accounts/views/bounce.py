"""A page that answers 200 and goes on by itself, where a redirect would still count as coming from another site.

A SameSite=Strict cookie stays home on a navigation that another site began (a link in a webmail, an identity provider's
answer), and on every redirect that follows. A page of our own begins a new navigation, and the cookie comes along.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme


def hides_session(request: HttpRequest) -> bool:
    """Whether somebody follows a link from another site, so that their browser kept the session's cookie back."""
    return (
        request.method == "GET"
        and request.headers.get("Sec-Fetch-Site") == "cross-site"
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
    )


def on(request: HttpRequest, to: str) -> HttpResponse:
    """The page that goes on to an address of this site; home instead of anywhere else."""
    safe = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    return away(request, to if safe and to.startswith("/") else "/")


def away(request: HttpRequest, to: str) -> HttpResponse:
    """The page that goes on to an address we made ourselves, a provider's among them: no form's answer leads there."""
    request.GET = QueryDict()  # code and state are spent: no link on the page repeats them
    response = render(request, "account/bounce.html", {"onward": to})
    add_never_cache_headers(response)
    return response
