from accounts.models.membership import Membership, RoleGrant
from accounts.models.recovery_code import RecoveryCode
from accounts.models.role import Role
from accounts.models.tenant import Tenant, TenantDomain
from accounts.models.user import User, normalise_email

__all__ = ["Membership", "RecoveryCode", "Role", "RoleGrant", "Tenant", "TenantDomain", "User", "normalise_email"]
