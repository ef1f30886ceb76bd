"""How to set up a provider at its own console: the addresses to copy there, and the steps for the usual four."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import IdentityProvider
from governance import tenancy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

OIDC, SAML = IdentityProvider.Protocol.OIDC, IdentityProvider.Protocol.SAML


@dataclass(frozen=True, slots=True)
class Guide:
    """Steps at one provider's console, and what to type here afterwards."""

    key: str
    name: str
    steps: tuple["_StrPromise", ...]
    here: tuple[tuple["_StrPromise", "_StrPromise | str"], ...]


def addresses(idp: IdentityProvider) -> list[tuple[Any, str]]:
    """What the provider must know, with the tenant's own host."""

    def whole(path: str) -> str:
        return tenancy.current().url(path)

    if idp.protocol == SAML:
        base = f"/sso/{idp.slug}/saml/"
        return [
            (_("Entity id (Audience) and metadata"), whole(f"{base}metadata/")),
            (_("Assertion consumer service (Reply URL, Single sign-on URL)"), whole(f"{base}acs/")),
            (_("Single logout service"), whole(f"{base}slo/")),
        ]
    return [
        (_("Redirect URI (callback)"), whole(reverse("sso:oidc_callback", args=[idp.slug]))),
        (_("Back-channel logout URI"), whole(reverse("sso:oidc_backchannel_logout", args=[idp.slug]))),
        (_("Redirect URI after sign-out"), whole(reverse("accounts:login"))),
        (_("Where a sign-in begins (initiate login URI)"), whole(reverse("sso:oidc_start", args=[idp.slug]))),
    ]


_OIDC = (
    Guide(
        "okta",
        "Okta",
        (
            _("Applications, Create App Integration: OIDC – OpenID Connect, Web Application."),
            _("Grant type: Authorization Code. Enter the redirect URI and the redirect URI after sign-out from above."),
            _("Assignments: the groups whose people may come in."),
            _("For groups: Sign On, OpenID Connect ID Token, Groups claim filter: groups, Matches regex, .*"),
            _("Copy Client ID and Client secret from the General tab."),
        ),
        (
            (_("Issuer"), "https://<your-org>.okta.com"),
            (_("Groups are in"), "groups"),
            (_("Counts as a second factor"), "mfa"),
        ),
    ),
    Guide(
        "entra",
        "Microsoft Entra ID",
        (
            _("App registrations, New registration: accounts in this directory only; redirect URI of the kind Web."),
            _("Certificates & secrets, New client secret: copy the Value at once, not the Secret ID."),
            _("Token configuration, Add groups claim: groups assigned to the application, in the ID token."),
            _(
                "Manifest: add the optional claims email and xms_edov to the ID token. Entra ID never says"
                " email_verified; xms_edov says that the domain of the address is your directory's."
            ),
            _(
                "For a second factor: Protection, Conditional Access, Authentication contexts: publish one, and a"
                " policy that demands multifactor authentication for it."
            ),
        ),
        (
            (_("Issuer"), "https://login.microsoftonline.com/<directory (tenant) ID>/v2.0"),
            (_("Groups are in"), _("groups (their object IDs)")),
            (_("Counts as a second factor"), _("c1, or the id of your authentication context")),
        ),
    ),
    Guide(
        "google",
        "Google",
        (
            _("Google Auth Platform, Audience: Internal, so that only your organisation comes in."),
            _("Clients, Create client: Web application; enter the redirect URI from above as authorised."),
            _("Copy Client ID and Client secret."),
            _("Google sends neither groups nor how somebody signed in: roles are given and factors asked here."),
        ),
        (
            (_("Issuer"), "https://accounts.google.com"),
            (_("E-mail domains"), _("the domains of your organisation")),
            (_("Counts as a second factor"), _("leave it empty")),
        ),
    ),
    Guide(
        "keycloak",
        "Keycloak",
        (
            _("Clients, Create client: OpenID Connect; Client authentication on, Standard flow only."),
            _("Valid redirect URIs and Valid post logout redirect URIs: the two from above, without wildcards."),
            _("Backchannel logout URL: from above; Backchannel logout session required: on."),
            _("Client scopes, the client's dedicated one, Add mapper, Group Membership: groups, Full group path off."),
            _("Credentials: copy the Client Secret."),
        ),
        (
            (_("Issuer"), "https://<host>/realms/<realm>"),
            (_("Groups are in"), "groups"),
            (_("Counts as a second factor"), _("the level of authentication your flow gives to a second factor")),
        ),
    ),
)
_SAML = (
    Guide(
        "okta",
        "Okta",
        (
            _("Applications, Create App Integration: SAML 2.0."),
            _("Single sign-on URL and Audience URI: from above. Name ID: Persistent. Response and assertion signed."),
            _("Attribute statements: email, name; group attribute statement: groups, Matches regex, .*"),
            _("Sign On: copy the metadata from the metadata URL."),
        ),
        ((_("Metadata"), _("the whole XML")), (_("Groups are in"), "groups")),
    ),
    Guide(
        "entra",
        "Microsoft Entra ID",
        (
            _("Enterprise applications, New application, Create your own: not in the gallery; Single sign-on, SAML."),
            _("Identifier (Entity ID) and Reply URL: from above."),
            _("Sign SAML response and assertion. Add a group claim: groups assigned to the application."),
            _("Download the Federation Metadata XML."),
        ),
        (
            (_("Metadata"), _("the whole XML")),
            (_("Groups are in"), "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"),
        ),
    ),
    Guide(
        "google",
        "Google",
        (
            _("Admin console, Apps, Web and mobile apps, Add app, Add custom SAML app: download the metadata."),
            _("ACS URL and Entity ID: from above; Signed response on; Name ID format: PERSISTENT."),
            _("Attributes: primary e-mail to email; Group membership: choose groups, app attribute groups."),
        ),
        ((_("Metadata"), _("the whole XML")), (_("Groups are in"), "groups")),
    ),
    Guide(
        "keycloak",
        "Keycloak",
        (
            _("Clients, Create client: SAML; Client ID: the entity id from above."),
            _("Valid redirect URIs: the assertion consumer service. Sign documents and Sign assertions: on."),
            _("Client scopes, the client's dedicated one, Add mapper, Group list: groups, Full group path off."),
            _("Realm settings, Endpoints: copy the SAML 2.0 Identity Provider Metadata."),
        ),
        ((_("Metadata"), _("the whole XML")), (_("Groups are in"), "groups")),
    ),
)


def of(idp: IdentityProvider) -> tuple[Guide, ...]:
    """The guides for a provider's protocol."""
    return _SAML if idp.protocol == SAML else _OIDC
