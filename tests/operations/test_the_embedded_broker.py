"""The broker of the embedded default: a message arrives whole, once, and only then."""

import json
import os
import subprocess
import sys
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from tests.operations.running import ROOT

# One process of a crowd: `post` N messages, or `take` until nothing came for two seconds. Prints what it took.
CROWD = """
import json, sys, time
from queue import Empty
from kombu import Connection
options, work, count = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Connection("filesystem://here", transport=options.pop("transport"), transport_options=options) as connection:
    queue = connection.SimpleQueue("story")
    if work == "post":
        for number in range(count):
            queue.put({"number": number, "padding": "x" * 20_000})
    else:
        taken, quiet_since = [], time.monotonic()
        while time.monotonic() - quiet_since < 2:
            try:
                message = queue.get(block=False)
            except Empty:
                continue
            message.ack()
            assert len(message.payload["padding"]) == 20_000
            taken.append(message.payload["number"])
            quiet_since = time.monotonic()
        print(json.dumps(taken))
"""


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """The broker's options, as the settings give them, in a folder of this story."""
    for folder in ("messages", "control", "processed"):
        (tmp_path / folder).mkdir()
    return {
        "transport": "verso.filesystem_broker:Transport",
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
        "processed_folder": str(tmp_path / "processed"),
    }


def joined(options: dict[str, Any], work: str, count: int = 0) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CROWD, json.dumps(options), work, str(count)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.operations
def test_two_who_post_and_two_who_take_lose_nothing_and_double_nothing(options: dict[str, Any]) -> None:
    takers = [joined(options, "take") for _ in range(2)]
    posters = [joined(options, "post", 500) for _ in range(2)]
    taken: list[int] = []
    for process in (*posters, *takers):
        said, broke = process.communicate(timeout=90)
        assert (process.returncode, broke) == (0, "")
        taken += json.loads(said or "[]")
    assert sorted(taken) == sorted([*range(500), *range(500)])
    assert list(Path(options["data_folder_in"]).iterdir()) == list(Path(options["processed_folder"]).iterdir()) == []


@pytest.fixture
def connection(options: dict[str, Any]) -> Connection:
    return Connection("filesystem://here", transport=options.pop("transport"), transport_options=options)


@pytest.fixture
def queue(connection: Connection) -> SimpleQueue:
    """A queue of this story's own: kombu remembers for the whole process which names are bound."""
    return connection.SimpleQueue(uuid4().hex)


def test_messages_come_in_the_order_they_were_posted(queue: SimpleQueue) -> None:
    for number in range(20):
        queue.put(number)
    assert [queue.get(block=False).payload for _ in range(20)] == list(range(20))


def test_a_message_being_written_is_not_there_yet(queue: SimpleQueue, options: dict[str, Any]) -> None:
    queue.put("whole")
    (message,) = Path(options["data_folder_in"]).glob("*.msg")
    message.rename(message.with_name(".half.unfinished"))
    with pytest.raises(Empty):
        queue.get(block=False)


def test_what_cannot_be_read_is_set_aside_and_stops_nobody(queue: SimpleQueue, options: dict[str, Any]) -> None:
    queue.put("torn by a power cut")
    (torn,) = Path(options["data_folder_in"]).glob("*.msg")
    torn.write_text("")
    queue.put("whole")
    assert queue.get(block=False).payload == "whole"
    assert [kept.name for kept in Path(options["processed_folder"]).iterdir()] == [torn.name]


def test_a_deleted_queue_takes_its_messages_and_its_binding_along(
    connection: Connection, queue: SimpleQueue, options: dict[str, Any]
) -> None:
    queue.put("unread")
    (table,) = Path(options["control_folder"]).glob("*.exchange")
    assert json.loads(table.read_text()) == [[table.stem, "", table.stem]]
    queue.consumer.queues[0](connection.default_channel).delete()
    assert list(Path(options["data_folder_in"]).glob("*.msg")) == []
    assert json.loads(table.read_text()) == []
