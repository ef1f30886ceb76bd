"""Who may read what we hold about people. True or false; nothing is written."""

from typing import Any

READ_PEOPLE = "governance.view_person"


def may_read_people(by: Any) -> bool:
    """May they see names, e-mails and phone numbers, and look for people by them?"""
    ask = getattr(by, "has_perm", None)
    return bool(ask and ask(READ_PEOPLE))
