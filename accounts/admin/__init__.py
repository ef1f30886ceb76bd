"""The back office of the door: members, roles and grants, the tenant's own presentation."""

from accounts.admin import members, roles, tenants, tokens

__all__ = ["members", "roles", "tenants", "tokens"]
