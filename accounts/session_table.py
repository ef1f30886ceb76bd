"""Server-side sessions in the database, for a machine without Redis. Like Django's, but sealed, under digests."""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as TableStore
from django.utils import timezone

from accounts.session_store import Sealed, digest

ROOM = 40  # signs in Django's column: 160 bits of the digest


def stored_name(key: str) -> str:
    """Under which name a session is stored."""
    return digest(key)[:ROOM]


class SessionStore(Sealed, TableStore):
    """Django's sessions in a table whose rows nobody can come in with."""

    def _get_session_from_db(self) -> Any:
        name = stored_name(self.session_key or "")
        row = self.model.objects.filter(session_key=name, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str | None) -> bool:
        """Whether a session lies under this key."""
        return bool(session_key) and bool(super().exists(stored_name(str(session_key))))

    def create_model_instance(self, data: Any) -> Any:
        """The row as it is written."""
        row = super().create_model_instance(data)
        row.session_key = stored_name(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Forget the session under this key, or this one."""
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key=stored_name(key)).delete()
