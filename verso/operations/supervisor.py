"""A parent that keeps several processes running: restarts what dies, prints what they say, leaves nothing behind.

Children die with it even after `kill -9` (see `lifeline`), and each is the head of its own process group, so that what
a child leaves behind is cleared before its successor starts.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import IO

from verso.operations.lifeline import tied_to_me

PATIENCE = 15.0  # seconds a child may take to end by itself
LONGEST_PAUSE = 30.0  # seconds between two starts of a child that keeps dying
WELL_AFTER = 20.0  # seconds after which a child counts as well again


@dataclass
class Child:
    """One process to keep running, its name on the console, and how often it died lately."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    deaths: int = 0
    start_again_at: float = 0.0
    readers: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start it, head of its own group, tied to this process, its words prefixed with its name."""
        self.process = subprocess.Popen(
            list(self.command),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the parent, which ends its children in order
            preexec_fn=tied_to_me(),
        )
        self.started_at = time.monotonic()
        reader = threading.Thread(target=_repeat, args=(self.name, self.process.stdout), daemon=True)
        reader.start()
        self.readers = [reader]

    @property
    def runs(self) -> bool:
        """Whether it is alive now."""
        return self.process is not None and self.process.poll() is None

    def signal(self, wanted: int) -> None:
        """Tell it alone; its own children hear from it."""
        if self.runs and self.process is not None:
            self.process.send_signal(wanted)

    def clear(self) -> None:
        """End whatever of its group is left."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _repeat(name: str, lines: "IO[bytes] | None") -> None:
    for line in lines or ():
        say(name, line.decode(errors="replace").rstrip())


def say(name: str, line: str) -> None:
    """One line on the console, under a name."""
    try:
        sys.stdout.write(f"{name:<7}| {line}\n")
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):  # nobody reads any more; the children must not stop for it
        pass


class Supervisor:
    """Runs children until it is told to stop."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)
        self._told = threading.Event()
        self._asked = 0

    def run(self) -> None:
        """Start all, restart the dead with growing pauses, end all when told: last started, first ended."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            for child in self.children:
                child.start()
            while not self._told.wait(0.2):
                for child in self.children:
                    self._mind(child)
        finally:
            self._end()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1
        self._told.set()

    def _mind(self, child: Child) -> None:
        now = time.monotonic()
        if child.runs:
            if child.deaths and now - child.started_at > WELL_AFTER:
                child.deaths = 0
        elif child.start_again_at == 0.0:
            child.clear()
            child.deaths += 1
            pause = 0.0 if child.deaths == 1 else min(LONGEST_PAUSE, 2.0 ** (child.deaths - 2))
            child.start_again_at = now + pause
            code = child.process.returncode if child.process is not None else None
            say("demo", f"{child.name} ended ({code}); starting it again in {pause:.0f} s")
        elif now >= child.start_again_at:
            child.start_again_at = 0.0
            child.start()

    def _end(self) -> None:
        asked, until = self._asked, time.monotonic() + PATIENCE
        for child in reversed(self.children):
            child.signal(signal.SIGTERM)
        while any(child.runs for child in self.children) and time.monotonic() < until and self._asked <= asked + 1:
            time.sleep(0.05)
        for child in self.children:
            child.clear()
            for reader in child.readers:
                reader.join(timeout=2)
