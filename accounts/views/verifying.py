"""Confirm it is you: the page that lifts a session, or proves it once more before an act."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters

from accounts import factors, gate, guesses, policies, signin, stepping_up, throttling
from accounts.forms import KeyForm, PasswordAgainForm, ReasonForm, RecoveryForm, TokenForm, place_of
from accounts.models import User
from accounts.stepping_up import REASON, Act
from accounts.views import going, recovering
from accounts.views import stepping_up as pages
from audit import ledger

# What a way is called in the address, in the order they are offered.
WAYS = {"key": "webauthn", "app": "totp", "recovery": "recovery", "password": "password"}  # nosec B105


@dataclass(frozen=True, slots=True)
class Question:
    """Who is asked for what: the act at hand, if any, and the ways that would answer."""

    user: User
    act: Act | None
    ways: tuple[str, ...]
    way: str

    def form(self, request: Any, data: Any) -> Any:
        """The form of the way chosen."""
        if self.way == "app":
            return TokenForm(self.user, None, data=data)
        kinds: dict[str, Any] = {"key": KeyForm, "password": PasswordAgainForm}
        if self.way in kinds:
            return kinds[self.way](data, user=self.user, request=request)
        return RecoveryForm(data=data)

    def is_answered(self, form: Any) -> bool:
        """Whether what was shown is right; a recovery code is used up by that."""
        return form.is_valid() and (self.way != "recovery" or recovering.is_spent(form, self.user))


def _ways(request: Any, user: User, act: Act | None) -> tuple[str, ...]:
    """The ways open to them that would be proof enough."""
    has = set(factors.ways(user, host=place_of(request).rp_id))
    needs_key = policies.held(user).required_level >= policies.RESISTS_PHISHING or (act and act.resists_phishing)
    if needs_key and ("webauthn" in has or (act and act.resists_phishing)):
        has &= {"webauthn"}
    is_weak = (user.assurance_level or 0) <= policies.ONE_FACTOR or bool(act and act.own)
    if not has and act and act.level <= policies.ONE_FACTOR and is_weak and not user.has_second_factor():
        has = {"password"} if user.has_usable_password() else set()
    return tuple(way for way, method in WAYS.items() if method in has)


def _asked(request: HttpRequest, user: User) -> Question:
    act = stepping_up.find(request.POST.get("act") or request.GET.get("act") or "")
    ways = _ways(request, user, act)
    wanted = request.GET.get("by", "")
    return Question(user, act, ways, wanted if wanted in ways else next(iter(ways), ""))


@gate.entrance
@sensitive_post_parameters("password", "otp_token", "answer")
@going.pages
@throttling.limited("factor", rate=going.SIGN_IN_RATE)
def verify(request: HttpRequest) -> HttpResponseBase:
    """Ask a signed-in session for its second factor: security key, authenticator or recovery code."""
    user = going.here(request)
    question = _asked(request, user)
    provider = stepping_up.provider_of(request.session, user)
    if not question.ways:
        return _elsewhere(request, question, provider)
    if _lacks_demanded_key(user, question):
        return redirect(f"{going.add_key()}?{urlencode({'next': going.after(request, user)})}")
    is_answer = request.method == "POST" and "start" not in request.POST
    if is_answer and (seconds := guesses.factor_wait(request, user)):
        return throttling.too_many(request, seconds)
    reason = _reason_form(question, request.POST if is_answer else None)
    is_reasoned = reason is None or reason.is_valid()  # first: reading an answer uses it up
    form = question.form(request, request.POST if is_answer and is_reasoned else None)
    if question.is_answered(form):
        guesses.factor_right(request)
        return _verified(request, question, reason)
    words = {"form": form, "reason_form": reason, "way": question.way, "act": question.act, "provider": provider}
    words["other_ways"] = [way for way in question.ways if way != question.way]
    words |= {"next": request.POST.get("next") or request.GET.get("next", ""), "kept": request.POST.get("kept", "")}
    return render(request, "account/verify.html", words)


def _lacks_demanded_key(user: User, question: Question) -> bool:
    """Whether all the rest is shown and only a key of this host, which they have not, is missing."""
    needs_key = policies.held(user).required_level >= policies.RESISTS_PHISHING
    has_shown_the_rest = (user.assurance_level or 0) >= policies.TWO_FACTORS
    return question.act is None and needs_key and has_shown_the_rest and "key" not in question.ways


def _reason_form(question: Question, data: Any) -> forms.Form | None:
    return ReasonForm(data) if question.act and question.act.needs_reason else None


def _elsewhere(request: HttpRequest, question: Question, provider: Any) -> HttpResponseBase:
    """Nothing to show here: on to their provider, or to enrolment where the gate leads, or no."""
    act = question.act
    if provider and not (act and stepping_up.asks_for_ones_own(question.user, act)):
        idp, ask = provider
        answer: HttpResponseBase = ask(request, idp, next=going.after(request, question.user))
        return answer
    if act:
        return pages.deny(request, question.user, act)
    return redirect("accounts:setup")


def _verified(request: HttpRequest, question: Question, reason: forms.Form | None) -> HttpResponse:
    now, user, act = timezone.now(), question.user, question.act
    method = WAYS[question.way]
    signin.step_up(request, user, signin.Evidence((method,)), at=now)  # type: ignore[arg-type]
    stepping_up.note(request.session, (method,), at=now)
    if act and reason:
        request.session[REASON] = {"act": act.name}
        ledger.record("accounts.step_up.reasoned", user, reason=reason.cleaned_data["reason"])
    kept = pages.read(request.POST.get("kept", ""), user)
    return pages.offer_again(request, kept, act) if kept else redirect(going.after(request, user))
