"""Signing in with a SAML provider: `/sso/<idp>/saml/…`. djangosaml2's views, each held to one provider of this tenant.

What was asked is a flow (`accounts.flows`) under the question's id, of the browser that asked: the provider's answer is
a POST from another site, with which neither Strict nor Lax cookies come. An answer ends on a page (200) and not in a
redirect, so that the next request is our own site's again, and brings the session.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from djangosaml2 import views as stock
from djangosaml2.utils import get_location
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SAMLError
from saml2.client import Saml2Client
from saml2.s_utils import UnsupportedBinding, success_status_factory

from accounts import flows, gate, policies, provisioning, saml, saml_metadata, signin, stepping_up, throttling
from accounts.models import AuthSession, IdentityProvider, User
from accounts.views import bounce, connecting, going, refusals, trying

RATE = going.SIGN_IN_RATE
MANAGE = "accounts.change_identityprovider"
SIGN_IN, STEP_UP, TRY, CONNECT = "sign-in", "verify", "try", "connect"
QUESTIONS = "_saml2_outstanding_queries"  # djangosaml2's name for the ids of what was asked


class Flow(dict[str, Any]):
    """What one browser asked one provider; djangosaml2 keeps the ids of its questions in it as in a session."""

    modified = False


def _mark(request: HttpRequest) -> str:
    return flows.mark_of(request.COOKIES, posted=True)


def _remember(request: HttpRequest, response: HttpResponseBase, flow: Flow, idp: IdentityProvider) -> HttpResponseBase:
    """Keep what was asked, under the question's id and for this browser."""
    (question,) = flow.pop(QUESTIONS)
    mark = _mark(request) or flows.new_mark()
    flows.begin(question, mark=mark, provider=str(idp.pk), **flow)
    response.set_cookie(value=mark, **flows.cookie(posted=True))
    return response


