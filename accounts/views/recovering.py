"""A recovery code is spent by the page that read it; its form only reads."""

from django.utils import timezone

from accounts import factors, signin
from accounts.forms import RecoveryForm
from accounts.models import User


class CodeRefused(Exception):
    """The form's recovery code was none; the form says so."""

    def __init__(self, form: RecoveryForm) -> None:
        super().__init__()
        self.form = form


def is_spent(form: RecoveryForm, user: User) -> bool:
    """Use the form's recovery code up; a refusal stands beside the field and in the ledger."""
    try:
        factors.use_recovery_code(user, form.cleaned_data["otp_token"], at=timezone.now())
    except factors.WrongCode as refusal:
        signin.note_failure(user.email, what="accounts.factor.failed", reason="recovery code")
        form.add_error("otp_token", refusal)
        return False
    form.cleaned_data["otp_token"] = "spent"  # nosec B105 - what the wizard keeps of it
    return True
