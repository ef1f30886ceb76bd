"""Identity providers of the active tenant and what they say of people."""

from typing import Any

from accounts.models import GroupRoleMapping, IdentityProvider, Role
from accounts.provisioning import Claims


def make_idp(slug: str = "acme", **fields: Any) -> IdentityProvider:
    """A live OpenID Connect provider that admits new people of acme.example."""
    return IdentityProvider.objects.create(
        **{
            "slug": slug,
            "name": slug.capitalize(),
            "protocol": IdentityProvider.Protocol.OIDC,
            "status": IdentityProvider.Status.LIVE,
            "issuer": f"https://{slug}.example",
            "client_id": "verso",
            "makes_members": True,
            "allowed_domains": ["acme.example"],
        }
        | fields
    )


def map_group(idp: IdentityProvider, group: str, role: str) -> GroupRoleMapping:
    """Members of this group hold this role."""
    return GroupRoleMapping.objects.create(idp=idp, group=group, role=Role.objects.get(key=role))


def claims(subject: str = "s-1", **fields: Any) -> Claims:
    """What the provider says of Ada."""
    said = {"email": "ada@acme.example", "email_verified": True, "name": "Ada", "groups": ()}
    return Claims(subject, **(said | fields))
