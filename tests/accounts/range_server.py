"""A range service as Have I Been Pwned runs one, on this machine, with what it was asked."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PADDING = "0" * 34 + "1:0"


class RangeServer:
    """`knows` passwords; `breaks` says how it misbehaves: "", "status", "nonsense", "slow", "drips" or "floods"."""

    def __init__(self, *knows: str) -> None:
        self.digests = {self.digest(word) for word in knows}
        self.asked: list[tuple[str, str]] = []
        self.breaks = ""
        self.url = ""
        self.over = threading.Event()

    @staticmethod
    def digest(word: str) -> str:
        """SHA-1 as the service spells it."""
        return hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper()

    def answer(self, prefix: str) -> bytes:
        """The rest of each hash known, with how often; padding counts nought."""
        found = [f"{digest[5:]}:3" for digest in self.digests if digest.startswith(prefix)]
        return "\r\n".join([*found, PADDING]).encode()


@contextmanager
def running(*knows: str) -> Iterator[RangeServer]:
    """The service, listening until the story is over."""
    service = RangeServer(*knows)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.asked.append((self.path, self.headers.get("Add-Padding", "")))
            if service.breaks == "slow":
                service.over.wait(60)
            self.send_response(503 if service.breaks == "status" else 200)
            self.end_headers()
            try:
                self.write(service.answer(self.path.rpartition("/")[2]))
            except OSError:  # whoever asked has left
                return

        def write(self, body: bytes) -> None:
            if service.breaks == "nonsense":
                body = "ñ:many".encode()
            elif service.breaks == "floods":
                body = b"A:1\r\n" * 1_000_000
            elif service.breaks == "drips":
                while not service.over.wait(0.05):
                    self.wfile.write(b"A:1\r\n")
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        service.over.set()
        server.shutdown()
        server.server_close()
