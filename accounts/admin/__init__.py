"""The back office of the door: members, roles and grants, the tenant's own presentation."""

from accounts.admin import identity_providers, members, roles, tenants

__all__ = ["identity_providers", "members", "roles", "tenants"]
