"""What one page leaves to be said is said once by the next that speaks; pages that do not speak open nothing."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from django.utils.functional import empty


def say(request: HttpRequest) -> HttpResponse:
    messages.success(request, "It is saved.")
    return HttpResponse()


def stay_quiet(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing")


def speak(request: HttpRequest) -> HttpResponse:
    return HttpResponse("|".join(str(message) for message in messages.get_messages(request)))


urlpatterns = [path("say/", say), path("quiet/", stay_quiet), path("speak/", speak)]


@override_settings(
    ROOT_URLCONF=__name__,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "cms.middleware.MessageMiddleware"],
)
def test_words_wait_for_the_page_that_speaks() -> None:
    client = Client()
    client.get("/say/")
    quiet: Any = client.get("/quiet/")
    assert quiet.cookies == {}
    assert quiet.wsgi_request._messages._wrapped is empty
    assert client.get("/speak/").content == b"It is saved."
    assert client.get("/speak/").content == b""
