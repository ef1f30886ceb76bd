from cms.models.contact_message import ContactMessage
from cms.models.contact_reply import ContactReply
from cms.models.entry import Entry
from cms.models.publication import Publication
from cms.models.release import Release
from cms.models.revision import Revision

__all__ = ["ContactMessage", "ContactReply", "Entry", "Publication", "Release", "Revision"]
