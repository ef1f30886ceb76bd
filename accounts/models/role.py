"""A named set of permissions in one tenant: a system role, or one the tenant made."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from governance.models import TenantOwned


class Role(TenantOwned):
    """A set of permissions with a rank. A system role's permissions, rank and name are read from code."""

    key = models.SlugField(_("short name"), max_length=50)
    own_name = models.CharField(_("name"), max_length=80, blank=True)
    is_system = models.BooleanField(_("system role"), default=False, editable=False)
    own_permissions = models.JSONField(_("permissions"), default=list, blank=True)
    own_rank = models.PositiveSmallIntegerField(_("rank"), default=10)
    own_requires_mfa = models.BooleanField(_("needs a second factor"), default=True)

    class Meta(TenantOwned.Meta):
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["-own_rank", "key"]
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="one_role_per_key")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What people call this role, in their language for system roles."""
        return str(permissions.system_role(self.key).label) if self.is_system else self.own_name

    @property
    def permissions(self) -> frozenset[str]:
        """The codes this role holds."""
        return permissions.system_role(self.key).permissions if self.is_system else frozenset(self.own_permissions)

    @property
    def rank(self) -> int:
        """How high this role stands: 0 visitor to 100 owner."""
        return permissions.system_role(self.key).rank if self.is_system else self.own_rank

    @property
    def requires_mfa(self) -> bool:
        """Whether holding it demands a second factor. Whoever may enter the back office always needs one."""
        demanded = permissions.system_role(self.key).requires_mfa if self.is_system else self.own_requires_mfa
        return demanded or permissions.ENTER_ADMIN in self.permissions
