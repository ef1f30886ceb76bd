from accounts.forms.by_code import AddressForm, ChosenPasswordForm, CodeForm, ForgottenForm, SignUpForm
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
from accounts.forms.identity_providers import IdentityProviderForm
from accounts.forms.passwords import FirstPasswordForm, PasswordForm
from accounts.forms.signing_in import SignInForm
from accounts.forms.tokens import SeeAsForm, TokenMakingForm

__all__ = [
    "AddKeyForm",
    "AddressForm",
    "ChosenPasswordForm",
    "CodeForm",
    "EnrolForm",
    "FirstPasswordForm",
    "ForgottenForm",
    "IdentityProviderForm",
    "KeyForm",
    "KeyName",
    "PasswordAgainForm",
    "PasswordForm",
    "ReasonForm",
    "RecoveryForm",
    "SeeAsForm",
    "SignInForm",
    "SignUpForm",
    "TokenForm",
    "TokenMakingForm",
    "place_of",
]
