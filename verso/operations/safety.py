"""Settings that production must not start with, each with an id and a sentence that says what to do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from verso.settings import env

Rule = Callable[[], bool]


def _database() -> dict[str, Any]:
    return dict(connections.settings["default"])


def _weak_secret() -> bool:
    key = env.SECRET_KEY  # `settings` refuses to hand out an empty one
    return len(key) < 50 or len(set(key)) < 10 or key.startswith("django-insecure-")


def _key_file_in_tree() -> bool:
    return env.KEY_PROVIDER == "file" and (not env.KEY_FILE or _inside(Path(env.KEY_FILE), env.ROOT))


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder)


def _mail_goes_nowhere() -> bool:
    return settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2] in {"console", "filebased", "locmem", "dummy"}


def _hosts_are_open() -> bool:
    return not settings.PLATFORM_HOSTS or "*" in settings.PLATFORM_HOSTS


RULES: dict[str, tuple[Rule, str, str]] = {
    "verso.E001": (
        _weak_secret,
        "SECRET_KEY is missing, short or guessable.",
        "Set it to 50 or more random characters: python -c 'import secrets; print(secrets.token_urlsafe(50))'",
    ),
    "verso.E002": (
        lambda: "sqlite" in _database()["ENGINE"],
        "The embedded SQLite serves one machine and has no second wall between tenants.",
        "Set DATABASE_URL=postgres://… with the web role that `manage.py database_roles` creates.",
    ),
    "verso.E003": (
        lambda: settings.CELERY_BROKER_URL.split(":")[0] in {"filesystem", "memory"},
        "The queue is a folder on this machine.",
        "Set CELERY_BROKER_URL=redis://… (or REDIS_URL, which is then used).",
    ),
    "verso.E004": (
        lambda: not env.REDIS_URL,
        "Without Redis, limits and lockouts hold per process only, and sessions are slow.",
        "Set REDIS_URL=redis://…",
    ),
    "verso.E005": (
        lambda: not settings.RATE_LIMITS,
        "RATE_LIMITS=off leaves sign-in and booking without limits.",
        "Remove it; it is for load tests on a machine nobody else reaches.",
    ),
    "verso.E006": (
        lambda: bool(settings.DEBUG),
        "DEBUG shows settings and data to whoever meets an error.",
        "Remove DEBUG from the environment.",
    ),
    "verso.E007": (
        _key_file_in_tree,
        "The key-encryption key would lie within the source tree or at its default place.",
        "Set KEY_FILE to a path outside the tree, on a disk that is not backed up together with the database.",
    ),
    "verso.E008": (
        _mail_goes_nowhere,
        "Mail would be written to this machine instead of being sent.",
        "Set EMAIL_URL=smtp+tls://user:password@host:587",
    ),
    "verso.E009": (
        _hosts_are_open,
        "ALLOWED_HOSTS is empty or open to any name.",
        "Set it to the platform's own hosts, by comma. Tenants' hosts come from the database.",
    ),
    "verso.E010": (
        lambda: settings.DEFAULT_FROM_EMAIL.rstrip(">").endswith("@localhost"),
        "Mail would be sent from @localhost, and refused by every receiver.",
        "Set DEFAULT_FROM_EMAIL to an address of a domain whose SPF and DKIM name your mail server.",
    ),
    "verso.E011": (
        lambda: _database().get("USER") == "postgres",
        "The web would sign in to PostgreSQL as its superuser, whom row-level security does not bind.",
        "Put the web role into DATABASE_URL and the owner into MIGRATION_DATABASE_URL: see `manage.py database_roles`.",
    ),
    "verso.E012": (
        lambda: bool(env.METRICS_TOKEN) and len(env.METRICS_TOKEN) < 24,
        "METRICS_TOKEN is short enough to guess.",
        "Use 24 or more random characters, or leave it empty to close /metrics.",
    ),
    "verso.E013": (
        lambda: (
            bool(env.S3_BUCKET_PUBLIC) != bool(env.S3_BUCKET_PRIVATE)
            or bool(env.S3_BUCKET_PUBLIC and env.S3_BUCKET_PUBLIC == env.S3_BUCKET_PRIVATE)
        ),
        "Public and private files would share a bucket, or one of the two has none.",
        "Set S3_BUCKET_PUBLIC and S3_BUCKET_PRIVATE to two different buckets.",
    ),
    "verso.E014": (
        lambda: bool(settings.SSO_ALLOW_LOOPBACK),
        "SSO_ALLOW_LOOPBACK lets whoever sets up an identity provider make this server call itself.",
        "Remove it; it is for tests and demonstrations.",
    ),
}


def unsafe() -> Iterator[CheckMessage]:
    """What is unsafe about these settings, whether or not this is production."""
    for name, (broken, sentence, advice) in RULES.items():
        if broken():
            yield Error(sentence, hint=advice, id=name)


@checks.register("verso")
def production_is_safe(**_kwargs: Any) -> list[CheckMessage]:
    """Every unsafe setting of a production."""
    return list(unsafe()) if settings.PRODUCTION else []


def refuse_unsafe() -> None:
    """What web, worker and beat call before they serve. Refuses with `ImproperlyConfigured`, all reasons at once."""
    found = production_is_safe()
    if found:
        _refuse(found)


def _refuse(found: list[CheckMessage]) -> NoReturn:
    told = "\n".join(f"  {message.id}: {message.msg} {message.hint}" for message in found)
    raise ImproperlyConfigured(f"Production does not start with these settings:\n{told}")
