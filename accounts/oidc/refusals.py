"""Why a provider's word is not taken."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class NotBelieved(ValidationError):
    """Something in the provider's answer does not hold. `why` is a word for the ledger."""

    def __init__(self, why: str) -> None:
        super().__init__(
            _("The provider's answer could not be verified, so nobody was signed in. Please try again."),
            code="not_believed",
        )
        self.why = why


class ProviderRefused(ValidationError):
    """The provider itself said no."""

    def __init__(self, why: str) -> None:
        super().__init__(_("The provider did not sign you in."), code="provider_refused")
        self.why = why


class NotFresh(NotBelieved):
    """The provider did not ask the person again."""


class OneFactorOnly(NotBelieved):
    """A second factor is needed, and the provider showed none that counts."""

    def __init__(self) -> None:
        super().__init__("no second factor")
        sentence = _("The provider did not show a second factor, and this needs one.")
        ValidationError.__init__(self, sentence, code="one_factor_only")
