"""The app on somebody's phone that shows a new code every half minute (TOTP, RFC 6238). Its seed is sealed."""

import time
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager, ThrottlingMixin, TimestampMixin
from django_otp.oath import TOTP

from accounts import seeds
from governance.fields import uuid7


class Authenticator(TimestampMixin, ThrottlingMixin, Device):
    """One per user. Check a code with the row locked (`factors.locked_device`): each then serves once."""

    STEP, DIGITS, TOLERANCE = 30, 6, 1

    objects: ClassVar[models.Manager[Self]] = DeviceManager()

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sealed_seed = models.BinaryField(editable=False)
    # How many steps the phone's clock is known to be off, and the last step whose code was used.
    drift = models.SmallIntegerField(default=0, editable=False)
    last_t = models.BigIntegerField(default=-1, editable=False)
    # django_otp's own, in words people read.
    created_at = models.DateTimeField(_("added"), null=True, blank=True, auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta(Device.Meta):
        abstract = False
        verbose_name = _("authenticator")
        verbose_name_plural = _("authenticators")
        constraints = [models.UniqueConstraint(fields=["user"], name="one_authenticator_per_user")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def seed(self) -> bytes:
        """The seed in clear, for as long as the caller holds it. Refuses with `sealing.Unopenable`."""
        return seeds.unseal(bytes(self.sealed_seed), place=seeds.place_of(self.user_id, self.pk))

    @seed.setter
    def seed(self, seed: bytes) -> None:
        self.sealed_seed = seeds.seal(seed, place=seeds.place_of(self.user_id, self.pk))

    def clock(self) -> TOTP:
        """RFC 6238 with this seed and drift, at this moment."""
        totp = TOTP(self.seed, self.STEP, 0, self.DIGITS, self.drift)
        totp.time = time.time()
        return totp

    def verify_token(self, token: str) -> bool:
        """Whether this is the code shown now, give or take a step, and not one used before. Failures slow it down."""
        if not self.verify_is_allowed()[0]:
            return False
        totp = self.clock()
        if not (token.isdecimal() and totp.verify(int(token), self.TOLERANCE, self.last_t + 1)):
            self.throttle_increment(commit=True)
            return False
        self.last_t, self.drift = totp.t(), totp.drift
        self.throttle_reset(commit=False)
        self.set_last_used_timestamp(commit=False)
        self.save()
        return True

    def get_throttle_factor(self) -> float:
        """Seconds to wait after the first failure; each further one doubles them."""
        return 1
