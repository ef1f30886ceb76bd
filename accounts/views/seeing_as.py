"""The way back from seeing the site as somebody else. The way there is in the back office, on the member's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import gate, impersonation


@gate.entrance
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """See as oneself again."""
    impersonation.stop(request.session, by=impersonation.really(request.user), at=timezone.now())
    messages.success(request, _("You see the site as yourself again."))
    answer = redirect("admin:index")
    answer.delete_cookie(impersonation.COOKIE, samesite="Strict")
    return answer
