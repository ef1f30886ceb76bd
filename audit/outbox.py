"""The outbox: whom to tell, kept in the caller's transaction and delivered afterwards.

    outbox.post("scheduling.confirmation", about=appointment, key=f"{appointment.pk}:{appointment.version}")

    @outbox.handler("scheduling.confirmation")          # in scheduling/outbox.py
    def send(message): ...                              # load by id, check it is still wanted, send

A message is delivered at least once: handlers must bear being run twice. The payload holds ids and plain facts, never
personal values.
"""

import random
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from django.core.exceptions import ValidationError
from django.db import connections, models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

from audit import breakers, conf, context, ledger
from audit.models import OutboxMessage

Handler = Callable[[OutboxMessage], None]
State = OutboxMessage.State
ROUND = 100
_handlers: dict[str, Handler] = {}
log = structlog.get_logger(__name__)
DELIVERIES = Counter("verso_outbox_deliveries_total", "Tries to deliver a message", ["kind", "result"])


class NoLongerWanted(Exception):
    """Raised by a handler: what the message was about has changed, nobody needs to be told."""


class NoHandler(LookupError):
    """No app has registered a handler for this kind of message."""


class NotParked(ValidationError):
    """Only a dead letter can be retried; others are still on their way or done."""

    def __init__(self) -> None:
        super().__init__(_("This message is not a dead letter."), code="not_parked")


class Delivered(NamedTuple):
    """What became of the messages of one round."""

    sent: int = 0
    unwanted: int = 0
    postponed: int = 0
    parked: int = 0

    @property
    def total(self) -> int:
        """Messages tried."""
        return sum(self)


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register what delivers messages of `kind`. Refuses a second handler for the same kind."""

    def register(deliver: Handler) -> Handler:
        known = _handlers.setdefault(kind, deliver)
        if (known.__module__, known.__qualname__) != (deliver.__module__, deliver.__qualname__):
            raise ValueError(f"{kind} is already delivered by {_name(known)}.")
        _handlers[kind] = deliver
        return deliver

    return register


def kinds() -> list[str]:
    """Every kind some app delivers."""
    return sorted(_handlers)


def post(
    kind: str,
    *,
    about: models.Model,
    due_at: datetime | None = None,
    key: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Leave a message in the caller's transaction. With a `key` the tenant's second one of that kind is not kept."""
    frame = context.current()
    actor = frame.who()
    now = timezone.now()
    message = OutboxMessage(
        tenant=frame.tenant_id,
        kind=kind,
        about_type=about._meta.label_lower,
        about_id=str(about.pk),
        payload=dict(payload or {}),
        key=key or "",
        posted_at=now,
        due_at=due_at or now,
        actor_kind=actor.kind,
        actor_id=actor.id,
        request_id=frame.request_id,
        trace_id=frame.trace_id,
    )
    OutboxMessage.objects.bulk_create([message], ignore_conflicts=bool(key))


def deliver(*, at: datetime, limit: int = 100) -> Delivered:
    """Deliver messages due at `at`, oldest first, at most `limit`; several deliverers may run at once.

    Each message is claimed on its own for a lease; if its deliverer dies, it is claimed again when the lease is over.
    """
    results: dict[str, int] = dict.fromkeys(Delivered._fields, 0)
    for _round in range(limit):
        message = _claim(at)
        if message is None:
            break
        results[_deliver(message, at)] += 1
    return Delivered(**results)


def retry(message: OutboxMessage, *, by: object, at: datetime) -> OutboxMessage:
    """Put a dead letter back on its way, with all its tries. Refuses with `NotParked`."""
    with transaction.atomic():
        fresh = OutboxMessage.objects.select_for_update().filter(pk=message.pk).parked().first()
        if fresh is None:
            raise NotParked
        fresh.state, fresh.attempts, fresh.due_at, fresh.finished_at = State.WAITING, 0, at, None
        fresh.save(update_fields=["state", "attempts", "due_at", "finished_at"])
        ledger.record("audit.outbox.retried", fresh, changes={"state": [State.PARKED, State.WAITING]})
    return fresh


def waiting_and_parked() -> dict[str, int]:
    """How many messages of the current tenant wait, and how many are dead letters."""
    mine = OutboxMessage.objects.of_tenant(context.current().tenant_id)
    counted = mine.filter(state__in=(State.WAITING, State.PARKED)).values_list("state").annotate(models.Count("id"))
    return {State.WAITING.value: 0, State.PARKED.value: 0, **dict(counted.order_by())}


class Backlog(NamedTuple):
    """How the outbox stands: `due` are those waiting whose time has come, since `oldest_due_at`."""

    waiting: int
    due: int
    parked: int
    oldest_due_at: datetime | None


