"""Signing in with a SAML provider: `/sso/<idp>/saml/…`. djangosaml2's views, each held to one provider of this tenant.

What was asked lies in the shared cache for ten minutes under a random name that only the asking browser has, in a
cookie of its own: the provider's answer is a POST from another site, with which `SameSite=Strict` cookies do not come.
An answer ends on a page (200) and not in a redirect, so that the next request is our own site's again.
"""

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from djangosaml2 import views as stock
from djangosaml2.utils import get_location
from redis.exceptions import RedisError
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SAMLError
from saml2.client import Saml2Client
from saml2.s_utils import success_status_factory

from accounts import gate, provisioning, saml, saml_metadata, signin, stepping_up, throttling
from accounts.models import IdentityProvider, User
from accounts.session_store import StoreDown
from accounts.views import bounce, going
from audit import ledger
from governance import tenancy

COOKIE = "saml_flow"
LASTS = 600  # seconds
RATE = "60/5m"
MANAGE = "accounts.change_identityprovider"


class Flow(dict[str, Any]):
    """What one browser asked one provider; djangosaml2 keeps the ids of its questions in it as in a session."""

    modified = False


def _named(name: str) -> str:
    return f"saml:{tenancy.current_id()}:{name}"


def _keep(response: HttpResponseBase, flow: Flow) -> HttpResponseBase:
    """Lay the flow aside and hand its name to the browser, for this provider's addresses only."""
    name = secrets.token_urlsafe(32)
    try:
        cache.set(_named(name), dict(flow), timeout=LASTS)
    except RedisError as down:
        raise StoreDown from down
    response.set_cookie(COOKIE, name, max_age=LASTS, path="/sso/", secure=True, httponly=True, samesite="None")
    return response


def _take(request: HttpRequest, idp: IdentityProvider) -> Flow:
    """The flow this browser began with this provider, taken once: of two who bring it, one gets it."""
    name = request.COOKIES.get(COOKIE, "")
    try:
        kept: dict[str, Any] = (cache.get(_named(name)) if name else None) or {}
        mine = kept.get("idp") == str(idp.pk) and cache.delete(_named(name))
    except RedisError as down:
        raise StoreDown from down
    if not mine:
        raise saml.NotBelieved("unsolicited")
    return Flow(kept)


