from accounts.forms.factors import (
    AddKeyForm,
    EnrolForm,
    KeyForm,
    KeyName,
    PasswordAgainForm,
    ReasonForm,
    RecoveryForm,
    TokenForm,
    place_of,
)
from accounts.forms.passwords import FirstPasswordForm, PasswordForm
from accounts.forms.signing_in import SignInForm

__all__ = [
    "AddKeyForm",
    "EnrolForm",
    "FirstPasswordForm",
    "KeyForm",
    "KeyName",
    "PasswordAgainForm",
    "PasswordForm",
    "ReasonForm",
    "RecoveryForm",
    "SignInForm",
    "TokenForm",
    "place_of",
]
