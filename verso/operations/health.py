"""Whether this process can serve: what `/healthz`, `/readyz` and `doctor` ask. Every answer is a sentence."""

import secrets
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.migrations.executor import MigrationExecutor

from verso.celery import app


class Answer(NamedTuple):
    """What one question found: fine or not, and a sentence for the operator."""

    ok: bool
    sentence: str


Question = Callable[[], Answer]


def database() -> Answer:
    """The database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Answer(True, f"{connection.vendor} answers")


def migrations() -> Answer:
    """Every migration of the code is applied."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Answer(False, f"{len(missing)} migrations are not applied; run: manage.py migrate")
    return Answer(True, "every migration is applied")


def cache_answers() -> Answer:
    """What is put into the cache comes out again."""
    key, value = f"health:{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, timeout=10)
    kept = cache.get(key) == value
    cache.delete(key)
    if not kept:
        return Answer(False, "the cache does not keep what it is given; look at REDIS_URL")
    if not settings.CACHES["default"]["BACKEND"].endswith("RedisCache"):
        return Answer(True, "memory of each process: without REDIS_URL, limits and lockouts hold per process only")
    return Answer(True, "Redis keeps what it is given")


def broker() -> Answer:
    """The queue takes messages."""
    if settings.CELERY_BROKER_URL.startswith("filesystem"):
        folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"])
        return Answer(folder.is_dir(), "a folder on this machine" if folder.is_dir() else "the queue's folder is gone")
    with app.connection_for_write(connect_timeout=2) as connected:
        connected.ensure_connection(max_retries=1, interval_start=0, interval_step=0.1, timeout=3)
    return Answer(True, f"{settings.CELERY_BROKER_URL.split(':')[0]} takes messages")


GUARDS = ("audit.guards", "scheduling.guards", "governance.rls")


def guards() -> Answer:
    """The walls inside the database stand: append-only ledger, never-twice bookings, row-level security."""
    missing = [str(name) for module in GUARDS for name in import_module(module).missing()]
    if missing:
        return Answer(False, f"missing in the database: {', '.join(missing)}; run: manage.py migrate")
    return Answer(True, "every guard is in the database")


HEALTH: dict[str, Question] = {"database": database}
READINESS: dict[str, Question] = {
    "database": database,
    "migrations": migrations,
    "cache": cache_answers,
    "broker": broker,
    "guards": guards,
}


def ask(questions: dict[str, Question]) -> dict[str, Answer]:
    """Every answer; a question that breaks is a no, told by the class of what broke."""
    return {name: _asked(question) for name, question in questions.items()}


def _asked(question: Question) -> Answer:
    try:
        return question()
    except Exception as error:  # noqa: BLE001 - whatever breaks here is the answer
        return Answer(False, f"does not answer ({type(error).__name__})")
