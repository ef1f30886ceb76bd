"""The floor: a constant view in a bare Django project, run under the same server, workers and client as Verso."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(SECRET_KEY="floor", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[])  # nosec B106 - guards nothing


def constant(request: HttpRequest) -> HttpResponse:
    """Answer the same short text to everybody."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [path("", constant)]
application = get_wsgi_application()
