"""The site's settings, with their defaults."""

from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # A form sent back sooner than a person can read it, in seconds, is taken for a robot's.
    "CONTACT_MINIMUM_SECONDS": 2,
    # Messages from one address, in django-ratelimit's notation: with a proof of work, and without.
    "CONTACT_RATE": "10/10m",
    "CONTACT_RATE_UNPROVED": "5/10m",
}


def get(name: str) -> Any:
    """The setting, or its default."""
    return getattr(settings, name, DEFAULTS[name])
