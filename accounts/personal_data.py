"""What the door holds about people who sign in. E-mails are looked up and lie in clear.

`accounts.closing` does what the words say of a closed account.
"""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from governance.registry import Basis, Erase, Personal, Sensitivity, holds, holds_nothing

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

AS_LONG_AS_MEMBER = _("until the account is closed")
EVERYWHERE = _("until the account is closed in every organisation it belongs to")
ENDED_SESSIONS = _("until ninety days after the session ended; from where and with what, until the account is closed")
NAMELESS = _("for good, on a row without name or address once the account is closed")


def _member(
    category: str,
    purpose: "_StrPromise",
    erase: Erase = Erase.OVERWRITE,
    *,
    keep: "_StrPromise" = AS_LONG_AS_MEMBER,
) -> Personal:
    return Personal(category, purpose, Basis.CONTRACT, keep, erase)


def _account(category: str, purpose: "_StrPromise", erase: Erase = Erase.OVERWRITE) -> Personal:
    return _member(category, purpose, erase, keep=EVERYWHERE)


def _session(category: str, purpose: "_StrPromise", erase: Erase = Erase.OVERWRITE) -> Personal:
    return _member(category, purpose, erase, keep=ENDED_SESSIONS)


def _secret(purpose: "_StrPromise", *, keep: "_StrPromise" = EVERYWHERE) -> Personal:
    return Personal(
        "user.authorization.credentials",
        purpose,
        Basis.CONTRACT,
        keep,
        Erase.DELETE,
        export=False,
        sensitivity=Sensitivity.RESTRICTED,
    )


holds(
    "accounts.User",
    about="memberships.person",
    personal={
        "email": _account("user.contact.email", _("to sign in, and to be written to")),
        "email_key": _secret(_("to find the account by its e-mail, however that is spelt")),
        "display_name": _account("user.name", _("so that colleagues know who did something")),
        "password": _secret(_("to sign in; a salted Argon2id hash")),
        "password_set_at password_checked_at password_must_change": _account(
            "user.behavior", _("to know which passwords must be changed")
        ),
        "last_login": _account("user.behavior", _("to notice accounts nobody uses")),
        "created_at": _member("user.behavior", _("to know since when the account is there"), Erase.KEEP, keep=NAMELESS),
    },
    nothing="id is_active is_operator session_epoch",
)
holds(
    "accounts.Membership",
    about="person",
    personal={
        "user person": _member("user.unique_id", _("to know which account belongs to which person"), Erase.KEEP),
        "joined_at": _member("user.behavior", _("to know since when somebody belongs here"), Erase.KEEP),
    },
    nothing="id tenant is_active",
)
holds(
    "accounts.RoleGrant",
    about="membership.person",
    personal={
        "membership role granted_by": _member(
            "user.job_title", _("to know who may do what, and who said so"), Erase.KEEP
        ),
        "reason": _member("user.content", _("to know why a role was given")),
    },
    nothing="id tenant source idp expires_at granted_at",
)
holds(
    "accounts.RecoveryCode",
    about="user.memberships.person",
    personal={"digest": _secret(_("to come in once without the authenticator"))},
    nothing="id user made_at used_at",
)
holds(
    "accounts.Authenticator",
    about="user.memberships.person",
    personal={
        "user sealed_seed": _secret(_("to check the codes of one's authenticator; the seed is sealed")),
        "last_used_at created_at": _account("user.behavior", _("to show when a factor was used"), Erase.DELETE),
    },
    nothing="id name confirmed drift last_t throttling_failure_timestamp throttling_failure_count",
)
holds(
    "accounts.SecurityKey",
    about="user.memberships.person",
    personal={
        "user credential_id public_key": _secret(_("to check the answers of one's security key; a public key")),
        "name": _account("user.content", _("so that people recognise their own keys"), Erase.DELETE),
        "last_used_at created_at": _account("user.behavior", _("to show when a factor was used"), Erase.DELETE),
    },
    nothing="id rp_id sign_count answered",
)
holds(
    "accounts.PasswordHistory",
    about="user.memberships.person",
    personal={"password": _secret(_("so that an earlier password does not come back; salted Argon2id hashes"))},
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
        "user digest": _secret(_("to know a browser somebody came in with before"), keep=AS_LONG_AS_MEMBER),
        "user_agent": _member("user.device", _("so that people recognise their own browsers")),
        "first_seen_at last_seen_at": _member(
            "user.behavior", _("to tell a new browser from a known one"), Erase.DELETE
        ),
    },
    nothing="id tenant",
)
holds(
    "accounts.AuthSession",
    about="user.memberships.person",
    personal={
        "user key_digest": _secret(_("to find a session and end it; the key itself is not kept"), keep=ENDED_SESSIONS),
        "ip user_agent device": _session("user.device", _("so that people recognise their own sessions")),
        "started_at seen_at verified_at ended_at": _session(
            "user.behavior", _("to show when and how somebody came in"), Erase.DELETE
        ),
        "idp idp_session name_id": _session("user.unique_id", _("to end a session the provider ends"), Erase.DELETE),
    },
    nothing="id tenant epoch expires_at level methods is_remembered ended_why",
)
holds(
    "accounts.ExternalIdentity",
    about="user.memberships.person",
    personal={
        "user subject": _member("user.unique_id", _("to know whom a provider's subject is here"), Erase.DELETE),
        "linked_at last_seen_at": _member("user.behavior", _("to notice links nobody uses"), Erase.DELETE),
    },
    nothing="id tenant idp",
)
holds(
    "accounts.ApiToken",
    about="user.memberships.person",
    personal={
        "user digest": _secret(
            _("to let a program act for somebody; kept as a SHA-256 digest"), keep=AS_LONG_AS_MEMBER
        ),
        "name": _member("user.content", _("to know what a token is for"), Erase.DELETE),
        "last_used_at": _member("user.behavior", _("to notice tokens nobody uses"), Erase.DELETE),
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
