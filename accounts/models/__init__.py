from accounts.models.api_token import ApiToken
from accounts.models.auth_session import AuthSession
from accounts.models.authenticator import Authenticator
from accounts.models.email_code import EmailCode
from accounts.models.identity_provider import (
    ExternalIdentity,
    GroupRoleMapping,
    IdentityProvider,
    LogoutTokenSeen,
    SamlSeenAssertion,
)
from accounts.models.known_device import KnownDevice
from accounts.models.membership import Membership, RoleGrant
from accounts.models.password_history import PasswordHistory
from accounts.models.recovery_code import RecoveryCode
from accounts.models.role import Role
from accounts.models.security_key import SecurityKey
from accounts.models.security_policy import SecurityPolicy
from accounts.models.tenant import Tenant, TenantDomain
from accounts.models.user import User, normalise_email

__all__ = [
    "ApiToken",
    "AuthSession",
    "Authenticator",
    "EmailCode",
    "ExternalIdentity",
    "GroupRoleMapping",
    "IdentityProvider",
    "KnownDevice",
    "LogoutTokenSeen",
    "Membership",
    "PasswordHistory",
    "RecoveryCode",
    "Role",
    "RoleGrant",
    "SamlSeenAssertion",
    "SecurityKey",
    "SecurityPolicy",
    "Tenant",
    "TenantDomain",
    "User",
    "normalise_email",
]
