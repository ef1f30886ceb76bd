"""Challenges for browsers that fill in an anonymous form."""

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import bots, gate, throttling


@gate.public
@never_cache
@require_GET
@throttling.limited("challenge", rate="120/5m", methods=("GET",))
def challenge(request: HttpRequest) -> JsonResponse:
    """A task that takes a browser half a second, as `static/verso/proof.js` asks for it. Reads no session."""
    return JsonResponse(bots.challenge(at=timezone.now()))
