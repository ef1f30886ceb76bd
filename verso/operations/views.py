"""What operators and probes ask over HTTP. Answers are JSON and carry no detail a stranger could use."""

import ipaddress
import secrets
import threading
import time

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from accounts import gate
from verso.operations import health, numbers
from verso.settings import env

_turn = threading.Lock()
_last: dict[str, tuple[float, dict[str, bool]]] = {}


@gate.public
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """This process runs and its database answers."""
    return _answer("healthz", health.HEALTH)


@gate.public
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """This process can serve: migrations, cache, broker and guards as well."""
    return _answer("readyz", health.READINESS)


@gate.public
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus. Anybody else finds nothing here."""
    if not _may_see_metrics(request):
        raise Http404
    return HttpResponse(generate_latest(_requests()) + generate_latest(numbers.registry()), CONTENT_TYPE_LATEST)


def _requests() -> CollectorRegistry:
    """What this process counted, or all of them together where gunicorn runs several (`deploy/gunicorn.py`)."""
    if not env.metrics_folder():
        return REGISTRY
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


def _answer(name: str, questions: dict[str, health.Question]) -> JsonResponse:
    found = _asked_lately(name, questions)
    well = all(found.values())
    told = {key: "ok" if fine else "failing" for key, fine in found.items()}
    return JsonResponse({"status": "ok" if well else "failing", "checks": told}, status=200 if well else 503)


def _asked_lately(name: str, questions: dict[str, health.Question]) -> dict[str, bool]:
    """One round of questions a second, however many ask: a flood of probes must not become a flood of queries."""
    with _turn:
        asked_at, found = _last.get(name, (0.0, {}))
        if time.monotonic() - asked_at > 1:
            found = {key: answer.ok for key, answer in health.ask(questions).items()}
            _last[name] = (time.monotonic(), found)
        return found


def _may_see_metrics(request: HttpRequest) -> bool:
    """The bearer of METRICS_TOKEN; outside production also this machine itself, when no proxy speaks for another."""
    sent = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN:
        return secrets.compare_digest(sent.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if not settings.METRICS_FROM_LOOPBACK or request.META.get("verso.proxied", True):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
