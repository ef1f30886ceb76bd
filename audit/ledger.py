"""The ledger: what happened. Verbs write it; nobody changes it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models


def record(
    action: str,
    obj: models.Model | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    people: Iterable[models.Model] = (),
    outcome: str = "success",
    reason: str = "",
) -> None:
    """Write what happened, in the caller's transaction."""
