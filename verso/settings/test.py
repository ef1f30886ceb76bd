"""The test suite: the real components, real hashing included."""

import tempfile

from verso.settings.base import *  # noqa: F403
from verso.settings.base import CACHES, DATA_DIR, DATABASES, STORAGES, env

SECRET_KEY = "test-only-key-that-guards-nothing-at-all-0123456789"  # nosec B105
MEDIA_ROOT = tempfile.mkdtemp(prefix="verso-media-")
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Threads must meet in a real file with real locks, not in a shared in-memory database.
if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

# Each worker clears its own Redis database, never its neighbour's; its messages wait there too.
if env.REDIS_URL and env.TEST_WORKER:
    _server, _, _number = env.REDIS_URL.rpartition("/")
    CACHES["default"]["LOCATION"] = f"{_server}/{(int(_number) + 8 * int(env.TEST_WORKER.lstrip('gw'))) % 16}"
    if not env.CELERY_BROKER_URL:
        CELERY_BROKER_URL = CACHES["default"]["LOCATION"]

# What is believed about hosts does not grow old in the middle of a story that counts queries; conftest forgets it.
TENANT_CACHE_SECONDS = 600.0

# The stories' identity providers run on this machine.
SSO_ALLOW_LOOPBACK = True
