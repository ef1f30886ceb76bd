"""A code that was sent to an e-mail address, and what the browser that asked for it wants to do with it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import conf
from governance.models import TenantOwned


class EmailCode(TenantOwned):
    """One code, for one purpose, of the browser whose session holds its id. Nothing here can be read or guessed back.

    `sealed_facts` (address, name, the new password's hash, language) and `sealed_code` (until the mail has left) are
    under the tenant's key; `digest` is a keyed hash. See `accounts.codes`.
    """

    class Purpose(models.TextChoices):
        """What the code is good for."""

        SIGNUP = "signup", _("open an account")
        RESET = "reset", _("choose a new password")
        EMAIL = "email", _("change the e-mail address")

    purpose = models.CharField(max_length=10, choices=Purpose, editable=False)
    # Who asked, where somebody signed in did.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, editable=False, related_name="email_codes"
    )
    sealed_facts = models.BinaryField(editable=False)
    sealed_code = models.BinaryField(null=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    sendings = models.PositiveSmallIntegerField(default=1, editable=False)
    sent_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(editable=False)
    proven_at = models.DateTimeField(null=True, editable=False)
    spent_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        verbose_name = _("code by e-mail")
        verbose_name_plural = _("codes by e-mail")
        default_permissions = ()
        ordering = ["-sent_at"]
        indexes = [models.Index(fields=["tenant", "expires_at"], name="email_code_expires")]

    def __str__(self) -> str:
        return str(self.pk)

    def is_open(self, *, at: datetime) -> bool:
        """Whether the code may still be tried."""
        return self._lives(at=at) and self.proven_at is None and self.tries < conf.CODE_TRIES

    def is_proven(self, *, at: datetime) -> bool:
        """Whether the code was shown, and what it is for not done yet."""
        return self._lives(at=at) and self.proven_at is not None

    def _lives(self, *, at: datetime) -> bool:
        return self.spent_at is None and at < self.expires_at
