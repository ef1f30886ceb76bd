"""API tokens of one's own, and what a program with one learns about itself."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http import JsonResponse as Json
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import bearing, gate, policies, throttling, tokens
from accounts.forms import TokenMakingForm
from accounts.models import ApiToken
from accounts.views import going
from governance import tenancy


@gate.signed_in
@going.pages
@throttling.limited("tokens", rate="30/5m", keys=("user",))
def own(request: HttpRequest) -> HttpResponse:
    """One's tokens, and making another: its secret is shown this once."""
    user, now = going.here(request), timezone.now()
    if tokens.USE not in policies.usable_permissions(user):
        raise PermissionDenied(_("Your role does not include API tokens."))
    form = TokenMakingForm(user, data=request.POST if request.method == "POST" else None)
    made = secret = None
    if form.is_valid():
        typed = form.cleaned_data
        try:
            made, secret = tokens.make(
                user, name=typed["name"], scopes=typed["scopes"], expires_at=form.expires_at(at=now), by=user, at=now
            )
            form = TokenMakingForm(user)
        except ValidationError as refusal:
            form.add_error(None, refusal)
    kept = ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now)
    words = {"form": form, "tokens": kept, "made": made, "secret": secret}
    return render(request, "account/tokens.html", words, status=422 if form.is_bound else 200)


@gate.signed_in
@require_POST
def revoke(request: HttpRequest, token: UUID) -> HttpResponse:
    """End one of one's own tokens."""
    user = going.here(request)
    row = ApiToken.objects.filter(pk=token, user=user).first()
    if row is None:
        raise Http404
    tokens.revoke(row, by=user, at=timezone.now())
    messages.success(request, _("The token is revoked. It opens nothing any more."))
    return redirect("accounts:tokens")


@gate.token(tokens.USE)
def me(request: HttpRequest) -> HttpResponse:
    """Whom a token speaks for, where, and what it may do now."""
    if request.method not in ("GET", "HEAD"):
        answer = bearing.error(405, "method_not_allowed", _("This address answers GET only."))
        answer["Allow"] = "GET, HEAD"
        return answer
    user, tenant = going.here(request), tenancy.current()
    token: ApiToken = request.api_token  # type: ignore[attr-defined]
    return Json(
        {
            "user": {"id": str(user.pk), "email": user.email, "name": user.display_name},
            "tenant": {"slug": tenant.slug, "name": tenant.name},
            "roles": list(policies.held(user).roles),
            "may": sorted(policies.usable_permissions(user)),
            "token": {"name": token.name, "begins_with": token.prefix, "until": token.expires_at},
        }
    )
