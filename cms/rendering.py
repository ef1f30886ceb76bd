"""From a revision to what is sent: cleaned once more, with today's rules."""

from cms import cleaning
from cms.models import Revision


def body_of(revision: Revision) -> str:
    """The body as readers get it."""
    return cleaning.clean_body(revision.body)