def backlog(*, at: datetime) -> Backlog:
    """How the outbox of everybody stands; for operators, inside `tenancy.across()`."""
    waiting = models.Q(state=State.WAITING)
    due = waiting & models.Q(due_at__lte=at)
    counted = OutboxMessage.objects.aggregate(
        waiting=models.Count("id", filter=waiting),
        due=models.Count("id", filter=due),
        parked=models.Count("id", filter=models.Q(state=State.PARKED)),
        oldest_due_at=models.Min("due_at", filter=due),
    )
    return Backlog(**counted)


def states_of(things: Iterable[models.Model], *, kind: str) -> dict[str, str]:
    """How the messages of one kind about these rows stand, by the row's id; rows nobody was told about are absent."""
    about = [str(thing.pk) for thing in things]
    mine = OutboxMessage.objects.of_tenant(context.current().tenant_id).filter(about_id__in=about, kind=kind)
    return dict(mine.order_by("id").values_list("about_id", "state"))


_CLAIM = (
    "UPDATE audit_outboxmessage SET claim = %s, leased_until = %s, attempts = attempts + 1 WHERE id = ("
    "SELECT id FROM audit_outboxmessage WHERE state = 'waiting' AND due_at <= %s "
    "AND (leased_until IS NULL OR leased_until <= %s) ORDER BY due_at, id LIMIT 1{lock}) RETURNING *"
)


def _claim(at: datetime) -> OutboxMessage | None:
    """Take the oldest due message for one lease, past those other deliverers hold."""
    connection = connections[router.db_for_write(OutboxMessage)]
    moment = connection.ops.adapt_datetimefield_value
    until = moment(at + timedelta(seconds=conf.outbox_lease()))
    lock = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    values = [secrets.token_hex(8), until, moment(at), moment(at)]
    with context.acting(tenant_id="", across_tenants=True):  # every tenant's messages wait in one line
        claimed = list(OutboxMessage.objects.using(connection.alias).raw(_CLAIM.format(lock=lock), values))
    return claimed[0] if claimed else None


def _deliver(message: OutboxMessage, at: datetime) -> str:
    """Run the handler in the message's own frame and mark what became of it."""
    frame = {
        "tenant_id": message.tenant,
        "actor": context.SYSTEM,
        "on_behalf_of": f"{message.actor_kind}:{message.actor_id}" if message.actor_id else "",
        "request_id": message.request_id,
        "trace_id": message.trace_id,
        "across_tenants": False,
        "client_ip": "",
        "user_agent": "",
        "confirm": context.unquestioned,
    }
    with context.acting(**frame):
        result = _attempt(message, at)
    DELIVERIES.labels(message.kind, result).inc()
    return result


def _attempt(message: OutboxMessage, at: datetime) -> str:
    deliver_it = _handlers.get(message.kind, _unknown)
    try:
        deliver_it(message)
    except NoLongerWanted:
        _finish(message, state=State.UNWANTED, finished_at=at, error="")
        return "unwanted"
    except breakers.Open:
        pause = timedelta(seconds=conf.breaker_pause())
        _finish(message, due_at=at + pause, attempts=message.attempts - 1, error="left alone: destination is failing")
        return "postponed"
    except Exception as error:  # noqa: BLE001 - whatever a handler raises means: try again later
        return _again_or_park(message, f"{_class(error)} in {_name(deliver_it)}", at)
    _finish(message, state=State.DELIVERED, finished_at=at, error="")
    return "sent"


def _again_or_park(message: OutboxMessage, error: str, at: datetime) -> str:
    """Only the error's class and the handler are kept: an error's words may hold somebody's address."""
    log.warning("outbox.try_failed", kind=message.kind, message=message.pk, attempts=message.attempts, error=error)
    if message.attempts < conf.outbox_attempts():
        _finish(message, due_at=at + pause_after(message.attempts), error=error)
        return "postponed"
    with transaction.atomic():
        if _finish(message, state=State.PARKED, finished_at=at, error=error):
            ledger.record("audit.outbox.parked", message, outcome="failed", reason=error)
    return "parked"


def pause_after(attempts: int) -> timedelta:
    """The pause after so many tries: doubled each time up to a cap, spread by a tenth so that crowds disperse."""
    first, longest = conf.outbox_backoff()
    seconds = min(longest, first * 2 ** min(attempts - 1, 30))
    return timedelta(seconds=seconds * random.uniform(0.9, 1.1))  # nosec B311 - spreads load


def _finish(message: OutboxMessage, **changes: Any) -> bool:
    """Mark a message, if this claim still holds it."""
    held = OutboxMessage.objects.filter(pk=message.pk, claim=message.claim, state=State.WAITING)
    return bool(held.update(claim="", leased_until=None, **changes))


def _unknown(message: OutboxMessage) -> None:
    raise NoHandler(message.kind)


def _class(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _name(function: Handler) -> str:
    return f"{function.__module__}.{function.__qualname__}"
