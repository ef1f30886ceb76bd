"""What allauth may do here: forms, pages, codes. It writes no row, sends no mail and lets nobody in."""

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter

from accounts import security


class NotADoor(RuntimeError):
    """allauth was about to do what only the house's own verbs do: a bug in the caller, refused."""


class Adapter(DefaultAccountAdapter):
    """allauth's hooks, most of them shut."""

    def is_open_for_signup(self, request: Any) -> bool:
        """What the policy in force says."""
        return security.in_force().visitors_may_sign_up

    def is_ajax(self, request: Any) -> bool:
        """Pages answer with pages; the stock view answers whoever asks for JSON with the form's fields."""
        return False

    def _shut(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotADoor("Ways in end in signin.finish, rows are written by verbs, mails leave through the outbox.")

    login = pre_login = post_login = authenticate = pre_authenticate = reauthenticate = logout = _shut
    new_user = save_user = set_password = confirm_email = send_mail = send_notification_mail = _shut
