"""Refusals of strangers have a bound: what one network adds in a stretch of time is first written, then only counted.

In each window of `AUDIT_FLOOD_SECONDS` by the clock, the first `AUDIT_FLOOD_WRITTEN` refusals with the same tenant,
action, network and user aimed at are events of their own. Further ones are counted, and once the window is over one
event `<action>.suppressed` says how many they were. Never only counted: what somebody signed in was refused, and what
is noted with `always`. Where counting fails, everything is written.
"""

import atexit
from datetime import UTC, datetime, timedelta
from functools import cache

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from audit import conf, context, counting, ledger

GRACE = timedelta(seconds=30)  # what was noted in the last moment of a window is still on its way to be counted
NEVER = 2**62
log = structlog.get_logger(__name__)


def bounded(acts: list[ledger.Act], *, at: datetime) -> list[ledger.Act]:
    """Those of the noted refusals that are to be written; the others are counted."""
    return [act for act in acts if not _may_be_counted(act) or not _is_counted(act, at)]


def _may_be_counted(act: ledger.Act) -> bool:
    return act.actor == context.ANONYMOUS and not act.always


def _is_counted(act: ledger.Act, at: datetime) -> bool:
    """Whether the count stands for this act, so that it need not be written."""
    try:
        before = counting.store().add(_flood(act), _window(at)) - 1
    except (redis.RedisError, counting.Full) as error:
        log.warning("ledger.refusal_not_counted", action=act.action, error=type(error).__name__)
        return False
    if before == conf.flood_written():
        log.warning("ledger.refusals_suppressed", action=act.action)
        _sum_up_in_the_end()
    return before >= conf.flood_written()


def _flood(act: ledger.Act) -> counting.Flood:
    """Attempts at one user are counted apart, so that nobody hides them behind attempts at nobody."""
    user = act.object_id if act.object_type == settings.AUTH_USER_MODEL.lower() else ""
    return counting.Flood(act.frame.tenant_id, act.action, act.outcome, user, act.frame.network)


def _window(at: datetime) -> int:
    return int(at.timestamp()) // conf.flood_seconds()


# --- summing up ------------------------------------------------------------------------------------------------------
def sum_up(*, at: datetime) -> int:
    """Write one event for each flood whose window is over; answers how many. Several may call it at once."""
    return _sum_up(before=_window(at - GRACE))


def sum_up_here(*, at: datetime) -> None:
    """Sum up what only this process knows. Never raises: whoever calls has something else to answer."""
    here = counting.store()
    if not here.is_shared and here.counted(before=_window(at - GRACE)):
        try:
            sum_up(at=at)
        except DatabaseError as error:
            log.warning("ledger.floods_not_summed_up", error=type(error).__name__)


def _sum_up(*, before: int) -> int:
    store, written = counting.store(), 0
    with store.claimed() as mine:
        for window, flood, count in store.counted(before=before) if mine else ():
            more = count - conf.flood_written()
            if more > 0:
                _write(flood, window, more)
                written += 1
            store.forget(flood, window)  # after the event: a crash in between tells a count twice, never not at all
    return written


def _write(flood: counting.Flood, window: int, more: int) -> None:
    """The event in the frame of those it stands for: their tenant and network, nobody in particular."""
    began = datetime.fromtimestamp(window * conf.flood_seconds(), UTC)
    facts = {"count": more, "since": began, "until": began + timedelta(seconds=conf.flood_seconds())}
    user = ledger.Subject(settings.AUTH_USER_MODEL.lower(), flood.user) if flood.user else None
    frame = context.Acting(
        actor=context.ANONYMOUS, tenant_id=flood.tenant, client_ip=flood.network, door=context.current().door
    )
    with context.restored(frame):
        ledger.record(
            f"{flood.action}.suppressed",
            user,
            changes={name: [None, fact] for name, fact in facts.items()},
            outcome=flood.outcome,
            reason="not written one by one",
        )


@cache
def _sum_up_in_the_end() -> None:
    """A process that counts for itself tells what it knows before it ends in order."""
    if not counting.store().is_shared:
        atexit.register(_last_words)


def _last_words() -> None:
    try:
        _sum_up(before=NEVER)
        connections.close_all()
    except Exception as error:  # noqa: BLE001 - whatever fails in a process that ends, its exit is not held up
        log.error("ledger.floods_not_summed_up", error=type(error).__name__, at=str(timezone.now()))
