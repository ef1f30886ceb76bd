"""What the entries and messages of this app are called in the ledger and the outbox."""

from django.utils.translation import gettext_lazy as _

from audit import wording

wording.name(
    {
        "accounts.session.started": _("Signed in"),
        "accounts.session.verified": _("Confirmed who they are"),
        "accounts.session.ended": _("Signed out"),
        "accounts.signin.failed": _("Sign-in failed"),
        "accounts.signin.locked": _("Sign-in locked"),
        "accounts.gate.refused": _("Turned away"),
        "accounts.password.changed": _("Password changed"),
        "accounts.factor.enrolled": _("Authenticator set up"),
        "accounts.factor.replaced": _("Authenticator replaced"),
        "accounts.factor.failed": _("Second step failed"),
        "accounts.recovery_codes.made": _("Recovery codes made"),
        "accounts.recovery_codes.used": _("Recovery code used"),
        "accounts.operator.made": _("Operator made"),
        "accounts.tenant.created": _("Tenant opened"),
        "accounts.tenant.described": _("Tenant's details changed"),
        "accounts.host.opened": _("Host opened"),
        "accounts.membership.started": _("Member added"),
        "accounts.membership.ended": _("Membership ended"),
        "accounts.membership.resumed": _("Membership resumed"),
        "accounts.role.granted": _("Role given"),
        "accounts.role.revoked": _("Role taken away"),
        "accounts.role.defined": _("Role defined"),
        "accounts.invitation": _("Invitation to a member"),
    }
)
