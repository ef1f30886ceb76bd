"""Who may enter a view. Every view is closed to all but verified staff until it says otherwise, here.

A view says so with a mark: `@gate.public`, `@gate.entrance`, `@gate.changing_password` or `@gate.signed_in`;
`@gate.staff` is what no mark means. `@gate.token("scope")` is for programs: a Bearer token opens it and no session
does; it opens nothing else.
`accounts.middleware` reads the marks and asks `judge`.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from accounts import policies
from accounts.models import User

View = TypeVar("View", bound=Callable[..., Any])
_scopes: set[str] = set()


class Mark(StrEnum):
    """Who a view is for."""

    PUBLIC = "public"
    ENTRANCE = "entrance"
    CHANGE = "change"
    SIGNED_IN = "signed_in"
    STAFF = "staff"
    TOKEN = "token"  # nosec B105 - a mark, not a password


class Verdict(StrEnum):
    """What becomes of a request."""

    OPEN = "open"
    SIGN_IN = "sign in first"
    VERIFY = "verify with the second factor first"
    ENROL = "enrol a second factor first"
    CHANGE = "choose another password first"
    FORBIDDEN = "not for this person"


def _marked(view: View, mark: Mark) -> View:
    view.gate = mark  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Anybody, without looking at the session."""
    return _marked(view, Mark.PUBLIC)


def entrance(view: View) -> View:
    """Anybody signed in, however weakly: the pages that make a session stronger, and the way out."""
    return _marked(view, Mark.ENTRANCE)


def changing_password(view: View) -> View:
    """As `signed_in`, and also for those whose password must be changed: the page that changes it."""
    return _marked(view, Mark.CHANGE)


def signed_in(view: View) -> View:
    """Members of this tenant, verified as strongly as their roles demand."""
    return _marked(view, Mark.SIGNED_IN)


def staff(view: View) -> View:
    """Members who may enter the back office, verified with a second factor."""
    return _marked(view, Mark.STAFF)


def token(scope: str) -> Callable[[View], View]:
    """Programs with an API token that holds this scope, and nobody else: no session is read, so no form is forged."""

    def mark(view: View) -> View:
        view.token_scope, view.csrf_exempt = scope, True  # type: ignore[attr-defined]
        _scopes.add(scope)
        return _marked(view, Mark.TOKEN)

    return mark


def scopes() -> frozenset[str]:
    """What views that take tokens ask for: all that a token can be good for."""
    return frozenset(_scopes)


def is_marked(view: Callable[..., Any]) -> bool:
    """Whether a view says who it is for."""
    return isinstance(getattr(view, "gate", None), Mark)


def verdict_for(view: Callable[..., Any]) -> Mark:
    """Who a view is for; unmarked views are for verified staff."""
    return view.gate if is_marked(view) else Mark.STAFF  # type: ignore[attr-defined]


def judge(mark: Mark, user: policies.Visitor) -> Verdict:
    """What becomes of this user at a view with this mark."""
    if mark is Mark.PUBLIC:
        return Verdict.OPEN
    if mark is Mark.TOKEN:
        return Verdict.OPEN if getattr(user, "token_scopes", None) is not None else Verdict.SIGN_IN
    if not user.is_authenticated:
        return Verdict.SIGN_IN
    if mark is Mark.ENTRANCE:
        return Verdict.OPEN
    if mark is Mark.STAFF and not policies.is_staff(user):
        return Verdict.FORBIDDEN
    if not policies.is_strong_enough(user):
        return Verdict.VERIFY if _can_verify(user) else Verdict.ENROL
    if mark is not Mark.CHANGE and policies.must_change_password(user):
        return Verdict.CHANGE
    return Verdict.OPEN


def _can_verify(user: policies.Visitor) -> bool:
    """Whether showing what they have would be enough; a verified session that lacks a demanded key enrols one."""
    if not isinstance(user, User) or not user.has_second_factor():
        return False
    needs_key = policies.held(user).required_level >= policies.RESISTS_PHISHING
    has_shown_the_rest = (user.assurance_level or 0) >= policies.TWO_FACTORS
    return not (needs_key and has_shown_the_rest and not user.security_keys.exists())
