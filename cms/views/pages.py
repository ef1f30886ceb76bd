"""The site's own pages."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import gate


@gate.public
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Who we are, what we offer, how to book."""
    return render(request, "cms/home.html")


@gate.public
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What we hold about people, why and for how long, in plain words."""
    return render(request, "cms/privacy.html")
