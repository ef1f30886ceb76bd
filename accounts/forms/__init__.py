from accounts.forms.by_code import AddressForm, ChosenPasswordForm, CodeForm, ForgottenForm, SignUpForm
from accounts.forms.factors import (
    AddKeyForm,
    EnrolForm,
    KeyForm,
    KeyName,
    PasskeyForm,
    PasswordAgainForm,
    ReasonForm,
    RecoveryForm,
    TokenForm,
    place_of,
)
from accounts.forms.identity_providers import IdentityProviderForm, roles_to_give
from accounts.forms.own import CloseForm, ProfileForm
from accounts.forms.passwords import FirstPasswordForm, PasswordForm
from accounts.forms.signing_in import SignInForm
from accounts.forms.tokens import SeeAsForm, TokenMakingForm

__all__ = [
    "AddKeyForm",
    "AddressForm",
    "ChosenPasswordForm",
    "CloseForm",
    "CodeForm",
    "EnrolForm",
    "FirstPasswordForm",
    "ForgottenForm",
    "IdentityProviderForm",
    "KeyForm",
    "KeyName",
    "PasskeyForm",
    "PasswordAgainForm",
    "PasswordForm",
    "ProfileForm",
    "ReasonForm",
    "RecoveryForm",
    "SeeAsForm",
    "SignInForm",
    "SignUpForm",
    "TokenForm",
    "TokenMakingForm",
    "place_of",
    "roles_to_give",
]
