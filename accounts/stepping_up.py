"""Acts that ask for a proof of their own: which ones, how strong, how fresh. The map is code; doors only name acts.

    stepping_up.protect("scheduling.cancel_day", _("cancel a whole day"), covers=("scheduling:cancel_day",))

    @step_up("scheduling.cancel_day")
    def cancel_day(request): …

An act covers views by name (`accounts:key_remove`) and what the admin does with a model: `accounts.rolegrant:add`,
`accounts.rolegrant:revoke` (an action of its list), `accounts.securitypolicy:*` (whatever is sent there). A view of a
lower floor marks itself: `view.step_up = "…"`. `accounts.middleware.StepUpMiddleware` asks before the view runs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.core.cache import cache as shared_cache
from django.utils.translation import gettext_lazy as _

from accounts import policies, security, signin
from accounts.models import ExternalIdentity, IdentityProvider, User

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.utils.functional import _StrPromise

View = TypeVar("View", bound=Callable[..., Any])
MARK = "step_up"
# What the session keeps: when a key was last shown, which verification was used up, and why an act is done.
KEY_SHOWN, SPENT, REASON = "key_shown", "proof_spent", "act_reason"


@dataclass(frozen=True, slots=True)
class Act:
    """One act, and what must be shown for it. `permission` is asked before any factor: one of these codes, if any."""

    name: str
    label: "_StrPromise | str"
    covers: tuple[str, ...] = ()
    permission: str = ""
    level: int = policies.TWO_FACTORS
    minutes: int | None = None  # None: as long as the tenant's policy says; never longer
    resists_phishing: bool = False
    one_shot: bool = False
    own: bool = False  # by something of one's own, where one has that: a provider's word does not open other tenants
    needs_reason: bool = False
    also_reading: bool = False


class UnknownAct(LookupError):
    """A view names an act that no map holds: it stays closed."""


_acts: dict[str, Act] = {}
_covering: dict[str, Act] = {}
_providers: dict[str, Callable[..., Any]] = {}


def protect(name: str, label: "_StrPromise | str", *, covers: Iterable[str] = (), **demands: Any) -> Act:
    """Put an act into the map. Refuses with `ValueError` what another act covers already."""
    act = Act(name, label, tuple(covers), **demands)
    taken = [cover for cover in act.covers if _covering.get(cover, act).name != name]
    if taken:
        raise ValueError(f"{', '.join(taken)} is covered by another act already.")
    _acts[name] = act
    _covering.update(dict.fromkeys(act.covers, act))
    return act


def step_up(name: str) -> Callable[[View], View]:
    """Mark a view with the act it does."""

    def mark(view: View) -> View:
        setattr(view, MARK, name)
        return view

    return mark


def acts() -> list[Act]:
    """The whole map, by name."""
    return [_acts[name] for name in sorted(_acts)]


def covered() -> dict[str, Act]:
    """What is covered, and by which act."""
    return dict(_covering)


def find(name: str) -> Act | None:
    """An act by its name."""
    return _acts.get(name)


def may_do(user: User, act: Act) -> bool:
    """Whether the act is theirs to do at all."""
    return not act.permission or any(user.has_perm(code) for code in act.permission.split())


def act_of(view: Callable[..., Any], *, view_name: str, posted: bool, chosen: Iterable[str]) -> Act | None:
    """The act a request is about to do, if the map holds it. Refuses with `UnknownAct` a mark that means nothing."""
    marked = getattr(view, MARK, "")
    if marked and marked not in _acts:
        raise UnknownAct(marked)
    names = [view_name, *_done_in_admin(view_name, chosen)]
    found = [_acts[marked]] if marked else []
    found += [_covering[name] for name in names if name in _covering]
    return next((act for act in found if posted or act.also_reading), None)


def _done_in_admin(view_name: str, chosen: Iterable[str]) -> Iterator[str]:
    """`admin:accounts_rolegrant_add` is `accounts.rolegrant:add`; actions of a list go by their own name."""
    space, _colon, name = view_name.rpartition(":")
    found = [model for model in _models() if space == "admin" and name.startswith(f"{model}_")]
    if not found:
        return
    prefix = max(found, key=len)
    model, page = _models()[prefix], name.removeprefix(f"{prefix}_")
    for done in chosen if page == "changelist" else [page]:
        yield f"{model}:{done}"
    yield f"{model}:*"


@cache
def _models() -> dict[str, str]:
    """How the admin's names of pages begin, and of which model that speaks; labels of apps may hold underscores."""
    return {f"{each._meta.app_label}_{each._meta.model_name}": each._meta.label_lower for each in apps.get_models()}


# --- freshness -------------------------------------------------------------------------------------------------------
def _verified(session: "SessionBase", act: Act, *, by_oneself: bool = False) -> float:
    if act.resists_phishing:
        return float(session.get(KEY_SHOWN, 0))
    kept = session.get(signin.STANDING) or {}
    if by_oneself:
        mark = signin.SELF if act.level <= policies.ONE_FACTOR else signin.OWN
        return float(kept.get(mark, 0))
    return float(kept.get("verified", 0))


def asks_for_ones_own(user: User, act: Act) -> bool:
    """Whether a provider's word does not do for this act: they have a password or factor of their own."""
    return act.own and (user.has_usable_password() or user.has_second_factor())


