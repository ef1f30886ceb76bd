from cms.models.contact_message import ContactMessage
from cms.models.contact_reply import ContactReply

__all__ = ["ContactMessage", "ContactReply"]
