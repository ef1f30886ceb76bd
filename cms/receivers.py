"""Answers to Django's signals."""

from typing import Any

from cms import guards


def install_guards(using: str = "default", **kwargs: Any) -> None:
    """After every migration the promises stand again."""
    guards.install(using)
