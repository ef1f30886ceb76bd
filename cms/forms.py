"""Typed input of the contact form and of the inbox, as clean values."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import bots
from accounts.validators import one_line
from cms import conf
from cms.models import ContactMessage

SALT = "cms.contact"


class ContactForm(forms.Form):
    """A message to us. `at` is now; the stamp carries the form's identity and when it was handed out."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        validators=[one_line],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("Your e-mail"),
        max_length=254,
        help_text=_("We answer to this address and use it for nothing else."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    subject = forms.CharField(label=_("What is it about?"), max_length=150, validators=[one_line])
    message = forms.CharField(label=_("Your message"), max_length=5000, widget=forms.Textarea(attrs={"rows": 7}))
    website = bots.TrapField()
    altcha = bots.ProofField()
    stamp = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        self.at = at
        self.request_id = uuid4()
        super().__init__(*args, **kwargs)
        self.initial["stamp"] = stamp(self.request_id, at=at)

    def clean_stamp(self) -> str:
        """Refuses a form that was never handed out, or came back sooner than a person can type."""
        try:
            request_id, handed_out = signing.loads(self.cleaned_data["stamp"], salt=SALT)
            self.request_id = UUID(request_id)
        except (signing.BadSignature, ValueError, TypeError):
            raise _stale("unknown_form", _("Please check your message and send it once more.")) from None
        if self.at.timestamp() - handed_out < conf.get("CONTACT_MINIMUM_SECONDS"):
            raise _stale("too_quick", _("That was very quick. Please check your message and send it once more."))
        return str(self.cleaned_data["stamp"])

    def renew_stamp(self) -> None:
        """Give the form shown again a stamp that will be accepted, keeping what was typed."""
        self.data = {**dict(self.data.items()), self.add_prefix("stamp"): stamp(self.request_id, at=self.at)}


class ReplyForm(forms.ModelForm):
    """The inbox's one writable field."""

    reply = forms.CharField(
        label=_("Your answer"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
        help_text=_("Goes by e-mail to the person who wrote. It is kept encrypted beside the message."),
    )
    request_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    class Meta:
        model = ContactMessage
        fields: tuple[str, ...] = ()

    def clean_reply(self) -> str:
        """Refuses an answer without words, and closing or reopening over one that was not sent."""
        reply = str(self.cleaned_data["reply"])
        if not reply and not {"_close", "_reopen"} & set(self.data):
            raise ValidationError(_("Write an answer first."), code="nothing_written")
        if reply and {"_close", "_reopen"} & set(self.data):
            raise ValidationError(_("You have written an answer. Send it first, or clear it."), code="not_sent")
        return reply


def stamp(request_id: UUID, *, at: datetime) -> str:
    """The signed identity of one handed-out form."""
    return signing.dumps([str(request_id), int(at.timestamp())], salt=SALT)


def _stale(code: str, words: Any) -> ValidationError:
    return ValidationError(words, code=code)
