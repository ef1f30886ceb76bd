from accounts.forms.factors import EnrolForm, RecoveryForm, TokenForm
from accounts.forms.identity_providers import IdentityProviderForm
from accounts.forms.passwords import FirstPasswordForm, PasswordForm
from accounts.forms.signing_in import SignInForm
from accounts.forms.tokens import SeeAsForm, TokenMakingForm

__all__ = [
    "EnrolForm",
    "FirstPasswordForm",
    "IdentityProviderForm",
    "PasswordForm",
    "RecoveryForm",
    "SeeAsForm",
    "SignInForm",
    "TokenForm",
    "TokenMakingForm",
]
