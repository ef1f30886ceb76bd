"""The only two backends of ours: one knows passwords and permits nothing, one permits and knows no passwords."""

from typing import TYPE_CHECKING, Any

from axes.backends import AxesStandaloneBackend
from axes.exceptions import AxesBackendPermissionDenied
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.db import models

from accounts import policies
from accounts.models import Membership, User, normalise_email
from governance import tenancy

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIRequest


def burn_a_hash(password: str | None) -> None:
    """Take as long as a real check does, so that time tells nobody which accounts exist."""
    make_password(password or "")


class LockoutBackend(AxesStandaloneBackend):
    """Stops a locked e-mail and address before the password is looked at, in the time a look would take."""

    def authenticate(
        self, request: "WSGIRequest", username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> None:
        """Refuses with axes' denial, after the one hash every other answer costs."""
        try:
            super().authenticate(request, username=username, password=password, **kwargs)
        except AxesBackendPermissionDenied:
            burn_a_hash(password)
            raise


class PasswordBackend(BaseBackend):
    """Knows members of the active tenant by e-mail and password. Grants no permission whatsoever."""

    def _candidate(self, email: str) -> User | None:
        member_here = Membership.objects.filter(user=models.OuterRef("pk"), is_active=True)
        users = User.objects.filter(email_key=normalise_email(email)).annotate(is_here=models.Exists(member_here))
        return users.first()

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The member with this password. Unknown, wrong, inactive and other tenants' people all cost one hash."""
        if username is None or password is None or tenancy.current_id_or_none() is None:
            return None
        user = self._candidate(username)
        if user is None or not user.has_usable_password():
            burn_a_hash(password)
            return None
        right = user.check_password(password)
        return user if right and user.is_active and user.is_here else None  # type: ignore[attr-defined]

    def get_user(self, user_id: Any) -> User | None:
        """The active user a session names."""
        return User.objects.filter(pk=user_id, is_active=True).first()


class TenantPermissionBackend(BaseBackend):
    """Reads live role grants of the active tenant. Authenticates nobody; permits nothing outside that tenant."""

    def get_all_permissions(self, user_obj: Any, obj: models.Model | None = None) -> set[str]:
        """Codes in force; none for another tenant's object, none while the session proves too little."""
        if obj is not None and getattr(obj, "tenant_id", None) not in (None, tenancy.current_id_or_none()):
            return set()
        return set(policies.usable_permissions(user_obj))

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        """Whether one code is in force."""
        return perm in self.get_all_permissions(user_obj, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether any code of an app is in force."""
        return any(code.startswith(f"{app_label}.") for code in self.get_all_permissions(user_obj))
