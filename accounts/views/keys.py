"""Security keys and passkeys: add, name, remove."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import factors, gate, security_keys, signin, stepping_up, throttling
from accounts.forms import AddKeyForm, KeyName
from accounts.models import SecurityKey
from accounts.views import going
from accounts.views.factors import removed, show_codes
from audit import ledger


@gate.entrance
@going.pages
@throttling.limited("factor", rate=going.SIGN_IN_RATE)
def add(request: HttpRequest) -> HttpResponse:
    """Enrol a key: the first factor of somebody led here, or one beside those just shown."""
    user = going.here(request)
    beside = user.has_second_factor()
    if beside and not signin.is_fresh(request.session, at=timezone.now()):
        if request.method == "POST":
            ledger.refused("accounts.security_key.enrolled", user, reason="the present factor was not shown")
        return going.verify_first(request)
    if not beside and going.must_come_in_by_password(request, user):
        return going.by_password_first(request, user)
    data = request.POST if request.method == "POST" else None
    form = AddKeyForm(data, user=user, request=request, beside=beside)
    if not form.place.can_hold_keys:
        return render(request, "account/key_nowhere.html", {"place": form.place}, status=409)
    if data is None or not form.enrolled():
        return render(request, "account/key_add.html", {"form": form}, status=422 if form.is_bound else 200)
    now = timezone.now()
    signin.step_up(request, user, signin.Evidence(("webauthn",)), at=now)  # type: ignore[arg-type]
    stepping_up.note(request.session, ("webauthn",), at=now)
    if not factors.codes_left(user):
        return show_codes(request, user)
    messages.success(request, _("Your key is added. Your other sessions have ended."))
    return redirect((request.GET.get("next") and going.after(request, user)) or "accounts:factors")


@gate.signed_in
@going.pages
def rename(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Another name for one's own key."""
    user = going.here(request)
    key = get_object_or_404(SecurityKey, pk=key_id, user=user)
    form = KeyName(request.POST if request.method == "POST" else None, initial={"name": key.name})
    if form.is_valid():
        security_keys.rename(key, name=form.cleaned_data["name"], by=user, at=timezone.now())
        return redirect("accounts:factors")
    return render(request, "account/key_rename.html", {"form": form, "key": key}, status=422 if form.is_bound else 200)


@gate.signed_in
@going.pages
def remove(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Do without one's own key. The act asks for a fresh proof (`accounts.remove_factor`)."""
    user = going.here(request)
    key = get_object_or_404(SecurityKey, pk=key_id, user=user)
    return removed(request, user, what=f"“{key.name}”", act=partial(security_keys.remove, key, by=user))
