"""A developer's machine and the demo: safe defaults, no server needed."""

import os
import secrets
from pathlib import Path

from verso.settings.base import *  # noqa: F403
from verso.settings.base import DATA_DIR, STORAGES, env


def _kept_secret(path: Path) -> str:
    """A random secret made on first run, mode 0600; two processes starting at once agree on one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)  # whole or not at all, and never over another's
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()


_secret = DATA_DIR / "secret_key"
SECRET_KEY = env.SECRET_KEY or (_secret.read_text() if _secret.exists() else _kept_secret(_secret))
DEBUG = env.DEBUG
METRICS_FROM_LOOPBACK = True

# Files are served straight from the apps: no collecting, and an edit is seen at once.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
