"""The addresses and sign-ins of the demo, as people read them."""

from pathlib import Path
from typing import Any

from verso.settings import env


def lines(seeded: dict[str, Any]) -> list[str]:
    """One paragraph per tenant, then where mails go."""
    told: list[str] = []
    for tenant in seeded["tenants"]:
        site = f"http://{tenant['hosts'][0]}:{env.PORT}"
        people = [person for person in seeded["people"] if person["tenant"] == tenant["slug"]]
        told += [tenant["name"], f"  site   {site}/", f"  book   {site}/book/", f"  staff  {site}/admin/", ""]
        told += [f"    {'sign-in':<28} {'password':<20}  authenticator secret (TOTP)"]
        told += [f"    {each['email']:<28} {_password(each):<20}  {each['totp_secret'] or '-'}" for each in people]
        told.append("")
    if not env.EMAIL_URL:
        told.append(f"Mails are written to {_short(env.DATA_DIR / 'mail')}")
    told.append("No authenticator at hand? .venv/bin/python manage.py demo_code owner@demo.example")
    return told


def _password(person: dict[str, Any]) -> str:
    return person["password"] or "(changed since)"


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
