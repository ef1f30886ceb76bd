"""What the door holds about people who sign in. E-mails are looked up and lie in clear; erasure rewrites them."""

from governance.registry import Basis, Erase, Personal, Sensitivity, holds, holds_nothing

AS_LONG_AS_MEMBER = "as long as the person is a member somewhere; rewritten on request"


def _member(category: str, purpose: str, erase: Erase = Erase.OVERWRITE) -> Personal:
    return Personal(category, purpose, Basis.CONTRACT, AS_LONG_AS_MEMBER, erase)


def _secret(purpose: str) -> Personal:
    return Personal(
        "user.authorization.credentials",
        purpose,
        Basis.CONTRACT,
        AS_LONG_AS_MEMBER,
        Erase.DELETE,
        export=False,
        sensitivity=Sensitivity.RESTRICTED,
    )


holds(
    "accounts.User",
    about="memberships.person",
    personal={
        "email email_key": _member("user.contact.email", "to sign in, and to be written to"),
        "display_name": _member("user.name", "so that colleagues know who did something"),
        "password": _secret("to sign in; a salted Argon2id hash"),
        "last_login created_at": _member("user.behavior", "to notice accounts nobody uses", Erase.KEEP),
    },
    nothing="id is_active is_operator session_epoch",
)
holds(
    "accounts.Membership",
    about="person",
    personal={
        "user person": _member("user.unique_id", "to know which account belongs to which person", Erase.KEEP),
        "joined_at": _member("user.behavior", "to know since when somebody belongs here", Erase.KEEP),
    },
    nothing="id tenant is_active",
)
holds(
    "accounts.RoleGrant",
    about="membership.person",
    personal={
        "membership role granted_by": _member("user.job_title", "to know who may do what, and who said so", Erase.KEEP),
        "reason": _member("user.content", "to know why a role was given"),
    },
    nothing="id tenant source expires_at granted_at",
)
holds(
    "accounts.RecoveryCode",
    about="user.memberships.person",
    personal={"digest": _secret("to come in once without the authenticator")},
    nothing="id user made_at used_at",
)
holds_nothing("accounts.Role", "id tenant key own_name is_system own_permissions own_rank own_requires_mfa")
holds_nothing(
    "accounts.Tenant",
    "id slug name tagline time_zone locale brand_colour accent_colour logo contact_email contact_phone address"
    " is_active created_at",
)
holds_nothing("accounts.TenantDomain", "id tenant host is_primary")
