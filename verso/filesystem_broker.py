"""Celery's broker of the embedded default: kombu's `filesystem` transport, made safe between processes.

kombu creates a message's file first and fills it afterwards. A worker that looks in between takes the empty file away:
it ends with a JSON error and the message is gone. Here a file gets its place in the folder by `rename(2)`, whole or not
at all, is claimed by a second rename within the same file system, and the table of bindings is replaced the same way.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import monotonic_ns
from typing import Any

import structlog
from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

log = structlog.get_logger(__name__)


class Channel(filesystem.Channel):
    """A channel whose readers never see half a file."""

    def _put(self, queue: str, message: dict[str, Any], **_kwargs: Any) -> None:  # type: ignore[override]  # as its base names it
        """Put `message` onto `queue`; names sort by the time of posting (nanoseconds since boot)."""
        name = f"{monotonic_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        try:
            _place(Path(self.data_folder_out, name), dumps(message))
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {self.data_folder_out}") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """Take the oldest message of `queue`; what cannot be read is set aside. Raises `Empty`."""
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            claimed = Path(self.processed_folder, name)
            try:
                (folder / name).rename(claimed)
            except FileNotFoundError:
                continue  # another worker was quicker
            try:
                payload = loads(claimed.read_text())
            except ValueError:
                log.error("queue.message_unreadable", file=name)
                continue
            claimed.unlink(missing_ok=True)
            return payload
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table_alone():
            table = self.get_table(exchange)
            if binding not in table:
                _place(self._exchange_file(exchange), dumps([binding, *table]))

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *_args: Any, **_kwargs: Any) -> None:
        self._purge(queue)
        binding = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table_alone():
            table = self.get_table(exchange)
            if binding in table:
                _place(self._exchange_file(exchange), dumps([one for one in table if one != binding]))

    @contextmanager
    def _table_alone(self) -> Iterator[None]:
        """One process at a time changes a table of bindings; whoever reads never waits."""
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed
            yield


class Transport(filesystem.Transport):
    """Named in `CELERY_BROKER_TRANSPORT` when the broker's address is `filesystem://`."""

    Channel = Channel


def _place(file: Path, content: str) -> None:
    """Write `content` beside `file`, then give it its name at once."""
    unfinished = file.with_name(f".{uuid.uuid4()}.unfinished")
    try:
        unfinished.write_text(content)
        unfinished.rename(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
