"""Addresses the stories need: views that refuse, break, sign somebody in, and tell what they were told."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from accounts import gate
from audit import context, ledger, outbox
from governance import tenancy

TOLD = ("request_id", "trace_id", "client_ip", "user_agent", "door")


@gate.public
def frame(request: HttpRequest) -> JsonResponse:
    acting = context.current()
    told: dict[str, Any] = {name: getattr(acting, name) for name in TOLD}
    told |= {"actor": list(acting.who()), "known": list(acting.known()), "touched": request.session.accessed}
    return JsonResponse({**told, "remote_addr": request.META["REMOTE_ADDR"]})


@gate.public
def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


@gate.public
def broken(request: HttpRequest) -> HttpResponse:
    """Does something, notes a refusal, and breaks: all inside one transaction."""
    with transaction.atomic():
        ledger.record("story.done")
        outbox.post("audit.story", about=tenancy.current())
        ledger.refused("story.refused", reason="too_late")
        raise RuntimeError("Ana Sol, ana@example.org")


@gate.public
def broken_database(request: HttpRequest) -> HttpResponse:
    """Notes a refusal while the transaction cannot be used any more."""
    with transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO audit_event (id) VALUES (1)")
        except IntegrityError:
            ledger.refused("story.refused", reason="duplicate")
            raise
    return HttpResponse()


@gate.public
def forbidden(request: HttpRequest, token: str) -> HttpResponse:
    raise PermissionDenied("ana@example.org may not")


@gate.public
def refused(request: HttpRequest) -> HttpResponse:
    """A verb that says no, and a page that says so kindly."""
    ledger.refused("accounts.signed_in", reason="bad_password", people=["p-1"])
    return HttpResponse("Try again.", status=422)


urlpatterns = [
    path("frame/", frame),
    path("admin/frame/", frame),
    path("plain/", plain),
    path("broken/", broken, name="story-broken"),
    path("broken-database/", broken_database),
    path("forbidden/<token>/", forbidden, name="story-forbidden"),
    path("refused/", refused),
]
