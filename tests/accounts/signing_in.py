"""How stories walk through the sign-in pages, as a browser would."""

from typing import Any

from django.test import Client
from django.urls import reverse

from tests.factories import accounts as people

LOGIN = "/account/login/"


def password_step(client: Client, email: str, password: str = people.PASSWORD, *, query: str = "") -> Any:
    """Send e-mail and password."""
    body = {"login_view-current_step": "auth", "auth-username": email, "auth-password": password}
    return client.post(LOGIN + query, body)


def token_step(client: Client, token: str, *, query: str = "") -> Any:
    """Send the authenticator's code."""
    return client.post(LOGIN + query, {"login_view-current_step": "token", "token-otp_token": token})


def recovery_step(client: Client, code: str) -> Any:
    """Ask for the recovery page, then send a recovery code."""
    client.post(LOGIN, {"login_view-current_step": "token", "wizard_goto_step": "backup"})
    return client.post(LOGIN, {"login_view-current_step": "backup", "backup-otp_token": code})


def is_in(client: Client) -> bool:
    """Whether the back office opens."""
    return bool(client.get(reverse("admin:index")).status_code == 200)
