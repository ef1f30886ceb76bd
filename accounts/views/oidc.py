"""Coming in through an OpenID Connect provider, proving oneself there again, and leaving.

The callback comes from another site: the visitor's Strict session cookie is not with it, only the flow's Lax one. So
the end is a page of our own that goes on by itself, and what needs the session at hand happens one page later.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from mozilla_django_oidc.views import OIDCAuthenticationRequestView
from redis.exceptions import RedisError

from accounts import flows, gate, oidc, outgoing, policies, provisioning, signin, stepping_up, throttling
from accounts.models import IdentityProvider, User
from accounts.session_store import StoreDown
from accounts.views import bounce, connecting, going, refusals, trying
from audit import ledger

LOGOUT_RATE = "600/5m"
SIGN_IN, STEP_UP, TRY, CONNECT = "sign-in", "step-up", "try", "connect"
AUTHENTICATION_CONTEXT = re.compile(r"c\d{1,2}")

View = Callable[..., HttpResponseBase]


# --- refusals --------------------------------------------------------------------------------------------------------
def with_provider(view: View) -> View:
    """Find the provider the address names, and answer every refusal with a page and an entry in the ledger."""

    @wraps(view)
    def answer(request: HttpRequest, idp: str) -> HttpResponseBase:
        provider = IdentityProvider.objects.filter(slug=idp, protocol=IdentityProvider.Protocol.OIDC).first()
        if provider is None:
            raise Http404
        try:
            return view(request, provider)
        except refusals.REFUSALS as refusal:
            return refusals.refused(request, provider, refusal)
        except signin.NotAdmitted:
            return refusals.refused(request, provider, provisioning.MembershipEnded())
        except RedisError as down:
            raise StoreDown from down

    return answer


# --- setting out -----------------------------------------------------------------------------------------------------
class _Traveller:
    """A request as the stock view sees it: what it puts into the session goes into the flow instead."""

    def __init__(self, request: HttpRequest) -> None:
        self.request, self.session = request, dict[str, Any]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.request, name)


class Departure(OIDCAuthenticationRequestView):
    """The stock view's request to a provider, for one provider's row: state, nonce, PKCE S256 and the address."""

    def __init__(self, provider: IdentityProvider, redirect_uri: str, extra: dict[str, str]) -> None:
        self.provider, self.redirect_uri, self.extra = provider, redirect_uri, extra
        self.OIDC_OP_AUTH_ENDPOINT = oidc.discover(provider).authorization_endpoint
        self.OIDC_RP_CLIENT_ID = provider.client_id

    def get_settings(self, attr: str, *args: Any) -> Any:
        """The provider's row in the place of global settings."""
        own = {
            "OIDC_RP_SCOPES": self.provider.scopes,
            "OIDC_USE_PKCE": True,
            "OIDC_USE_NONCE": True,
            "OIDC_AUTHENTICATION_CALLBACK_URL": "accounts:login",  # replaced below: ours names the provider
        }
        return own.get(attr, args[0] if args else None)

    def get_extra_params(self, request: Any) -> dict[str, str]:
        """What is asked beyond the stock request."""
        return {"redirect_uri": self.redirect_uri, **self.extra}

    def address(self, request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Where the visitor is sent, and what must be remembered under its state."""
        traveller = _Traveller(request)
        endpoint, onward = self.OIDC_OP_AUTH_ENDPOINT, self.get(traveller).url
        ((state, kept),) = traveller.session["oidc_states"].items()
        if "?" in endpoint:  # the stock view takes it that no endpoint has a query
            onward = f"{endpoint}&{onward.removeprefix(endpoint)[1:]}"
        content = {"nonce": kept["nonce"], "code_verifier": kept["code_verifier"], "redirect_uri": self.redirect_uri}
        return onward, {"state": state, **content}


def depart(request: HttpRequest, provider: IdentityProvider, *, purpose: str, **content: Any) -> HttpResponse:
    """Send the visitor to the provider, and let this browser alone come back with the answer."""
    redirect_uri = request.build_absolute_uri(reverse("sso:oidc_callback", args=[provider.slug]))
    onward, kept = Departure(provider, redirect_uri, _asked(provider, purpose)).address(request)
    mark = flows.mark_of(request.COOKIES) or flows.new_mark()
    began = timezone.now().isoformat()
    flows.begin(
        kept.pop("state"), mark=mark, provider=str(provider.pk), purpose=purpose, began=began, **kept, **content
    )
    response = redirect(onward)
    response.set_cookie(value=mark, **flows.cookie())
    add_never_cache_headers(response)
    return response


def _asked(provider: IdentityProvider, purpose: str) -> dict[str, str]:
    """How strongly, and how lately, the provider is to have asked the person."""
    values = [str(value) for value in provider.mfa_evidence]
    contexts = [value for value in values if AUTHENTICATION_CONTEXT.fullmatch(value)]  # Entra ID's c1 to c99
    references = [value for value in values if value.startswith(("urn:", "http://", "https://"))]
    asked = {}
    if contexts:
        asked["claims"] = f'{{"id_token":{{"acrs":{{"essential":true,"value":"{contexts[0]}"}}}}}}'
    if references:
        asked["acr_values"] = " ".join(references)
    if purpose == STEP_UP:
        return {**asked, "prompt": "login", "max_age": "0"}
    return asked if provider.max_auth_age is None else {**asked, "max_age": str(provider.max_auth_age)}


@gate.public
@require_GET
@throttling.limited("sso", rate=going.SIGN_IN_RATE, methods=("GET",))
@with_provider
def start(request: HttpRequest, provider: IdentityProvider) -> HttpResponseBase:
    """To the provider, to sign in. Only a live one is asked."""
    if provider.status != IdentityProvider.Status.LIVE:
        raise provisioning.NotOffered
    return depart(request, provider, purpose=SIGN_IN, next=request.GET.get("next", ""))


@gate.signed_in
@require_GET
@throttling.limited("sso", rate=going.SIGN_IN_RATE, methods=("GET",))
@with_provider
def connect(request: HttpRequest, provider: IdentityProvider) -> HttpResponseBase:
    """To the provider, for the member at hand who asked to come in with it from now on."""
    try:
        user = connecting.take(request, provider)
        if provider.status != IdentityProvider.Status.LIVE:
            raise provisioning.NotOffered
        return depart(request, provider, purpose=CONNECT, user=user)
    except refusals.REFUSALS as refusal:
        return connecting.turned_back(request, provider, refusal)


@gate.entrance
@require_GET
@throttling.limited("sso", rate=going.SIGN_IN_RATE, methods=("GET",))
@with_provider
def again(request: HttpRequest, provider: IdentityProvider) -> HttpResponseBase:
    """To the provider once more, to prove oneself anew for what needs it."""
    if provider.status != IdentityProvider.Status.LIVE:
        raise provisioning.NotOffered
    user = str(going.here(request).pk)
    return depart(request, provider, purpose=STEP_UP, user=user, next=request.GET.get("next", ""))


# --- coming back -----------------------------------------------------------------------------------------------------
@gate.public
@require_GET
@throttling.limited("sso", rate=going.SIGN_IN_RATE, methods=("GET",))
@with_provider
def callback(request: HttpRequest, provider: IdentityProvider) -> HttpResponseBase:
    """Back from the provider, with the browser and for the purpose the flow was begun with."""
    mark = flows.mark_of(request.COOKIES)
    kept = flows.spend(request.GET.get("state", ""), mark=mark, provider=str(provider.pk))
    return _PURPOSES[kept["purpose"]](request, provider, kept, mark)


def _exchange(request: HttpRequest, provider: IdentityProvider, kept: dict[str, Any]) -> oidc.Word:
    now, since = timezone.now(), None
    if kept["purpose"] == STEP_UP:
        since = parse_datetime(kept["began"])
    elif provider.max_auth_age is not None:
        since = now - timedelta(seconds=provider.max_auth_age)
    return oidc.exchange(cast(WSGIRequest, request), provider, kept=kept, fresh_since=since, at=now)


def _sign_in(request: HttpRequest, provider: IdentityProvider, kept: dict[str, Any], mark: str) -> HttpResponse:
    now, word = timezone.now(), _exchange(request, provider, kept)
    arrival = provisioning.arrive(provider, word.claims, at=now)
    signin.finish(cast(WSGIRequest, request), arrival.user, word.evidence(provider), at=now)
    return bounce.on(request, going.after(request, arrival.user, wanted=kept["next"]))


def _step_up(request: HttpRequest, provider: IdentityProvider, kept: dict[str, Any], mark: str) -> HttpResponse:
    """The same person, asked just now, with a second factor; what their groups give is looked at again."""
    word = _exchange(request, provider, kept)
    user = oidc.same_person(provider, word, kept["user"])
    if word.evidence(provider).level < policies.TWO_FACTORS:
        raise oidc.OneFactorOnly
    provisioning.arrive(provider, word.claims, at=timezone.now())
    found = {"user": str(user.pk), "provider": str(provider.pk), "session": word.session, "next": kept["next"]}
    handle = flows.keep_result(mark, **found)
    return bounce.on(request, f"{reverse('sso:oidc_verified', args=[provider.slug])}?{urlencode({'result': handle})}")


@gate.entrance
@require_GET
@with_provider
def verified(request: HttpRequest, provider: IdentityProvider) -> HttpResponseBase:
    """The session at hand is strengthened by what the provider has just shown, once."""
    mark, user = flows.mark_of(request.COOKIES), going.here(request)
    found = flows.result(request.GET.get("result", ""), mark=mark, once=True)
    if (found.get("user"), found.get("provider")) != (str(user.pk), str(provider.pk)):
        raise flows.FlowOver("somebody else")
    evidence = signin.Evidence(("idp", "idp-mfa"), idp=provider, idp_session=found["session"])
    signin.step_up(cast(WSGIRequest, request), user, evidence, at=timezone.now())
    return redirect(going.after(request, user, wanted=found["next"]))


def step_up_address(provider: IdentityProvider, *, onward: str) -> str:
    """Where somebody of this provider proves themselves anew before they go on."""
    return f"{reverse('sso:oidc_again', args=[provider.slug])}?{urlencode({'next': onward})}"


@stepping_up.at_provider(IdentityProvider.Protocol.OIDC)
def ask_again(request: HttpRequest, provider: IdentityProvider, *, next: str) -> HttpResponse:
    """Send somebody back to their provider to prove themselves anew."""
    return redirect(step_up_address(provider, onward=next))


# --- trying ----------------------------------------------------------------------------------------------------------
def begin_try(request: HttpRequest, provider: IdentityProvider, *, by: User) -> HttpResponse:
    """Send a member of staff to the provider to see what a sign-in would give. Refuses as `start` does."""
    return depart(request, provider, purpose=TRY, by=str(by.pk))


def _try(request: HttpRequest, provider: IdentityProvider, kept: dict[str, Any], mark: str) -> HttpResponse:
    """What a sign-in would give, kept for the page that shows it. Nobody is signed in."""
    shown: dict[str, Any] = {}
    try:
        word = _exchange(request, provider, kept)
        shown |= {"said": oidc.legible(word.said), "counted": list(word.second_factor)}
        shown |= trying.foreseen(provider, word.claims)
    except refusals.REFUSALS as refusal:
        shown |= trying.would_be_refused(provider, refusal)
    return trying.show(request, provider, by=kept["by"], mark=mark, **shown)


# --- connecting ------------------------------------------------------------------------------------------------------
def _connect(request: HttpRequest, provider: IdentityProvider, kept: dict[str, Any], mark: str) -> HttpResponse:
    """Whom the provider speaks of, kept for the page that makes it a way in for the member who asked."""
    try:
        word = _exchange(request, provider, kept)
    except refusals.REFUSALS as refusal:
        return connecting.failed(request, provider, refusal, user=kept["user"], mark=mark)
    return connecting.kept(request, provider, word.claims, user=kept["user"], mark=mark)


_PURPOSES: dict[str, Callable[..., HttpResponse]] = {SIGN_IN: _sign_in, STEP_UP: _step_up, TRY: _try, CONNECT: _connect}


# --- leaving ---------------------------------------------------------------------------------------------------------
@gate.entrance
@require_POST
@with_provider
def sign_out(request: HttpRequest, provider: IdentityProvider) -> HttpResponseBase:
    """Leave here, then at the provider where it offers that; one that is down does not keep anybody in."""
    signin.leave(cast(WSGIRequest, request), reason="signed out, at the provider too")
    try:
        onward = oidc.sign_out_address(provider, back_to=request.build_absolute_uri(reverse("accounts:login")))
    except (outgoing.Unreachable, oidc.NotBelieved):
        onward = ""
    return bounce.away(request, onward or reverse("accounts:login"))


@gate.public
@csrf_exempt
@require_POST
@throttling.limited("sso-logout", rate=LOGOUT_RATE)
def backchannel_logout(request: HttpRequest, idp: str) -> HttpResponseBase:
    """A provider ends sessions (OpenID Connect Back-Channel Logout 1.0 §2.8: 200 when done, 400 when not believed)."""
    provider = IdentityProvider.objects.filter(slug=idp, protocol=IdentityProvider.Protocol.OIDC).first()
    if provider is None or provider.status != IdentityProvider.Status.LIVE:
        raise Http404
    try:
        oidc.end_sessions(provider, request.POST.get("logout_token"), at=timezone.now())
    except (oidc.NotBelieved, outgoing.Unreachable) as refusal:
        ledger.refused("accounts.sso.logout_refused", provider, reason=refusals.reason(refusal))
        answer = JsonResponse({"error": "invalid_request"}, status=400)
    except RedisError as down:
        raise StoreDown from down
    else:
        answer = JsonResponse({})
    answer["Cache-Control"] = "no-store"
    return answer