def is_fresh_for(session: "SessionBase", act: Act, *, at: datetime, by_oneself: bool = False) -> bool:
    """Whether the session holds the proof an act asks for: shown lately, strong enough, not used up."""
    kept, verified = session.get(signin.STANDING) or {}, _verified(session, act, by_oneself=by_oneself)
    longest = min(filter(None, (act.minutes, security.in_force().step_up_minutes)))
    return (
        kept.get("level", 0) >= act.level
        and verified > session.get(SPENT, 0)
        and at - datetime.fromtimestamp(verified, UTC) <= timedelta(minutes=longest)
        and (not act.needs_reason or (session.get(REASON) or {}).get("act") == act.name)
    )


def note(session: "SessionBase", methods: Iterable[str], *, at: datetime) -> None:
    """Remember when a key was shown: what is said about a session as a whole does not tell."""
    if "webauthn" in methods:
        session[KEY_SHOWN] = at.timestamp()


def spend(session: "SessionBase", act: Act) -> bool:
    """Use the proof up, for all acts. True for exactly one of those who bring it at the same time."""
    verified = float((session.get(signin.STANDING) or {}).get("verified", 0))
    used = max(verified, _verified(session, act))
    session[SPENT] = used
    session.pop(REASON, None)
    proof = sha256(f"{session.session_key}|{used!r}".encode()).hexdigest()
    return bool(shared_cache.add(f"accounts.proof:{proof}", 1, timeout=24 * 3600))


# --- people who come from a provider ---------------------------------------------------------------------------------
def at_provider(protocol: str) -> Callable[[View], View]:
    """Say how somebody proves themselves anew at a provider of this protocol: `view(request, idp, next)`."""

    def register(view: View) -> View:
        _providers[protocol] = view
        return view

    return register


def provider_of(session: "SessionBase", user: User) -> tuple[IdentityProvider, Callable[..., Any]] | None:
    """The provider a session came from, and how to be sent back there; None for a local session."""
    kept = session.get(signin.STANDING) or {}
    if not {"idp", "idp-mfa"} & set(kept.get("methods", ())):
        return None
    links = ExternalIdentity.objects.filter(user=user, idp__status=IdentityProvider.Status.LIVE).select_related("idp")
    link = (links.filter(idp=kept["idp"]) if kept.get("idp") else links).first()
    ask = _providers.get(link.idp.protocol) if link else None
    return (link.idp, ask) if link and ask else None


# --- the map of the house's lower floors -----------------------------------------------------------------------------
def _changing(*models: str) -> str:
    return " ".join(f"accounts.{act}_{model}" for model in models for act in ("add", "change", "delete"))


protect(
    "accounts.change_policy",
    _("change the security policy"),
    covers=("accounts.securitypolicy:*",),
    permission="accounts.change_securitypolicy",
)
protect(
    "accounts.change_providers",
    _("change identity providers"),
    covers=("accounts.identityprovider:*",),
    permission=_changing("identityprovider", "grouprolemapping"),
)
protect("accounts.change_roles", _("change roles"), covers=("accounts.role:*",), permission=_changing("role"))
protect("accounts.give_roles", _("give roles"), covers=("accounts.rolegrant:add",), permission="accounts.add_rolegrant")
protect(
    "accounts.admit_members",
    _("admit members"),
    covers=("accounts.membership:add",),
    permission="accounts.add_membership",
)
protect(
    "accounts.take_roles",
    _("take roles back"),
    covers=("accounts.rolegrant:revoke", "accounts.rolegrant:delete"),
    permission="accounts.delete_rolegrant",
)
protect(
    "accounts.change_members",
    _("end or resume memberships"),
    covers=("accounts.membership:end", "accounts.membership:resume"),
    permission="accounts.change_membership",
)
protect(
    "accounts.change_tokens",
    _("make or revoke API tokens"),
    covers=("accounts.apitoken:*", "accounts:tokens", "accounts:revoke_token"),
)
protect(
    "accounts.hand_out_rights",
    _("take the list of rights away"),
    covers=("admin:accounts_role_export",),
    also_reading=True,
)
protect("accounts.end_sessions_of_others", _("end other people's sessions"), covers=("accounts.authsession:*",))
protect(
    "accounts.impersonate",
    _("see the site as somebody else"),
    covers=("admin:accounts_membership_see_as",),
    permission="accounts.impersonate",
)
protect(
    "accounts.remove_factor",
    _("remove a way to sign in"),
    covers=("accounts:key_remove", "accounts:authenticator_remove"),
    one_shot=True,
    own=True,
)
protect(
    "accounts.change_email",
    _("change the e-mail address"),
    covers=("accounts:email",),
    level=policies.ONE_FACTOR,
    own=True,
)
protect(
    "verso.change_timetable",
    _("change the timetable"),
    covers=tuple(
        f"django_celery_beat.{model}:*"
        for model in ("periodictask", "clockedschedule", "crontabschedule", "solarschedule", "intervalschedule")
    ),
)
protect(
    "accounts.take_data",
    _("take a copy of your data with you"),
    covers=("accounts:data_download",),
    level=policies.ONE_FACTOR,
)
protect(
    "accounts.close_account",
    _("close your account"),
    covers=("accounts:close",),
    level=policies.ONE_FACTOR,
    own=True,
    minutes=5,
    one_shot=True,
)
protect(
    "accounts.connect_provider",
    _("connect or disconnect a provider"),
    covers=("accounts:provider_connect", "accounts:provider_disconnect"),
    level=policies.ONE_FACTOR,
    own=True,
)
