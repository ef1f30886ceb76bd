"""A provider's word of somebody, in our terms."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts import signin
from accounts.models import IdentityProvider
from accounts.oidc import tokens
from accounts.provisioning import Claims


@dataclass(frozen=True, slots=True)
class Word:
    """What a provider said of somebody, verified. `said` is all of it, for the page that shows a try."""

    claims: Claims
    session: str
    second_factor: tuple[str, ...]
    authenticated_at: datetime | None
    said: dict[str, Any]

    def evidence(self, idp: IdentityProvider) -> signin.Evidence:
        """What it proves: two factors only where the provider showed one of the values that count as such."""
        methods = ("idp", "idp-mfa") if self.second_factor else ("idp",)
        return signin.Evidence(methods, idp=idp, idp_session=self.session)


def word(idp: IdentityProvider, said: dict[str, Any]) -> Word:
    """What the claims say in our words."""

    def text(name: str) -> str:
        value = said.get(name)
        return value.replace("\0", "") if isinstance(value, str) else ""

    claims = Claims(
        subject=tokens.subject(said),
        email=text("email")[:254],
        email_verified=_is_verified(said),
        name=text("name"),
        groups=groups(said, idp.groups_claim),
    )
    shown = _shown(said)
    counted = tuple(value for value in map(str, idp.mfa_evidence) if value in shown)
    return Word(claims, text("sid")[:255], counted, tokens.moment(said.get("auth_time")), said)


def _is_verified(said: dict[str, Any]) -> bool:
    """Entra ID says `xms_edov`, that the owner of the address's domain vouched for it, and never `email_verified`."""
    told = said.get("email_verified", said.get("xms_edov"))
    return told is True or told in ("true", "1") or (told == 1 and isinstance(told, int))


def _shown(said: dict[str, Any]) -> set[str]:
    """How the person was authenticated, in the provider's words: amr, acr, and Entra's acrs."""
    found: set[str] = set()
    for name in ("amr", "acr", "acrs"):
        value = said.get(name)
        found |= {item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)}
    return found


def groups(said: dict[str, Any], claim: str) -> tuple[str, ...] | None:
    """The groups somebody is in; None when the provider said nothing usable, which is not "in none".

    Entra ID sends `_claim_names` or `hasgroups` instead of groups once there are too many. `claim` may be a path
    (`realm_access.roles`, as Keycloak nests it).
    """
    elsewhere = said.get("_claim_names")
    if said.get("hasgroups") or (isinstance(elsewhere, dict) and claim in elsewhere):
        return None
    value = said.get(claim, _along(said, claim))
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return tuple(dict.fromkeys(item.replace("\0", "") for item in value))


def _along(said: dict[str, Any], path: str) -> Any:
    found: Any = said
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def legible(said: dict[str, Any]) -> list[tuple[str, str]]:
    """Claims as staff read them, in the order of their names."""
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in sorted(said.items())]
