"""A dump of the seeded demo, as a thief of the disk would read it, holds nobody's name, e-mail, phone or message."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Tenant, User
from governance import tenancy
from governance.models import EncryptedTextField, Person, TenantOwned

pytestmark = [pytest.mark.guarantee, pytest.mark.django_db(transaction=True)]


def dump() -> bytes:
    """What `pg_dump` writes, or every byte of the SQLite file and its log."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path = str(known["NAME"])
        return b"".join(Path(part).read_bytes() for part in (path, f"{path}-wal") if Path(part).exists())
    command = ["pg_dump", "-h", known["HOST"], "-p", str(known["PORT"]), "-U", known["USER"], known["NAME"]]
    return subprocess.run(
        command, env={**os.environ, "PGPASSWORD": known["PASSWORD"]}, check=True, capture_output=True
    ).stdout


def secrets() -> Iterator[str]:
    """Every text the demo holds about a customer, in every encrypted column of every tenant."""
    from django.apps import apps

    for model in apps.get_models():
        fields = [f.name for f in model._meta.concrete_fields if isinstance(f, EncryptedTextField)]
        if issubclass(model, TenantOwned) and fields:
            for row in model.objects.all():
                yield from (text for text in (getattr(row, field) for field in fields) if text)


def spellings(text: str) -> set[bytes]:
    forms = {text, text.casefold(), text.replace(" ", "")}
    forms |= {form.encode("unicode_escape").decode() for form in forms}
    return {form.encode() for form in forms} | {text.encode().hex().encode()}


def test_the_dump_of_a_seeded_demo(transactional_db: Any, settings: Any) -> None:
    call_command("seed_demo", verbosity=0)
    held: set[str] = set()
    for tenant in Tenant.objects.all():
        with tenancy.within(tenant):
            held |= set(secrets())
            assert Person.objects.count() >= 5
    # Staff and the demo's own visitor sign in with these addresses; sign-in looks them up (accounts).
    held -= {word for user in User.objects.all() for word in (user.email, user.display_name)}
    words = {text for text in held if len(text) > 5}
    assert len(words) > 60
    dumped = dump()
    assert len(dumped) > 100_000
    assert b"appointment" in dumped
    assert sorted(text for text in words if any(form in dumped for form in spellings(text))) == []
