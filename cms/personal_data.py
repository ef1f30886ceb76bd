"""What the site holds about people: what they wrote to us, and what we wrote back."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from governance.registry import Basis, Erase, Personal, holds

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

ANSWERED = _("as long as the matter is open or the person is a customer; erased on request")


def _letter(category: str, purpose: "_StrPromise") -> Personal:
    return Personal(category, purpose, Basis.CONTRACT, ANSWERED, Erase.KEY)


holds(
    "cms.ContactMessage",
    about="person",
    personal={
        "subject text": _letter("user.content", _("to answer what the person asked")),
        "locale": Personal(
            "user.demographic.language", _("to answer in the person's language"), Basis.CONTRACT, ANSWERED, Erase.KEEP
        ),
        "received_at": Personal(
            "user.behavior", _("to answer in the order of arrival"), Basis.CONTRACT, ANSWERED, Erase.KEEP
        ),
    },
    nothing="id tenant person status sent_once",
)
holds(
    "cms.ContactReply",
    about="message.person",
    personal={"text": _letter("user.content", _("to know what was answered, and to show it to the person on request"))},
    nothing="id tenant message author written_at sent_once",
)
