"""What people type to show a second factor, or to enrol one."""

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device
from two_factor.forms import AuthenticationTokenForm, TOTPDeviceForm

from accounts import conf, factors, guesses, identity_providers, policies, security_keys, signin
from accounts.models import SecurityKey, User
from governance import tenancy

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIRequest

CHALLENGE = "key_challenge"  # in the session, until it is answered


class TokenForm(AuthenticationTokenForm):
    """The six figures of the authenticator, checked with its row locked so that they serve once."""

    otp_token = forms.RegexField(
        label=_("Six-digit code"),
        regex=r"^[0-9 ]{6,7}$",
        help_text=_("Your authenticator app shows a new one every half minute."),
        error_messages={"invalid": _("The code has six digits.")},
        widget=forms.TextInput(
            attrs={"autofocus": True, "inputmode": "numeric", "autocomplete": "one-time-code", "class": "numeric"}
        ),
    )
    otp_error_messages = AuthenticationTokenForm.otp_error_messages | {
        "token_required": _("Please enter the six-digit code."),
        "invalid_token": _("This code is not right, or was used already. Wait for the next one and try again."),
    }

    def clean_otp_token(self) -> str:
        """The figures without the space some apps show between them."""
        return str(self.cleaned_data["otp_token"]).replace(" ", "")

    def _chosen_device(self, user: User) -> Device | None:
        return factors.locked_device(user)


class RecoveryForm(forms.Form):
    """One of the codes kept for the day the authenticator is lost. The page spends it: nothing is looked up here."""

    idempotent = False
    use_required_attribute = False
    otp_token = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        help_text=_("Sixteen letters and digits. Each code works once."),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off", "autocapitalize": "characters"}),
    )


class EnrolForm(TOTPDeviceForm):
    """The first code of a new authenticator, proving that the key arrived. Saves nothing itself."""

    token = forms.RegexField(
        label=_("Six-digit code"),
        regex=r"^[0-9 ]{6,7}$",
        help_text=_("The code your app shows now for the new entry."),
        error_messages={"invalid": _("The code has six digits.")},
        widget=forms.TextInput(
            attrs={"autofocus": True, "inputmode": "numeric", "autocomplete": "one-time-code", "class": "numeric"}
        ),
    )
    error_messages = {"invalid_token": _("This code is not right. Check the clock of your phone and try the next one.")}

    def clean_token(self) -> int:
        """The figures as a number, checked against the new key."""
        self.cleaned_data["token"] = int(str(self.cleaned_data["token"]).replace(" ", ""))
        return int(super().clean_token())


def place_of(request: "WSGIRequest") -> security_keys.Place:
    """Where a ceremony in this request takes place: the tenant's host it came to."""
    return security_keys.Place.of(f"{request.scheme}://{request.get_host()}", name=tenancy.current().name)


