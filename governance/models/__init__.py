from governance.models.tenant_owned import TenantOwned

__all__ = ["TenantOwned"]
