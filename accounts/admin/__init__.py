"""The back office of the door: members, roles and grants, sessions, the policy, the tenant's own presentation."""

from accounts.admin import identity_providers, members, roles, security, sessions, tenants, tokens

__all__ = ["identity_providers", "members", "roles", "security", "sessions", "tenants", "tokens"]
