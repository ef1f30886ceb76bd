from governance.models.encrypted import EncryptedTextField
from governance.models.keys import EraseEpoch, TenantKey
from governance.models.person import NameToken, Person
from governance.models.tenant_owned import AcrossTenantsManager, TenantManager, TenantOwned

__all__ = [
    "AcrossTenantsManager",
    "EncryptedTextField",
    "EraseEpoch",
    "NameToken",
    "Person",
    "TenantKey",
    "TenantManager",
    "TenantOwned",
]
