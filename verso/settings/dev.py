"""A developer's machine and the demo: safe defaults, no server needed."""

from verso.settings.base import *  # noqa: F403
from verso.settings.base import DATA_DIR, env


def _kept_secret(name: str) -> str:
    """A random secret made on first run, mode 0600, outside the repository's tracked files."""
    import secrets

    path = DATA_DIR / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()


SECRET_KEY = env.SECRET_KEY or _kept_secret("secret_key")
DEBUG = env.env.bool("DEBUG", default=False)