class KeyCeremony(forms.Form):
    """A question to a key, asked in the page (`options`), and its answer. A challenge is spent by any answer."""

    purpose = ""
    idempotent = False
    use_required_attribute = False
    answer = forms.CharField(
        max_length=20_000,
        widget=forms.HiddenInput(attrs={"data-key-answer": ""}),
        error_messages={"required": _("The key has not answered. Press the button, and touch the key.")},
    )

    def __init__(self, *args: Any, user: User | None = None, request: "WSGIRequest", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.request = user, request
        self.place = place_of(request)

    @property
    def whose(self) -> str:
        """Whose answer is waited for; "" for anybody's."""
        return str(self.user.pk) if self.user else ""

    def ask(self) -> security_keys.Options:
        """The question."""
        raise NotImplementedError

    @cached_property
    def options(self) -> str:
        """A fresh question for the page; its challenge waits in the session for the answer."""
        asked = self.ask()
        begun = timezone.now().timestamp()
        self.request.session[CHALLENGE] = [self.purpose, self.whose, asked.challenge, begun]
        return asked.json

    def spent_challenge(self) -> str:
        """The challenge asked a short while ago of this user for this purpose, taken out of the session."""
        purpose, user, challenge, begun = self.request.session.pop(CHALLENGE, None) or ("", "", "", 0.0)
        age = timezone.now() - datetime.fromtimestamp(begun, timezone.get_default_timezone())
        is_ours = (purpose, user) == (self.purpose, self.whose) and age <= conf.CEREMONY
        return str(challenge) if is_ours else ""


class KeyForm(KeyCeremony):
    """A security key or passkey shown."""

    purpose = "verify"
    user: User
    failure = "accounts.factor.failed"

    def ask(self) -> security_keys.Options:
        """For the user's keys of this host."""
        return security_keys.options_to_verify(self.user, place=self.place)

    def owner(self, answer: str) -> User | None:
        """Who must have answered."""
        return self.user

    def clean_answer(self) -> str:
        """Checks the answer: refusals of `security_keys.use` show with the form."""
        challenge, answer = self.spent_challenge(), self.cleaned_data["answer"]
        owner = self.owner(answer)
        try:
            if owner is None:
                raise security_keys.NotThisKey
            security_keys.use(owner, answer=answer, challenge=challenge, place=self.place, at=timezone.now())
        except security_keys.NotThisKey as refusal:
            why = "copied security key" if isinstance(refusal, security_keys.CopiedKey) else "security key"
            signin.note_failure(owner.email if owner else "", what=self.failure, reason=why)
            raise
        self.user = owner
        return "spent"


class PasskeyForm(KeyForm):
    """A passkey shown by nobody known yet: it says whose it is. Whoever is not to come in reads one sentence."""

    purpose = "sign in"
    failure = "accounts.signin.failed"

    def ask(self) -> security_keys.Options:
        """For whichever passkey of this host."""
        return security_keys.options_to_sign_in(place=self.place)

    def owner(self, answer: str) -> User | None:
        """Whose passkey it is, if they may come in by one."""
        owner = security_keys.owner_of(answer, place=self.place)
        is_welcome = owner and policies.held(owner).is_member and not identity_providers.enforced_for(owner.email)
        return owner if is_welcome else None


class KeyName(forms.Form):
    """What somebody calls a key."""

    name = forms.CharField(
        label=_("Name of the key"),
        max_length=60,
        help_text=_("So that you know it again: “blue key”, “my telephone”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class AddKeyForm(KeyCeremony, KeyName):
    """A new key: its name and its first answer."""

    purpose = "enrol"
    user: User
    field_order = ["name", "answer"]

    def __init__(self, *args: Any, beside: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.beside = beside

    def ask(self) -> security_keys.Options:
        """For a key that is not enrolled yet."""
        return security_keys.options_to_enrol(self.user, place=self.place)

    def enrolled(self) -> SecurityKey | None:
        """The new key, or None with the refusal on the form."""
        challenge = self.spent_challenge()
        if not self.is_valid():
            return None
        typed = self.cleaned_data
        try:
            return security_keys.enrol(
                self.user,
                name=typed["name"],
                answer=typed["answer"],
                challenge=challenge,
                place=self.place,
                beside=self.beside,
                at=timezone.now(),
            )
        except ValidationError as refusal:
            self.add_error(None, refusal)
            return None


class PasswordAgainForm(forms.Form):
    """The password once more, of somebody who has nothing else."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, *args: Any, user: User, request: "WSGIRequest", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.request = user, request

    def clean_password(self) -> str:
        """Refuses a wrong one; guesses count as at sign-in."""
        credentials = {"username": self.user.email, "password": self.cleaned_data["password"]}
        if authenticate(self.request, **credentials) != self.user:
            raise ValidationError(_("This is not your password."), code="wrong_password")
        guesses.give_back(self.request)
        return "shown"


class ReasonForm(forms.Form):
    """Why an act is done, for the ledger."""

    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("It is kept with the act. No personal data, please.")
    )
