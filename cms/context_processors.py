"""What every public template may say about the tenant it serves: `site`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from cms import brand
from governance import tenancy

if TYPE_CHECKING:
    from accounts.models import Tenant

DRAWING = "1"  # raise when the stylesheet or icon drawn from the same colours changes


@dataclass(frozen=True)
class Language:
    """One choice of the language switch."""

    code: str
    name: str
    query: str
    is_current: bool


class Site:
    """The tenant as its visitors see it."""

    def __init__(self, tenant: "Tenant", request: HttpRequest) -> None:
        self.tenant, self.request = tenant, request

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tenant, name)

    @property
    def version(self) -> str:
        """Changes when anything in the drawn stylesheet or icon changes."""
        return brand.version(DRAWING, self.tenant.brand_colour, self.tenant.accent_colour, self.initial)

    @property
    def initial(self) -> str:
        """The first letter or figure of the name, for the icon."""
        return next((sign for sign in self.tenant.name if sign.isalnum()), "V").upper()

    @property
    def brand_url(self) -> str:
        """Address of the tenant's colours, immutable for this version."""
        return f"/brand.css?v={self.version}"

    @property
    def icon_url(self) -> str:
        """Address of the tenant's icon, immutable for this version."""
        return f"/favicon.svg?v={self.version}"

    @property
    def logo_url(self) -> str:
        """Address of the logo, or nothing where the name stands instead."""
        name = self.tenant.logo.name
        return f"/logo?v={brand.version(name)}" if name else ""

    @property
    def phone_href(self) -> str:
        """The phone as a `tel:` address takes it."""
        return "".join(sign for sign in self.tenant.contact_phone if sign.isdigit() or sign == "+")

    @property
    def languages(self) -> list[Language]:
        """The languages offered, each with the query that chooses it on this very page."""
        current, offered = translation.get_language(), []
        for code, _name in settings.LANGUAGES:
            query = self.request.GET.copy()
            query["lang"] = code
            name = translation.get_language_info(code)["name_local"].capitalize()
            offered.append(Language(code, name, query.urlencode(), code == current))
        return offered


def site(request: HttpRequest) -> dict[str, Any]:
    """`site`: the tenant of this request, read only when a template asks; nothing on the platform's own pages."""
    return {"site": SimpleLazyObject(lambda: site_of(request) if tenancy.current_id_or_none() else None)}


def site_of(request: HttpRequest) -> Site:
    """The site of this request's tenant. Refuses with `NoTenant`."""
    return Site(tenancy.current(), request)
