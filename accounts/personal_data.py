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
        "password_set_at password_checked_at password_must_change": _member(
            "user.behavior", "to know which passwords must be changed"
        ),
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
    nothing="id tenant source idp expires_at granted_at",
)
holds(
    "accounts.RecoveryCode",
    about="user.memberships.person",
    personal={"digest": _secret("to come in once without the authenticator")},
    nothing="id user made_at used_at",
)
holds(
    "accounts.Authenticator",
    about="user.memberships.person",
    personal={
        "user sealed_seed": _secret("to check the codes of one's authenticator; the seed is sealed"),
        "last_used_at created_at": _member("user.behavior", "to show when a factor was used", Erase.DELETE),
    },
    nothing="id name confirmed drift last_t throttling_failure_timestamp throttling_failure_count",
)
holds(
    "accounts.SecurityKey",
    about="user.memberships.person",
    personal={
        "user credential_id public_key": _secret("to check the answers of one's security key; a public key"),
        "name": _member("user.content", "so that people recognise their own keys", Erase.DELETE),
        "last_used_at created_at": _member("user.behavior", "to show when a factor was used", Erase.DELETE),
    },
    nothing="id rp_id sign_count answered",
)
holds(
    "accounts.PasswordHistory",
    about="user.memberships.person",
    personal={"password": _secret("so that an earlier password does not come back; salted Argon2id hashes")},
    nothing="id user replaced_at",
)
holds(
    "accounts.EmailCode",
    about="user.memberships.person",
    personal={
        "user sealed_facts sealed_code digest": Personal(
            "user.authorization.credentials",
            "to know that an e-mail address is theirs who asked; what was typed, and the code until it is sent, sealed",
            Basis.CONTRACT,
            "a day after the code has run out",
            Erase.DELETE,
            export=False,
            sensitivity=Sensitivity.RESTRICTED,
        ),
    },
    nothing="id tenant purpose tries sendings sent_at expires_at proven_at spent_at",
)
holds(
    "accounts.KnownDevice",
    about="user.memberships.person",
    personal={
        "user digest": _secret("to know a browser somebody came in with before"),
        "user_agent": _member("user.device", "so that people recognise their own browsers"),
        "first_seen_at last_seen_at": _member("user.behavior", "to tell a new browser from a known one", Erase.DELETE),
    },
    nothing="id tenant",
)
holds(
    "accounts.AuthSession",
    about="user.memberships.person",
    personal={
        "user key_digest": _secret("to find a session and end it; the key itself is not kept"),
        "ip user_agent device": _member("user.device", "so that people recognise their own sessions"),
        "started_at seen_at verified_at ended_at": _member(
            "user.behavior", "to show when and how somebody came in", Erase.DELETE
        ),
        "idp idp_session name_id": _member("user.unique_id", "to end a session the provider ends", Erase.DELETE),
    },
    nothing="id tenant epoch expires_at level methods is_remembered ended_why",
)
holds(
    "accounts.ExternalIdentity",
    about="user.memberships.person",
    personal={
        "user subject": _member("user.unique_id", "to know whom a provider's subject is here", Erase.DELETE),
        "linked_at last_seen_at": _member("user.behavior", "to notice links nobody uses", Erase.DELETE),
    },
    nothing="id tenant idp",
)
holds(
    "accounts.ApiToken",
    about="user.memberships.person",
    personal={
        "user digest": _secret("to let a program act for somebody; kept as a SHA-256 digest"),
        "name": _member("user.content", "to know what a token is for", Erase.DELETE),
        "last_used_at": _member("user.behavior", "to notice tokens nobody uses", Erase.DELETE),
    },
    nothing="id tenant prefix scopes created_at expires_at revoked_at",
)
holds_nothing(
    "accounts.IdentityProvider",
    "id tenant slug name protocol status issuer client_id sealed_secret scopes sealed_signing_key certificate metadata"
    " mfa_evidence max_auth_age makes_members allowed_domains default_role groups_claim is_enforced created_at",
)
holds_nothing("accounts.GroupRoleMapping", "id tenant idp group role")
holds_nothing("accounts.SamlSeenAssertion", "id tenant idp digest expires_at")
holds_nothing("accounts.LogoutTokenSeen", "id tenant idp digest expires_at")
holds_nothing(
    "accounts.SecurityPolicy",
    "id tenant idle_minutes absolute_hours remember_days second_factor needs_security_key step_up_minutes"
    " password_length password_history password_days visitors_may_sign_up",
)
holds_nothing("accounts.Role", "id tenant key own_name is_system own_permissions own_rank own_requires_mfa")
holds_nothing(
    "accounts.Tenant",
    "id slug name tagline time_zone locale brand_colour accent_colour logo contact_email contact_phone address"
    " is_active created_at",
)
holds_nothing("accounts.TenantDomain", "id tenant host is_primary")
