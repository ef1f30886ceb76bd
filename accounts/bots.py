"""Proof of work for anonymous forms: a browser reckons for half a second, a robot for every message anew.

ALTCHA's second protocol with PBKDF2, which browsers bring along: `static/verso/altcha.js` asks for a challenge once
somebody begins to type, and puts the solution into the form. Nobody is asked to look at pictures, nothing is asked of
anybody else's server, no cookie is set. A form without proof is not refused here: it meets tighter limits
(`accounts.throttling`).
"""

import base64
import binascii
import hashlib
import json
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

import altcha
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from accounts import conf
from governance import tenancy

if TYPE_CHECKING:
    from django.http import HttpRequest

FIELD = "altcha"
ALGORITHM = "PBKDF2/SHA-256"
LONGEST_PROOF = 4_000


def _key(purpose: str) -> bytes:
    """A key of the platform's secret, another one for each tenant: a solution serves where it was asked for."""
    return salted_hmac(f"accounts.bots.{purpose}", str(tenancy.current_id_or_none()), algorithm="sha256").digest()


def challenge(*, at: datetime) -> dict[str, Any]:
    """A task for the browser, signed, good for one form within `CHALLENGE_FOR`."""
    low, high = conf.CHALLENGE_TRIES
    made = altcha.create_challenge(
        ALGORITHM,
        conf.CHALLENGE_ROUNDS,
        counter=low + secrets.randbelow(high - low),
        expires_at=at + conf.CHALLENGE_FOR,
        hmac_secret=_key("challenge"),
        hmac_key_secret=_key("answer"),
    )
    return made.to_dict()


def has_proved(request: "HttpRequest") -> bool:
    """Whether this form came with a solution nobody used before. Spends it; asked again, it answers the same."""
    if not hasattr(request, "has_proved"):
        request.has_proved = _spend(request.POST.get(FIELD, ""))  # type: ignore[attr-defined]
    return bool(request.has_proved)  # type: ignore[attr-defined]


def _spend(proof: str) -> bool:
    if not proof or len(proof) > LONGEST_PROOF or not _is_solution(proof):
        return False
    try:
        return bool(cache.add(f"proof:{_identity(proof)}", 1, timeout=int(conf.CHALLENGE_FOR.total_seconds()) + 60))
    except RedisError:  # without its memory a solution could serve for ever
        return False


def _is_solution(proof: str) -> bool:
    try:
        result = altcha.verify_solution(proof, _key("challenge"), hmac_key_secret=_key("answer"))
    except (ValueError, TypeError, AttributeError, binascii.Error):  # whatever else a stranger may put there
        return False
    return bool(result.verified)


def _identity(proof: str) -> str:
    """The challenge's own signature, so that another spelling of the same solution is the same solution."""
    signature = json.loads(base64.b64decode(proof))["challenge"]["signature"]
    return hashlib.sha256(str(signature).encode()).hexdigest()


class ProofInput(forms.HiddenInput):
    """Carries the proof, its script and a line that says what goes on. Its name is the same in every form."""

    template_name = "account/proof.html"

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was sent, whatever the form's prefix."""
        return data.get(FIELD)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """A proof serves once, so none is handed back."""
        return super().get_context(FIELD, None, attrs)


class ProofField(forms.CharField):
    """`altcha = bots.ProofField()` in a form; `throttling.wait(…, unproved=…)` looks at it."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=ProofInput, label="")

    def clean(self, value: Any) -> str:
        """Nothing of it concerns the form."""
        return ""


class TrapInput(forms.TextInput):
    """Out of sight and out of the way of the keyboard and of screen readers."""

    template_name = "account/trap.html"
    is_hidden = True


class TrapField(forms.CharField):
    """A field people do not see. Refuses whoever fills it."""

    def __init__(self) -> None:
        widget = TrapInput(attrs={"autocomplete": "off", "tabindex": "-1"})
        super().__init__(required=False, widget=widget, label=_("Leave this field empty"))

    def clean(self, value: Any) -> str:
        """Refuses any word in it."""
        if super().clean(value):
            raise ValidationError(_("Please leave the field “website” empty and send again."), code="trap")
        return ""
