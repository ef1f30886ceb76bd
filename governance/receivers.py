"""Answers to Django's signals: what was kept about tenants is forgotten when they change."""

from typing import Any

from django.db import transaction

from governance import grants, rls, tenancy


def forget_tenants(**_kwargs: Any) -> None:
    """A tenant or a host changed: forget now, and again once others can see the change."""
    tenancy.forget()
    transaction.on_commit(tenancy.forget)


def mend_fences(using: str, **_kwargs: Any) -> None:
    """A migration is over: tables are fenced, and the web's role may do exactly what it should."""
    rls.install(using)
    grants.grant(using)
