"""Who may do what, and why: the matrix, one member explained, groups tried out, and both for other eyes.

Everything here reads, except that `hand_out` writes down that somebody took the list away.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts import permissions, security
from accounts.models import GroupRoleMapping, IdentityProvider, Membership, Role, RoleGrant, SecurityPolicy
from accounts.resolving import Given, Mapping, Resolved, resolve
from audit import ledger

WHAT = ("matrix", "holdings")


@dataclass(frozen=True, slots=True)
class Line:
    """One permission, with why it is held or which roles would give it."""

    code: str
    label: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Permissions about one kind of thing."""

    app: str
    noun: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One member: what holds and why, what ended, what is missing and which roles would give it."""

    membership: Membership
    resolved: Resolved
    held: list[Group]
    missing: list[Group]
    ended: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What groups of a provider would give, and which of them map to nothing."""

    resolved: Resolved
    held: list[Group]
    unmapped: tuple[str, ...]


def grouped(codes: Iterable[str], because: dict[str, tuple[str, ...]] | None = None) -> list[Group]:
    """Permissions by app and kind of thing, in people's words."""
    known, found = permissions.known(), {}  # type: ignore[var-annotated]
    for code in sorted(codes):
        label = str(known[code].label) if code in known else code
        line = Line(code, capfirst(label), (because or {}).get(code, ()))
        found.setdefault(_heading(code), []).append(line)
    return [Group(app, noun, tuple(lines)) for (app, noun), lines in sorted(found.items(), key=_place)]


def _heading(code: str) -> tuple[str, str]:
    noun, app = permissions.noun_of(code), apps.get_app_config(code.partition(".")[0])
    word: str | Promise = noun._meta.verbose_name_plural or "" if noun else _("other acts")
    return str(app.verbose_name), capfirst(str(word))


def _place(entry: tuple[tuple[str, str], Any]) -> tuple[str, bool, str]:
    (app, noun), _lines = entry
    return app, noun == capfirst(_("other acts")), noun


def columns() -> list[Role]:
    """The tenant's roles, highest first: system roles, then its own."""
    return sorted(Role.objects.all(), key=lambda role: (not role.is_system, -role.rank, role.name))


def mappings(idp: IdentityProvider | None = None) -> list[Mapping]:
    """Which groups give which roles, at one provider or at all."""
    rows = GroupRoleMapping.objects.select_related("role").order_by("group")
    return [Mapping(row.group, row.role) for row in (rows.filter(idp=idp) if idp else rows)]


def given(membership: Membership) -> list[Given]:
    """Every grant of a member, ended ones included, with who gave it."""
    rows = membership.grants.select_related("role", "granted_by")
    return [_given(row) for row in rows]


def _given(row: RoleGrant) -> Given:
    return Given(row.role, row.source, row.expires_at, str(row.granted_by or ""), row.reason)


def _all_need_two() -> bool:
    return security.in_force().second_factor == SecurityPolicy.SecondFactor.EVERYBODY


def explain(membership: Membership, *, at: datetime) -> Explanation:
    """Every permission of a member with its why, and what is missing. An ended member holds nothing."""
    grants = given(membership)
    lives = membership.is_active and membership.user.is_active
    beyond = permissions.for_operators() if membership.user.is_operator and lives else frozenset()
    counted = grants if lives else []
    resolved = resolve(counted, at=at, mappings=mappings(), beyond=beyond, all_need_two=_all_need_two())
    lacking = {permission.code for permission in permissions.grantable()} - resolved.permissions
    offering = {code: tuple(role.name for role in columns() if code in role.permissions) for code in lacking}
    return Explanation(
        membership,
        resolved,
        grouped(resolved.permissions, whys(resolved)),
        grouped(lacking, offering),
        tuple(grant for grant in grants if not grant.is_live(at=at)),
    )


def whys(resolved: Resolved) -> dict[str, tuple[str, ...]]:
    """For each permission the sentences that say why it is held."""
    operates = (_("operates the platform"),)
    said = {id(grant): grant.sentence() for grant in resolved.given}
    return {
        code: tuple(said[id(grant)] for grant in resolved.why(code)) + (operates if code in resolved.beyond else ())
        for code in resolved.permissions
    }


def try_out(idp: IdentityProvider, groups: Iterable[str], *, at: datetime) -> Trial:
    """What somebody with these groups, and nothing given by hand, would hold."""
    said, mapped = list(dict.fromkeys(groups)), mappings(idp)
    resolved = resolve([], at=at, groups=said, mappings=mapped, all_need_two=_all_need_two())
    unmapped = tuple(group for group in said if group not in {mapping.group for mapping in mapped})
    return Trial(resolved, grouped(resolved.permissions, whys(resolved)), unmapped)


# --- for other eyes --------------------------------------------------------------------------------------------------
def hand_out(what: str, *, form: str, by: Any, at: datetime) -> list[dict[str, Any]]:
    """The matrix or who holds what, as rows for a file; who took it away is in the ledger before they are answered."""
    rows = matrix_rows() if what == "matrix" else list(holding_rows(at=at))
    ledger.record(f"accounts.rights.exported.{what}", reason=f"{form}, {len(rows)} rows")
    return rows


def matrix_rows() -> list[dict[str, Any]]:
    """One row a permission, one column a role."""
    roles = columns()
    return [
        {"app": group.app, "about": group.noun, "permission": line.code, "label": line.label}
        | {role.key: line.code in role.permissions for role in roles}
        for group in grouped(permission.code for permission in permissions.grantable())
        for line in group.lines
    ]


def holding_rows(*, at: datetime) -> Iterator[dict[str, Any]]:
    """One row for each member and permission, with why; members who hold nothing have one empty row."""
    members = Membership.objects.select_related("user").prefetch_related("grants__role", "grants__granted_by")
    mapped, two = mappings(), _all_need_two()
    for member in members:
        lives = member.is_active and member.user.is_active
        grants = [_given(row) for row in member.grants.all()] if lives else []
        beyond = permissions.for_operators() if member.user.is_operator and lives else frozenset()
        resolved = resolve(grants, at=at, mappings=mapped, beyond=beyond, all_need_two=two)
        person = {"email": member.user.email, "name": member.user.display_name, "active": lives}
        because = whys(resolved)
        for code in sorted(resolved.permissions) or [""]:
            label = str(permissions.known()[code].label) if code in permissions.known() else code
            yield person | {"permission": code, "label": label, "because": "; ".join(because.get(code, ()))}
