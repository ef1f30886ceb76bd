"""How stories walk through sign-up, reset and change of address, reading the mails in between."""

import re
from typing import Any

from django.core import mail
from django.test import Client
from django.utils import timezone

from audit import outbox

SIGNUP, RESET, EMAIL = "/account/signup/", "/account/password/reset/", "/account/email/"
CHOOSE = RESET + "choose/"
NEW = "seven lanterns by the harbour"
CODE = re.compile(r"^[B-Z]{4}-[B-Z]{4}$", re.M)


def twice(new: str, again: str = "") -> dict[str, str]:
    """A new password as the forms ask for it."""
    return {"password1": new, "password2": again or new}


def typed(**changes: str) -> dict[str, str]:
    """What a newcomer types."""
    typed = {"name": "Nora New", "email": "nora@example.org", **twice(NEW)}
    return typed | changes


def deliver() -> list[Any]:
    """Send what waits in the outbox; answers the mails sent by it."""
    before = len(mail.outbox)
    outbox.deliver(at=timezone.now())
    return mail.outbox[before:]


def code_in(message: Any) -> str:
    """The code a mail holds, if it holds one."""
    found = CODE.search(message.body)
    return found[0] if found else ""


def sent_code() -> str:
    """The code in the one mail that waits."""
    (message,) = deliver()
    return code_in(message)


def confirm(client: Client, address: str, code: str) -> Any:
    """Enter a code."""
    return client.post(address + "confirm/", {"code": code, "action": "verify"})


def shape(answer: Any, email: str) -> Any:
    """What a stranger can see of an answer: status, headers by name, body without what they typed and its token."""
    text = answer.text.replace(email, "…") if answer.status_code == 200 else ""
    lines = [line for line in text.splitlines() if "csrfmiddlewaretoken" not in line]
    return answer.status_code, sorted(answer.headers), answer.headers.get("Location"), lines
