"""What the site holds about people: what they wrote to us, and what we wrote back."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from governance.registry import Basis, Erase, Personal, holds, holds_nothing

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

holds_nothing("cms.Entry", "id tenant kind locale work parent created_at trashed_at")
holds_nothing("cms.Release", "id tenant name at created_at cancelled_at")
AUTHORS = _("as long as the text is kept; the name is taken out on request")
holds(
    "cms.Revision",
    about="author.memberships.person",
    personal={
        "author author_label": Personal(
            "user.name", _("to know who wrote what"), Basis.LEGITIMATE_INTERESTS, AUTHORS, Erase.OVERWRITE
        )
    },
    nothing="id tenant entry number base content sha256 origin created_at",
)
holds(
    "cms.Publication",
    about="published_by.memberships.person",
    personal={
        "published_by": Personal(
            "user.unique_id", _("to know who published what"), Basis.LEGITIMATE_INTERESTS, AUTHORS, Erase.OVERWRITE
        )
    },
    nothing="id tenant entry revision release kind locale path title summary html first_at starts_at expires_at"
    " ends_at cancelled_at made_at",
)
