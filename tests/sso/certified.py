"""The certified provider (npm `oidc-provider`) as a process of its own, and how somebody signs in at it by hand."""

import fcntl
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

FOLDER = Path(__file__).parent / "oidc_provider"
MODULES = FOLDER / "node_modules"
SECRET = "certified secret: with signs %+& of its own"
OLDEST_NODE = 20


def node() -> str | None:
    """Node.js and npm, new enough; None when this machine lacks them."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = re.match(r"v(\d+)", version)
    return found if major and int(major[1]) >= OLDEST_NODE else None


def install() -> None:
    """The provider as the lock file pins it, once for all workers."""
    with (FOLDER / ".installing").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (MODULES / "oidc-provider" / "package.json").exists():
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*, redirects: str, after: str = "", logout: str = "") -> Iterator[str]:
    """The provider, until the block ends; its issuer."""
    install()
    issuer = f"http://127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "ISSUER": issuer,
        "CLIENT_SECRET": SECRET,
        "REDIRECTS": redirects,
        "AFTER": after,
        "LOGOUT": logout,
    }
    command = [node() or "node", "server.mjs"]
    process = subprocess.Popen(
        command, cwd=FOLDER, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == issuer
        yield issuer
    finally:
        process.kill()
        process.wait()


class Person:
    """Somebody's browser at the provider: keeps the provider's cookies from one visit to the next."""

    def __init__(self, name: str, *, second_factor: bool = False) -> None:
        self.name, self.second_factor = name, second_factor
        self.browser = httpx.Client(trust_env=False)

    def goes_to(self, address: str, *, cancels: bool = False) -> str:
        """Follow the provider's pages, signing in where asked; the address the provider sends them back to."""
        home = urlsplit(address).netloc
        answer = self.browser.get(address)
        for _turn in range(8):
            if answer.is_redirect:
                onward = str(answer.next_request.url) if answer.next_request else ""
                if urlsplit(onward).netloc != home:
                    return onward
                answer = self.browser.get(onward)
            else:
                assert "Sign in at Acme" in answer.text, answer.text
                form = {"cancel": "1"} if cancels else {"login": self.name}
                answer = self.browser.post(
                    str(answer.url), data={**form, **({"mfa": "1"} if self.second_factor else {})}
                )
        raise AssertionError("The provider goes round in circles.")
