"""The test suite: the real components, cheap hashing only where hashing is not the subject."""

import tempfile

from verso.settings.base import *  # noqa: F403
from verso.settings.base import STORAGES

SECRET_KEY = "test-only-key-that-guards-nothing-at-all-0123456789"
MEDIA_ROOT = tempfile.mkdtemp(prefix="verso-media-")
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
