"""A small keep-alive HTTP client on raw sockets, light enough to leave the machine to the server being measured."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Load:
    """What a burst of requests met: latencies in seconds, statuses, the whole time in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def p95(self) -> float:
        """The 95th percentile of latency, in seconds."""
        return statistics.quantiles(self.latencies, n=20)[-1] if len(self.latencies) > 1 else 0.0


def get(path: str, host: str) -> bytes:
    """The bytes of a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()


def post(path: str, host: str, body: str, cookies: str = "") -> bytes:
    """The bytes of a form POST."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body.encode())}\r\nCookie: {cookies}\r\n\r\n"
    )
    return head.encode() + body.encode()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line[15:]))
            return status
    if b"transfer-encoding: chunked" in head.lower():
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return status


async def _caller(port: int, requests: Callable[[], bytes | None], load: Load, until: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    while time.perf_counter() < until and (request := requests()) is not None:
        started = time.perf_counter()
        try:
            writer.write(request)
            status = await _answer(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
            continue
        load.latencies.append(time.perf_counter() - started)
        load.statuses[status] += 1
    writer.close()


async def _burst(port: int, requests: Callable[[], bytes | None], connections: int, seconds: float) -> Load:
    load = Load()
    started = time.perf_counter()
    await asyncio.gather(*(_caller(port, requests, load, started + seconds) for _ in range(connections)))
    load.seconds = time.perf_counter() - started
    return load


def burst(port: int, requests: Callable[[], bytes | None], *, connections: int = 8, seconds: float = 4.0) -> Load:
    """Call the server on loopback from `connections` sockets until `seconds` pass or `requests` answers None."""
    return asyncio.run(_burst(port, requests, connections, seconds))
