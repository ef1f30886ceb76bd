"""Answers to Django's signals: what was kept about tenants is forgotten when they change."""

from typing import Any

from governance import tenancy


def forget_tenants(**_kwargs: Any) -> None:
    """A tenant or a host changed."""
    tenancy.forget()
