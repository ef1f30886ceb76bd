"""What somebody may do, and why: a pure function of what they were given, the mappings, the policy and a moment.

`resolve` asks no database and no clock. `policies.held` is built on it, and so are the pages that explain a member's
rights and try out groups: what they show is what holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.models import Role, RoleGrant

Source = RoleGrant.Source


@dataclass(frozen=True, slots=True)
class Given:
    """A role somebody was given: by whom or through which groups, and until when. `role` holds its permissions."""

    role: Role
    source: str = Source.MANUAL
    expires_at: datetime | None = None
    by: str = ""
    reason: str = ""
    groups: tuple[str, ...] = ()

    def is_live(self, *, at: datetime) -> bool:
        """Whether it is in force at a moment."""
        return self.expires_at is None or self.expires_at > at

    def sentence(self) -> str:
        """Why, as people read it: "you are an Editor because…"."""
        words = {"role": self.role.name, "by": self.by, "groups": ", ".join(self.groups)}
        if self.source == Source.IDP and self.groups:
            said = _("%(role)s, because the identity provider's group maps to it: %(groups)s") % words
        elif self.source == Source.IDP:
            said = _("%(role)s, from the identity provider") % words
        elif self.source == Source.BREAK_GLASS:
            said = _("%(role)s, by break-glass") % words
        elif self.by:
            said = _("%(role)s, given by %(by)s") % words
        else:
            said = _("%(role)s, given by the platform") % words
        return said + self._until() + (f" ({self.reason})" if self.reason else "")

    def _until(self) -> str:
        if self.expires_at is None:
            return ""
        return ", " + _("until %(moment)s") % {"moment": date_format(localtime(self.expires_at), "DATETIME_FORMAT")}


@dataclass(frozen=True, slots=True)
class Mapping:
    """Members of a provider's group hold a role."""

    group: str
    role: Role


@dataclass(frozen=True, slots=True)
class Resolved:
    """What holds. `given` are the roles in force, highest first; `beyond` what operating the platform adds."""

    permissions: frozenset[str]
    rank: int
    requires_mfa: bool
    given: tuple[Given, ...]
    beyond: frozenset[str] = frozenset()

    @property
    def roles(self) -> tuple[str, ...]:
        """The short names of the roles in force, each once."""
        return tuple(sorted({given.role.key for given in self.given}))

    def why(self, code: str) -> tuple[Given, ...]:
        """Every role in force that holds this permission; none where only operating the platform does, or nothing."""
        return tuple(given for given in self.given if code in given.role.permissions)


def resolve(
    grants: Iterable[Given],
    *,
    at: datetime,
    groups: Iterable[str] | None = None,
    mappings: Iterable[Mapping] = (),
    beyond: frozenset[str] = frozenset(),
    all_need_two: bool = False,
) -> Resolved:
    """What these grants come to at a moment.

    `groups` is what an identity provider says now: it replaces what came from it before and nothing else; `None` means
    it said nothing. `all_need_two` is the policy's word that everybody shows a second factor.
    """
    mapped = list(mappings)
    kept = list(grants) if groups is None else [g for g in grants if g.source != Source.IDP] + _through(groups, mapped)
    live = [_with_groups(given, mapped) for given in kept if given.is_live(at=at)]
    live.sort(key=lambda given: (-given.role.rank, given.role.key, given.source))
    return Resolved(
        permissions=frozenset[str](beyond).union(*(given.role.permissions for given in live)),
        rank=max((given.role.rank for given in live), default=0),
        requires_mfa=all_need_two or any(given.role.requires_mfa for given in live),
        given=tuple(live),
        beyond=beyond,
    )


def _through(groups: Iterable[str], mappings: Iterable[Mapping]) -> list[Given]:
    """One grant for each role the groups map to."""
    said, roles = set(groups), {mapping.role.key: mapping.role for mapping in mappings}
    found = {key: tuple(m.group for m in mappings if m.role.key == key and m.group in said) for key in roles}
    return [Given(roles[key], Source.IDP, groups=names) for key, names in found.items() if names]


def _with_groups(given: Given, mappings: Iterable[Mapping]) -> Given:
    """A provider's grant with the groups that map to its role, where it does not name them itself."""
    if given.source != Source.IDP or given.groups:
        return given
    return replace(given, groups=tuple(m.group for m in mappings if m.role.key == given.role.key))
