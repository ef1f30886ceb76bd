from accounts.forms.factors import EnrolForm, RecoveryForm, TokenForm
from accounts.forms.passwords import FirstPasswordForm, PasswordForm
from accounts.forms.signing_in import SignInForm

__all__ = ["EnrolForm", "FirstPasswordForm", "PasswordForm", "RecoveryForm", "SignInForm", "TokenForm"]
