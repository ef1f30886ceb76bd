"""Choosing a password: another one, or the first."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from accounts import gate, passwords, security, signin, throttling
from accounts.forms import FirstPasswordForm, PasswordForm
from accounts.views import going


@gate.changing_password
@sensitive_post_parameters()
@going.pages
@throttling.limited("password", rate="10/5m", keys=("ip", "user"))
def password(request: HttpRequest) -> HttpResponse:
    """Change one's password; other sessions end."""
    user = going.here(request)
    form = PasswordForm(user, data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        passwords.change(user, new=form.cleaned_data["new_password1"], at=timezone.now())
        signin.renew(request, user, at=timezone.now())  # type: ignore[arg-type]
        messages.success(request, _("Your password is changed. Other sessions have ended."))
        return redirect(going.after(request, user) if "next" in request.GET else "accounts:home")
    words = {"form": form, "must_change": user.password_must_change, "days": security.in_force().password_days}
    return render(request, "account/password.html", words, status=422 if form.is_bound else 200)


@gate.public
@never_cache
@sensitive_post_parameters()
@going.pages
@throttling.limited("welcome", rate="20/5m", methods=("GET", "POST"), unproved="10/5m")
def welcome(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Choose a first password with the link one was sent; then sign in with it."""
    try:
        user = passwords.welcomed(uid, token)
    except passwords.LinkOver as over:
        return render(request, "account/link_over.html", {"sentence": over.messages[0]}, status=410)
    form = FirstPasswordForm(user, data=request.POST if request.method == "POST" else None)
    if form.is_valid():
        passwords.choose_first(user, new=form.cleaned_data["new_password1"], at=timezone.now())
        return redirect("accounts:login")
    words = {"form": form, "user_email": user.email}
    return render(request, "account/welcome.html", words, status=422 if form.is_bound else 200)
