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
from accounts.forms.identity_providers import IdentityProviderForm, roles_to_give
from accounts.forms.passwords import FirstPasswordForm, PasswordForm
from accounts.forms.signing_in import SignInForm
from accounts.forms.tokens import SeeAsForm, TokenMakingForm

__all__ = [
    "AddKeyForm",
    "EnrolForm",
    "FirstPasswordForm",
    "IdentityProviderForm",
    "KeyForm",
    "KeyName",
    "PasswordAgainForm",
    "PasswordForm",
    "ReasonForm",
    "RecoveryForm",
    "SeeAsForm",
    "SignInForm",
    "TokenForm",
    "TokenMakingForm",
    "place_of",
    "roles_to_give",
]
