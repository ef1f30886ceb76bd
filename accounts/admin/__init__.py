"""The back office of the door: members, roles and grants, sessions, the policy, the tenant's own presentation."""

from accounts.admin import members, roles, security, sessions, tenants, tokens

__all__ = ["members", "roles", "security", "sessions", "tenants", "tokens"]
