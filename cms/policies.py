"""Who may read and answer messages."""

from typing import Any


def may_read_messages(user: Any) -> bool:
    """Whether the user may see the inbox."""
    return bool(user.has_perm("cms.view_contactmessage"))


def may_answer_messages(user: Any) -> bool:
    """Whether the user may answer, close and reopen."""
    return bool(user.has_perm("cms.change_contactmessage"))
