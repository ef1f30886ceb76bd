"""`make screenshots`: the main pages as people see them, taken from a demo that was made for the occasion.

Starts the demo on a free port with a folder of its own, signs in as the receptionist would, books an opening as a
visitor would, and writes docs/screenshots/*.png, small enough to live in the repository.
"""

import base64
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django_otp.oath import TOTP
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZES: dict[str, ViewportSize] = {"wide": {"width": 1280, "height": 860}, "narrow": {"width": 360, "height": 740}}
COLOURS = 200
WAIT_SECONDS = 120


class Shot(NamedTuple):
    """One picture: what it is called, which window, which theme, and whether staff must be signed in."""

    name: str
    path: str
    size: str = "wide"
    scheme: str = "light"
    staff: bool = False


def shots(booked: str) -> list[Shot]:
    """Every picture; `booked` is the path of the visitor's own booking."""
    public = [
        ("home", "/"),
        ("services", "/services/"),
        ("book-week", "/book/{service}/?from={week}"),
        ("contact", "/contact/"),
        ("missing", "/nothing/"),
    ]
    office = [
        ("dashboard", "/admin/"),
        ("calendar", "/admin/scheduling/appointment/calendar/?view=week"),
        ("inbox", "/admin/cms/contactmessage/"),
        ("ledger", "/admin/audit/event/"),
    ]
    windows = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
    return [
        Shot(f"{name}-{scheme}-{SIZES[size]['width']}", path, size, scheme, staff)
        for pages, staff in (([*public, ("booking", booked)], False), (office, True))
        for name, path in pages
        for size, scheme in windows
    ]


def main() -> int:
    """Take every picture anew. Refuses where Chromium is missing."""
    if not Path(CHROMIUM).exists():
        sys.stderr.write(f"Chromium is not at {CHROMIUM}. Debian: apt install chromium; elsewhere set CHROMIUM.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="verso-shots-") as home,
        demo(Path(home)) as (site, seeded),
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        take_all(chromium, site, seeded)
        chromium.close()
    return 0


@contextmanager
def demo(home: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A demo on a free port: its address and what the seed told. Stopped with everything it started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"DJANGO_SETTINGS_MODULE": "verso.settings.dev", "VERSO_DATA_DIR": str(home), "PORT": str(port)}
    own = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "REDIS_URL", "MAKELEVEL")}
    environment = {**own, **settings}
    running = subprocess.Popen(
        [sys.executable, "-m", "verso.operations.demo"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        site = f"http://localhost:{port}"
        _wait_for(f"{site}/readyz", running)
        told = subprocess.run(
            [sys.executable, "manage.py", "seed_demo", "--json"],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        yield site, json.loads(told.stdout)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=30)


def _wait_for(address: str, running: "subprocess.Popen[bytes]") -> None:
    for _try in range(WAIT_SECONDS * 2):
        if running.poll() is not None:
            raise RuntimeError("The demo ended before it answered; run `make demo` to see why.")
        try:
            with urllib.request.urlopen(address, timeout=2):  # nosec B310 - loopback
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.5)
    raise RuntimeError(f"{address} did not answer within {WAIT_SECONDS} s.")


def take_all(chromium: Browser, site: str, seeded: dict[str, Any]) -> None:
    """Every picture, each in a fresh window."""
    keys = sign_in(chromium, site, seeded)
    booked, service, week = book(chromium, site)
    for shot in shots(booked):
        context = _window(chromium, site, shot.size, shot.scheme, storage_state=keys if shot.staff else None)
        page = context.new_page()
        page.goto(shot.path.format(service=service, week=week))
        page.evaluate("document.fonts.ready")
        _keep(page.screenshot(), FOLDER / f"{shot.name}.png")
        context.close()


def _window(chromium: Browser, site: str, size: str, scheme: Any, **options: Any) -> BrowserContext:
    return chromium.new_context(
        base_url=site, viewport=SIZES[size], color_scheme=scheme, reduced_motion="reduce", locale="en-GB", **options
    )


def sign_in(chromium: Browser, site: str, seeded: dict[str, Any]) -> Any:
    """The cookies of the manager, who shows the authenticator as everybody does."""
    who = next(p for p in seeded["people"] if p["email"] == "manager@demo.example")
    context = _window(chromium, site, "wide", "light")
    page = context.new_page()
    page.goto("/account/login/?next=/admin/")
    page.fill("[name=auth-username]", who["email"])
    page.fill("[name=auth-password]", who["password"])
    page.click("main button[type=submit]")
    page.fill("[name=token-otp_token]", _code(who["totp_secret"]))
    page.click("main button[type=submit] >> nth=0")
    page.wait_for_url("**/admin/")
    keys = context.storage_state()
    context.close()
    return keys


def _code(secret: str) -> str:
    """What an authenticator shows now for a base32 secret."""
    totp = TOTP(base64.b32decode(secret + "=" * (-len(secret) % 8)))
    totp.time = time.time()
    return f"{totp.token():06d}"


def book(chromium: Browser, site: str) -> tuple[str, str, str]:
    """Book the first opening of the first service; the booking's path, the service and the first day of its week."""
    context = _window(chromium, site, "wide", "light")
    page = context.new_page()
    page.goto("/book/")
    page.click(".card a >> nth=0")
    service = page.url.split("/book/")[1].split("/")[0]
    week = _first_week_with_openings(page)
    page.click(".opening >> nth=0")
    page.click(".choose-bar button, main form button[type=submit] >> nth=-1")
    page.fill("[name=name]", "Vera Visitor")
    page.fill("[name=email]", "vera@visitor.example")
    if page.locator("[name=accept_terms]").count():
        page.check("[name=accept_terms]")
    page.click("main form button[type=submit] >> nth=-1")
    page.wait_for_url("**/b/**")
    path = page.url.removeprefix(site)
    context.close()
    return path, service, week


def _first_week_with_openings(page: Page) -> str:
    for _week in range(5):
        if page.locator(".opening").count():
            break
        page.click("a:has-text('Later')")
    first = page.locator("input[name=start]").first.get_attribute("value") or ""
    return first[:10]


def _keep(picture: bytes, path: Path) -> None:
    """The picture with few colours, which flat pages hardly show and which halves it several times."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(colors=COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


if __name__ == "__main__":
    raise SystemExit(main())
