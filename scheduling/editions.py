"""What can be booked with whom, and when they are open, changes rarely: it is kept in the process, and asked for again
as soon as the tenant's edition (`models.Edition`) is another one. What is taken is never kept.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from django.db import connection, connections

from governance import tenancy
from scheduling import conf
from scheduling.kept import adapted, prepared

T = TypeVar("T")
_STAMP = "SELECT stamp FROM scheduling_edition WHERE tenant_id = %s"
_RENEW = (
    "INSERT INTO scheduling_edition (id, tenant_id, stamp) SELECT {random}, id, {random} FROM {tenants} WHERE true "
    "ON CONFLICT (tenant_id) DO UPDATE SET stamp = excluded.stamp"
)
_RANDOM = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}
_kept = tenancy.Kept(seconds=lambda: conf.EDITIONS_KEPT.total_seconds(), most=lambda: conf.EDITIONS_MOST)
forget = _kept.forget


class InForce:
    """The current tenant's edition at this moment, for one piece of work: hold no instance for longer. One query."""

    def __init__(self) -> None:
        tenant_id = tenancy.current_id()
        cursor = prepared(connection)
        cursor.execute(_STAMP, [adapted(tenant_id, connection)])
        row = cursor.fetchone()
        self._edition = (tenant_id, row[0]) if row else None

    def known(self, question: Hashable, ask: Callable[[], T]) -> T:
        """What `ask` says in this edition; asked only if nobody has yet. The answer must not be changed.

        `ask` reads after the stamp was read. Were it to see a later edition, that stamp is out of force already.
        """
        if self._edition is None:
            return ask()
        answer: T = _kept.answer((self._edition, question), ask)
        return answer

    def note(self, question: Hashable, answer: object) -> None:
        """Keep an answer that came with another one, read since the stamp was."""
        if self._edition is not None:
            _kept.put((self._edition, question), answer, epoch=_kept.epoch)


def renew_all(using: str) -> None:
    """Put a new edition in force everywhere: a migration may have changed rows while the triggers were gone."""
    db: Any = connections[using]
    tenants = tenancy.tenant_model()._meta.db_table
    if not {tenants, "scheduling_edition"} <= set(db.introspection.table_names()):
        return
    with tenancy.across(), db.cursor() as cursor:
        cursor.execute(_RENEW.format(random=_RANDOM[db.vendor], tenants=tenants))