def _site(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _provider(slug: str) -> IdentityProvider:
    idp = saml.offered(slug)
    if idp is None or not idp.metadata:
        raise Http404
    saml.ensure_key(idp, at=timezone.now())
    return idp


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
        except refusals.REFUSALS as refusal:
            return refusals.refused(request, self.idp, refusal)


@method_decorator([gate.public, never_cache], name="dispatch")
class MetadataView(ForOne, stock.MetadataView):
    """What the provider is to know of us."""

    http_method_names = ["get", "head"]


@method_decorator([gate.public, never_cache, throttling.limited("sso", rate=RATE, methods=("GET",))], name="dispatch")
class StartView(ForOne, stock.LoginView):
    """Ask the provider, by redirect and signed: `?why=` `verify` whoever is in, `connect` it to them, only `try` it."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Remember what was asked and why, and go."""
        why = request.GET.get("why", "")
        try:
            purpose, user = self._purpose(request, why)
        except flows.FlowOver as refusal:
            return connecting.turned_back(request, self.idp, refusal)
        onward = going.after(request, request.user) if request.GET.get("next") else ""
        began = timezone.now().timestamp()
        self.flow = request.saml_session = Flow(purpose=purpose, user=user, next=onward, began=began)  # type: ignore
        response: HttpResponseBase = super().get(request, *args, **kwargs)
        is_asked = isinstance(response, HttpResponseRedirect) and self.flow.get(QUESTIONS)
        return _remember(request, response, self.flow, self.idp) if is_asked else response

    def _purpose(self, request: HttpRequest, why: str) -> tuple[str, str]:
        """Why the provider is asked, and for whom among those signed in."""
        user, is_live = request.user, self.idp.status == IdentityProvider.Status.LIVE
        if why == TRY and user.is_authenticated and user.has_perm(MANAGE):
            return TRY, str(user.pk)
        if not is_live:
            raise Http404
        if why == CONNECT and user.is_authenticated and policies.is_verified_enough(user):
            return CONNECT, connecting.take(request, self.idp)
        return (STEP_UP, str(user.pk)) if why == STEP_UP and user.is_authenticated else (SIGN_IN, "")

    def should_prevent_auth(self, request: HttpRequest) -> bool:
        """Whoever is in already may come in anew."""
        return False

    def load_sso_kwargs(self, sso_kwargs: dict[str, Any]) -> None:
        """A step-up makes the provider ask again."""
        if self.flow["purpose"] == STEP_UP:
            sso_kwargs["force_authn"] = "true"


@method_decorator([csrf_exempt, gate.public, never_cache, throttling.limited("sso", rate=RATE)], name="dispatch")
class AnswerView(ForOne, stock.AssertionConsumerServiceView):
    """Hear the provider's answer. Without a question of this browser's own, nothing is heard."""

    answer: HttpResponseBase | None = None
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Look at the message first; then djangosaml2 has it parsed and its signatures checked."""
        question = saml.look_at(request.POST.get("SAMLResponse", ""))
        kept = flows.spend(question, mark=_mark(request), provider=str(self.idp.pk))
        self.flow = request.saml_session = Flow(kept, **{QUESTIONS: {question: ""}})  # type: ignore[attr-defined]
        self.asked = {question}
        try:
            response = self._heard(request, *args, **kwargs)
        except refusals.REFUSALS as refusal:
            if self.flow["purpose"] not in (TRY, CONNECT):
                raise
            return self._turned_down(request, refusal)
        return response

    def _heard(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response: HttpResponseBase = super().post(request, *args, **kwargs)
        except SAMLError as late:  # pysaml2 finds some faults only when it is asked what the answer says
            raise saml.NotBelieved(type(late).__name__) from late
        return self.answer or response

    def _turned_down(self, request: HttpRequest, refusal: ValidationError) -> HttpResponseBase:
        """Nothing comes of what somebody signed in had asked for, and nobody is signed out by it."""
        user, mark = self.flow["user"], _mark(request)
        if self.flow["purpose"] == CONNECT:
            return connecting.failed(request, self.idp, refusal, user=user, mark=mark)
        return trying.show(request, self.idp, by=user, mark=mark, **trying.would_be_refused(self.idp, refusal))

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
        acts = {SIGN_IN: self._sign_in, STEP_UP: self._verify, TRY: self._show, CONNECT: self._connect}
        self.answer = acts[self.flow["purpose"]](request, word, now)

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
        """What a login would give, kept for the page that shows it; nobody is signed in."""
        counted = list(word.contexts) if saml.counts_as_second_factor(word, self.idp) else []
        shown: dict[str, Any] = {"said": saml.legible(word), "counted": counted}
        try:
            shown |= trying.foreseen(self.idp, word.claims)
        except provisioning.NotProvisioned as refusal:
            shown |= trying.would_be_refused(self.idp, refusal)
        return trying.show(request, self.idp, by=self.flow["user"], mark=_mark(request), **shown)

    def _connect(self, request: HttpRequest, word: saml.Word, now: datetime) -> HttpResponseBase:
        """Whom the provider speaks of, kept for the page that makes it a way in for the member who asked."""
        return connecting.kept(request, self.idp, word.claims, user=self.flow["user"], mark=_mark(request))

    def _verify(self, request: HttpRequest, word: saml.Word, now: datetime) -> HttpResponseBase:
        """The session does not come with this POST: lay down what was proven, and fetch it from our own page."""
        fresh = (
            word.authenticated_at is not None and word.authenticated_at.timestamp() >= self.flow["began"] - saml.LEEWAY
        )
        if not fresh:
            raise saml.NotBelieved("not_asked_again")
        if self._evidence(word).level < policies.TWO_FACTORS:
            raise saml.NotBelieved("one_factor_only")
        if not provisioning.is_known_as(self.idp, word.claims, user_id=self.flow["user"]):
            raise saml.NotBelieved("another_person")
        user = provisioning.arrive(self.idp, word.claims, at=now).user
        found = {"user": str(user.pk), "provider": str(self.idp.pk), "next": self.flow["next"]}
        handle = flows.keep_result(_mark(request), **found, methods=list(self._evidence(word).methods))
        page = reverse("sso:saml_verified", args=[self.idp.slug])
        return bounce.on(request, f"{page}?{urlencode({'result': handle})}")


@gate.entrance
@never_cache
@require_GET
def verified(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The end of a step-up: the same person, from the same browser, with what the provider has just proven."""
    idp, user = _provider(slug), going.here(request)
    try:
        found = flows.result(request.GET.get("result", ""), mark=_mark(request), once=True)
        if (found.get("user"), found["provider"]) != (str(user.pk), str(idp.pk)) or "methods" not in found:
            raise flows.FlowOver("somebody else")
    except flows.FlowOver as refusal:
        return refusals.refused(request, idp, refusal)
    signin.step_up(request, user, signin.Evidence(tuple(found["methods"]), idp), at=timezone.now())  # type: ignore[arg-type]
    return redirect(found["next"] or going.after(request, user))


@method_decorator([csrf_exempt, gate.public, never_cache, throttling.limited("sso", rate=RATE)], name="dispatch")
class LogoutView(ForOne, stock.LogoutView):
    """The provider ends sessions, or answers that it did. Only signed requests are heard."""

    http_method_names = ["get", "post"]

    def do_logout_service(
        self, request: HttpRequest, data: Any, binding: str, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """End what is asked for and say so, signed; an answer to a request of ours needs no more than a page.

        That answer is not believed and ends nothing: here the session was over before the provider was asked.
        """
        if "SAMLRequest" not in data:
            return render(request, "account/signed_out.html", {"provider": self.idp})
        client, now = Saml2Client(self.config), timezone.now()
        farewell = saml.hear_logout(client, self.idp, data, binding=binding, at=now)
        saml.end_sessions(self.idp, farewell, at=now)  # this browser's too, if it is one of them
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


@gate.entrance
@require_POST
@never_cache
@throttling.limited("sso", rate=RATE)
def sign_out(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Leave here, in any case; then at the provider where it offers that."""
    row: AuthSession | None = getattr(request, "auth_session", None)  # read by the gate; gone once they have left
    signin.leave(request, reason="signed out, at the provider too")  # type: ignore[arg-type]
    idp = _provider(slug)
    onward = ""
    if row is not None and row.idp_id == idp.pk:
        onward = signed_out_at(request, idp, name_id=row.name_id, session=row.idp_session)
    return bounce.away(request, onward or reverse("accounts:login"))


def signed_out_at(request: HttpRequest, idp: IdentityProvider, *, name_id: str, session: str = "") -> str:
    """Where to send somebody who leaves, so that the provider's session ends too; "" when it offers no such address."""
    try:
        with saml.service_provider(idp, site=_site(request)) as config:
            return saml.logout_address(Saml2Client(config), idp, name_id=name_id, session=session)
    except (SAMLError, UnsupportedBinding, saml_metadata.BadMetadata):
        return ""
