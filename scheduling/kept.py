"""Queries written with the ORM once and kept as SQL: for a handful of rows, writing one costs more than running it.

    BUSY = Kept(lambda ids, at: Allocation.objects.filter(bookable_id__in=ids).busy(at=at).values_list("bookable_id"))
    BUSY.rows(ids=[…], at=now)

The ORM is asked with stand-in values, in a stand-in tenant; where those turn up among the parameters, each call puts
its own. One statement is kept per database vendor, length of the lists, and which values are None.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet

from governance import tenancy

Value = UUID | datetime | date
Given = Value | Sequence[Value] | None
TENANT = "the active tenant"


class Statement(NamedTuple):
    """SQL, its parameters with the stand-ins' places to fill, and what turns columns into values."""

    sql: str
    params: tuple[Any, ...]
    places: tuple[tuple[int, int], ...]
    converters: dict[int, Any]


class Kept:
    """One query, by the function that writes it. Values may be UUIDs, moments, dates, lists of them, or None."""

    def __init__(self, write: Callable[..., QuerySet[Any, Any]]) -> None:
        self._write = write
        self._statements: dict[Any, Statement] = {}

    def rows(self, **given: Given) -> list[tuple[Any, ...]]:
        """The rows, each a tuple. Refuses with `NoTenant`."""
        connection = connections[DEFAULT_DB_ALIAS]
        values = [tenancy.current_id(), *_flat(given)]
        shape = (connection.vendor, *((name, _length(value)) for name, value in given.items()))
        statement = self._statements.get(shape)
        if statement is None:
            statement = self._statements[shape] = self._prepare(connection, given)
        params = list(statement.params)
        for place, number in statement.places:
            params[place] = adapted(values[number], connection)
        cursor = prepared(connection)
        cursor.execute(statement.sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return _converted(rows, statement.converters, connection) if statement.converters else rows

    def _prepare(self, connection: Any, given: dict[str, Given]) -> Statement:
        """Write it with stand-ins and see where they went."""
        stand_ins = {name: _stand_in(value, number * 10_000) for number, (name, value) in enumerate(given.items(), 2)}
        tenant: Any = _stand_in(tenancy.current_id(), 1)
        with tenancy.within(tenant):
            compiler = self._write(**stand_ins).query.get_compiler(connection=connection)
            sql, params = compiler.as_sql()
        known = {adapted(value, connection): place for place, value in enumerate([tenant, *_flat(stand_ins)])}
        places = tuple((place, known[param]) for place, param in enumerate(params) if _is_known(param, known))
        if {number for _place, number in places} != set(known.values()):
            raise LookupError("A value of this query is not among its parameters as it was given.")
        columns = [column for column, _sql, _alias in compiler.select[: compiler.col_count]]
        return Statement(sql, tuple(params), places, compiler.get_converters(columns))


def prepared(connection: Any) -> Any:
    """A cursor for a statement that is said all day long: PostgreSQL then parses it once per connection."""
    return getattr(connection, "prepared_cursor", connection.cursor)()


def _flat(given: dict[str, Given]) -> list[Value]:
    flat: list[Value] = []
    for value in given.values():
        if isinstance(value, list | tuple):
            flat += value
        elif value is not None:
            flat.append(value)  # type: ignore[arg-type]
    return flat


def _length(value: Given) -> int | None:
    """What the shape of the SQL depends on: how many; -1 for a single value."""
    return None if value is None else len(value) if isinstance(value, list | tuple) else -1


def _stand_in(value: Given, number: int) -> Any:
    """Something of the same type that nobody else uses."""
    if isinstance(value, list | tuple):
        return [_stand_in(item, number + place) for place, item in enumerate(value)]
    if isinstance(value, UUID):
        return UUID(int=(0xFACADE << 100) + number)
    if isinstance(value, datetime):
        return datetime(1905, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    return date(1905, 1, 1) + timedelta(days=number) if isinstance(value, date) else None


def adapted(value: Any, connection: Any) -> Any:
    """A UUID, moment or date as the database's driver takes it."""
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value)


def _is_known(param: Any, known: dict[Any, int]) -> bool:
    return isinstance(param, UUID | datetime | date | str) and param in known


def _converted(rows: list[tuple[Any, ...]], converters: dict[int, Any], connection: Any) -> list[tuple[Any, ...]]:
    found = []
    for row in map(list, rows):
        for place, (functions, column) in converters.items():
            for function in functions:
                row[place] = function(row[place], column, connection)
        found.append(tuple(row))
    return found