def _site(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _provider(slug: str) -> IdentityProvider:
    idp = saml.offered(slug)
    if idp is None or not idp.metadata:
        raise Http404
    saml.ensure_key(idp, at=timezone.now())
    return idp


def refuse(request: HttpRequest, idp: IdentityProvider, refusal: ValidationError) -> HttpResponse:
    """Say what went wrong, on a page with the way back; the ledger learns the code."""
    code = str(refusal.code or "refused")
    ledger.refused("accounts.sso.refused", idp, reason=code)
    words = {"idp": idp, "sentences": refusal.messages, "code": code}
    return render(request, "account/sso_refused.html", words, status=403)


class ForOne:
    """Holds a view of djangosaml2 to the provider in its address."""

    idp: IdentityProvider
    config: Any

    def get_sp_config(self, request: HttpRequest) -> Any:
        """The configuration of this request's provider; its key's file lives as long as the request."""
        return self.config

    def dispatch(self, request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """With the provider's configuration in force; every refusal becomes a page."""
        if (request.method or "").lower() not in self.http_method_names:  # type: ignore[attr-defined]
            return self.http_method_not_allowed(request)  # type: ignore[attr-defined]
        self.idp = _provider(slug)
        try:
            with saml.service_provider(self.idp, site=_site(request)) as self.config:
                answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
                return answer
        except (saml.NotBelieved, saml_metadata.BadMetadata, provisioning.NotProvisioned) as refusal:
            return refuse(request, self.idp, refusal)


@method_decorator([gate.public, never_cache], name="dispatch")
class MetadataView(ForOne, stock.MetadataView):
    """What the provider is to know of us."""

    http_method_names = ["get", "head"]


@method_decorator([gate.public, never_cache, throttling.limited("sso", rate=RATE, methods=("GET",))], name="dispatch")
class StartView(ForOne, stock.LoginView):
    """Ask the provider, by redirect and signed. `?why=verify` steps up whoever is signed in; `?why=try` only looks."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Remember what was asked and why, and go."""
        flow = Flow(idp=str(self.idp.pk), why=self._why(request), began=timezone.now().timestamp())
        if flow["why"] == "verify":
            flow["user"] = str(request.user.pk)
        request.saml_session = flow  # type: ignore[attr-defined]
        flow["next"] = going.after(request, request.user) if request.GET.get("next") else ""
        self.flow = flow
        response: HttpResponseBase = super().get(request, *args, **kwargs)
        return _keep(response, flow) if isinstance(response, HttpResponseRedirect) else response

    def _why(self, request: HttpRequest) -> str:
        wanted = request.GET.get("why", "")
        if wanted == "verify" and request.user.is_authenticated:
            return "verify"
        may_look = request.user.is_authenticated and request.user.has_perm(MANAGE)
        if wanted == "try" and may_look:
            return "try"
        if self.idp.status != IdentityProvider.Status.LIVE:
            raise Http404
        return "sign-in"

    def should_prevent_auth(self, request: HttpRequest) -> bool:
        """Whoever is in already may come in anew."""
        return False

    def load_sso_kwargs(self, sso_kwargs: dict[str, Any]) -> None:
        """A step-up makes the provider ask again."""
        if self.flow["why"] == "verify":
            sso_kwargs["force_authn"] = "true"


@method_decorator([csrf_exempt, gate.public, never_cache, throttling.limited("sso", rate=RATE)], name="dispatch")
class AnswerView(ForOne, stock.AssertionConsumerServiceView):
    """Hear the provider's answer. Without a question of this browser's own, nothing is heard."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Look at the message first; then djangosaml2 has it parsed and its signatures checked."""
        self.flow = request.saml_session = _take(request, self.idp)  # type: ignore[attr-defined]
        self.asked = set(self.flow.get("_saml2_outstanding_queries", {}))
        saml.look_at(request.POST.get("SAMLResponse", ""))
        self.answer: HttpResponseBase | None = None
        try:
            response: HttpResponseBase = super().post(request, *args, **kwargs)
        except SAMLError as late:  # pysaml2 finds some faults only when it is asked what the answer says
            raise saml.NotBelieved(type(late).__name__) from late
        return self.answer or response

    def handle_acs_failure(self, request: HttpRequest, exception: Any = None, **kwargs: Any) -> HttpResponse:
        """Whatever djangosaml2 or pysaml2 did not like; the ledger learns its class, where that says anything."""
        told = type(exception).__name__
        raise saml.NotBelieved("not_accepted" if told in ("Exception", "SuspiciousOperation") else told)

    def custom_validation(self, response: Any) -> None:
        """Kept for `authenticate_user`: what is raised here would lose its name."""
        self.response = response

    def authenticate_user(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Believe it, and do what was asked for: sign in, verify, or only show."""
        now = timezone.now()
        word = saml.believe(self.response, self.idp, site=_site(request), asked=self.asked, at=now)
        act = {"verify": self._verify, "try": self._show}.get(self.flow["why"], self._sign_in)
        self.answer = act(request, word, now)

    def custom_redirect(self, user: Any, relay_state: str, session_info: Any) -> str:
        """Never taken: `post` has an answer of its own."""
        return "/"

    def _evidence(self, word: saml.Word) -> signin.Evidence:
        methods = ("idp", "idp-mfa") if saml.counts_as_second_factor(word, self.idp) else ("idp",)
        return signin.Evidence(methods, self.idp, word.session, word.name_id)

    def _sign_in(self, request: HttpRequest, word: saml.Word, now: datetime) -> HttpResponseBase:
        arrival = provisioning.arrive(self.idp, word.claims, at=now)
        try:
            signin.finish(request, arrival.user, self._evidence(word), at=now)  # type: ignore[arg-type]
        except signin.NotAdmitted as stranger:
            raise provisioning.MembershipEnded from stranger
        return bounce.on(request, self.flow["next"] or going.after(request, arrival.user))

    def _show(self, request: HttpRequest, word: saml.Word, now: datetime) -> HttpResponseBase:
        """What a login would give; nobody is signed in."""
        counts = saml.counts_as_second_factor(word, self.idp)
        words: dict[str, Any] = {"idp": self.idp, "claims": word.claims, "contexts": word.contexts, "counts": counts}
        try:
            words["preview"] = provisioning.preview(self.idp, word.claims, at=now)
        except provisioning.NotProvisioned as refusal:
            words["sentences"] = refusal.messages
        return render(request, "account/sso_trial.html", words)

    def _verify(self, request: HttpRequest, word: saml.Word, now: datetime) -> HttpResponseBase:
        """The session does not come with this POST: lay down what was proven, and fetch it from our own page."""
        fresh = (
            word.authenticated_at is not None and word.authenticated_at.timestamp() >= self.flow["began"] - saml.LEEWAY
        )
        if not fresh:
            raise saml.NotBelieved("not_asked_again")
        user = provisioning.arrive(self.idp, word.claims, at=now).user
        if str(user.pk) != self.flow["user"]:
            raise saml.NotBelieved("another_person")
        proven = Flow(self.flow, proven=list(self._evidence(word).methods))
        where = reverse("sso:saml_verified", args=[self.idp.slug])
        return _keep(bounce.on(request, where), proven)


@gate.entrance
@never_cache
@require_GET
def verified(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The end of a step-up: the same person, from the same browser, with what the provider has just proven."""
    idp, user = _provider(slug), going.here(request)
    try:
        flow = _take(request, idp)
        if flow.get("user") != str(user.pk) or not flow.get("proven"):
            raise saml.NotBelieved("another_person")
    except saml.NotBelieved as refusal:
        return refuse(request, idp, refusal)
    signin.step_up(request, user, signin.Evidence(tuple(flow["proven"]), idp), at=timezone.now())  # type: ignore[arg-type]
    return redirect(flow["next"] or going.after(request, user))


@method_decorator([csrf_exempt, gate.public, never_cache, throttling.limited("sso", rate=RATE)], name="dispatch")
class LogoutView(ForOne, stock.LogoutView):
    """The provider ends sessions, or answers that it did. Only signed requests are heard."""

    http_method_names = ["get", "post"]

    def do_logout_service(
        self, request: HttpRequest, data: Any, binding: str, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """End what is asked for and say so, signed; an answer to a request of ours needs no more."""
        if "SAMLRequest" not in data:
            return redirect(settings.LOGOUT_REDIRECT_URL)
        client, now = Saml2Client(self.config), timezone.now()
        farewell = saml.hear_logout(client, self.idp, data, binding=binding, at=now)
        saml.end_sessions(self.idp, farewell, at=now)
        if request.user.is_authenticated:
            signin.leave(request, reason="signed out at the provider")  # type: ignore[arg-type]
        return self._say_so(client, farewell, data.get("RelayState", ""))

    def _say_so(self, client: Saml2Client, farewell: saml.Farewell, relay_state: str) -> HttpResponseBase:
        bindings = [BINDING_HTTP_REDIRECT, BINDING_HTTP_POST]
        response = client.create_logout_response(farewell.request, bindings=bindings, status=success_status_factory())
        binding, destination = client.pick_binding(
            "single_logout_service", bindings, "idpsso", request=farewell.request
        )
        if binding != BINDING_HTTP_REDIRECT:
            return redirect(settings.LOGOUT_REDIRECT_URL)
        sent = client.apply_binding(
            binding, str(response), destination, relay_state, response=True, sign=True, sigalg=client.signing_algorithm
        )
        return HttpResponseRedirect(get_location(sent))


def begin_try(request: HttpRequest, idp: IdentityProvider, *, by: User) -> HttpResponse:
    """Send a member of staff to the provider to see what a sign-in would give."""
    return redirect(f"{reverse('sso:saml_start', args=[idp.slug])}?why=try")


@stepping_up.at_provider(IdentityProvider.Protocol.SAML)
def ask_again(request: HttpRequest, idp: IdentityProvider, *, next: str) -> HttpResponse:
    """Send somebody back to their provider to prove themselves anew."""
    return redirect(f"{reverse('sso:saml_start', args=[idp.slug])}?{urlencode({'why': 'verify', 'next': next})}")


def signed_out_at(request: HttpRequest, user: User, idp: IdentityProvider, name_id: str) -> str:
    """Where to send somebody who leaves, so that the provider's session ends too; "" when it offers no such address."""
    saml.ensure_key(idp, at=timezone.now())
    with saml.service_provider(idp, site=_site(request)) as config:
        return saml.logout_address(Saml2Client(config), idp, name_id)
