"""How fast the rows of one booking go in by bare SQL: the ceiling that booking by POST is compared with."""

import re
import secrets
import threading
import time
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Json

Row = tuple[str, dict[str, Any]]
HEX = re.compile(r"^[0-9a-f]{32,}$")
EVENT = "audit_event"


def standing(url: str, tables: list[str]) -> tuple[int, dict[str, int]]:
    """The transaction counter, and how many rows each table holds: what `rows_since` compares with."""
    with psycopg.connect(url) as connection:
        connection.execute("SET verso.across = 'on'")
        return _one(connection, "SELECT txid_current()"), {name: _count(connection, name) for name in tables}


def rows_since(url: str, before: tuple[int, dict[str, int]]) -> list[Row]:
    """The rows that were added since, events first; as table and column values. Rows merely updated do not count."""
    counter, counts = before
    gained: list[Row] = []
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        connection.execute("SET verso.across = 'on'")
        for name, count in counts.items():
            query = sql.SQL("SELECT * FROM {} WHERE xmin::text::bigint > %s").format(sql.Identifier(name))
            rows = connection.execute(query, [counter]).fetchall()
            gained += [(name, row) for row in rows if _count(connection, name) > count]
    return sorted(gained, key=lambda one: one[0] != EVENT)


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    return _one(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))


def _one(connection: psycopg.Connection[Any], query: sql.Composed | LiteralString) -> int:
    with connection.cursor(row_factory=psycopg.rows.scalar_row) as cursor:
        return int(cursor.execute(query).fetchone() or 0)


def rate(url: str, rows: list[Row], *, connections: int, seconds: float) -> float:
    """Bookings' worth of rows inserted per second, one transaction each, `connections` at once."""
    done = [0] * connections
    threads = [
        threading.Thread(target=_insert, args=(url, rows, done, number, time.perf_counter() + seconds))
        for number in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def _insert(url: str, rows: list[Row], done: list[int], number: int, until: float) -> None:
    statements = [_statement(table, row) for table, row in rows]
    with psycopg.connect(url) as connection:
        connection.execute("SET verso.across = 'on'")
        connection.commit()
        while time.perf_counter() < until:
            fresh = _Fresh(rows, shift=timedelta(days=400 + number * 4000, minutes=40 * done[number]))
            with connection.transaction():
                for (table, row), statement in zip(rows, statements, strict=True):
                    answer = connection.execute(statement, fresh.values(table, row))
                    fresh.learn(table, row, answer)
            done[number] += 1


def _statement(table: str, row: dict[str, Any]) -> sql.Composed:
    names = [name for name in row if not _is_generated(name, row[name])]
    generated = "RETURNING id" if table == EVENT else ""
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) " + generated).format(  # nosec B608 - one of two constants
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
    )


def _is_generated(name: str, value: Any) -> bool:
    return name == "id" and isinstance(value, int)


class _Fresh:
    """The same rows with ids, hashes and times of their own."""

    def __init__(self, rows: list[Row], shift: timedelta) -> None:
        made = (row.get(name) for _table, row in rows for name in ("id", "uid", "request_id", "ical_uid"))
        self.ids = {value: uuid4() for value in made if value and not isinstance(value, int)}
        self.events: dict[int, int] = {}
        self.shift = shift

    def values(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """One row, made new."""
        return {
            name: self.events[value] if name == "event_id" else self._value(value)
            for name, value in row.items()
            if not _is_generated(name, value)
        }

    def _renamed(self, words: str) -> str:
        for old, new in self.ids.items():
            words = words.replace(str(old), str(new))
        return words

    def learn(self, table: str, row: dict[str, Any], answer: psycopg.Cursor[Any]) -> None:
        """The ids the database gave to events, for the rows that point at them."""
        if table == EVENT:
            (self.events[row["id"]],) = answer.fetchone() or (0,)

    def _value(self, value: Any) -> Any:
        if isinstance(value, UUID):
            return self.ids.get(value, value)
        if isinstance(value, datetime):
            return value + self.shift
        if isinstance(value, str):
            return secrets.token_hex(len(value) // 2) if HEX.match(value) else self._renamed(value)
        if isinstance(value, dict | list):
            return Json(value)
        return value
