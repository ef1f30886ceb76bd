from accounts.models.tenant import Tenant, TenantDomain
from accounts.models.user import User

__all__ = ["Tenant", "TenantDomain", "User"]
