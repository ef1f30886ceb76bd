"""`make check`: everything a machine can say about the code without running the suite. Fails if any step fails."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
APPS = ["verso", "audit", "governance", "accounts", "scheduling", "cms"]
BASELINE = ROOT / ".secrets.baseline"
# What a safe production looks like; nothing here is reached or opened by the checks.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "verso.settings.production",
    "SECRET_KEY": "checks-only-" + "k3Yx9Q2mVt7LwZ5nBr8c" * 3,
    "DATABASE_URL": "postgres://web@127.0.0.1:5432/verso",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "ALLOWED_HOSTS": "verso.example.org",
    "EMAIL_URL": "smtp://127.0.0.1:25",
    "DEFAULT_FROM_EMAIL": "bookings@verso.example.org",
    "KEY_FILE": "/etc/verso/kek.json",
    "METRICS_TOKEN": "m3Trics-" + "Hq4Tn9Zp" * 4,
    "RATE_LIMITS": "on",
    "LOG_FORMAT": "json",
}


@dataclass
class Outcome:
    """What one step came to: `ok`, what it printed, and a note for the list when it could not look."""

    ok: bool
    output: str = ""
    note: str = ""


def main() -> int:
    """Run every step, print one line each, and the whole output of those that failed."""
    steps: dict[str, Callable[[], Outcome]] = {
        "format": lambda: _run("ruff", "format", "--check", "."),
        "lint": lambda: _run("ruff", "check", "."),
        "floor plan": lambda: _run("lint-imports", "--no-cache"),
        "types": lambda: _run("mypy"),
        "templates": templates,
        "risky code": lambda: _run("bandit", "-q", "-c", "pyproject.toml", "-r", *APPS),
        "secrets": secrets,
        "advisories": advisories,
        "deploy": lambda: _manage("check", "--deploy", "--fail-level", "WARNING", production=True),
        "migrations": lambda: _manage("makemigrations", "--check", "--dry-run"),
        "lock": lock,
        "words": words,
        "links": lambda: _run("python", "-m", "tools.docs"),
    }
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = {name: pool.submit(_timed, step) for name, step in steps.items()}
        failed = [name for name, result in results.items() if not _show(name, *result.result())]
    print(f"{len(steps) - len(failed)} of {len(steps)} checks hold" + (f"; not: {', '.join(failed)}" if failed else ""))
    return int(bool(failed))


def templates() -> Outcome:
    """djlint over every template."""
    folders = [str(path) for path in [ROOT / "templates", *(ROOT / app / "templates" for app in APPS)] if path.exists()]
    return _run("djlint", "--lint", "--quiet", *folders) if folders else Outcome(True, note="no templates yet")


def secrets() -> Outcome:
    """Compare what detect-secrets finds in tracked files with the baseline; anything new fails."""
    known = _places(json.loads(BASELINE.read_text())["results"])
    unread = r"requirements/.*\.txt$|\.secrets\.baseline$|^tests/vectors/"  # hashes and published test vectors
    scan = _run("detect-secrets", "scan", "--exclude-files", unread)
    if not scan.ok:
        return scan
    new = _places(json.loads(scan.output)["results"]) - known
    lines = [f"{path}: {kind} (line hash {digest[:12]})" for path, kind, digest in sorted(new)]
    advice = "If it guards nothing: detect-secrets scan … > .secrets.baseline, and say why in the commit."
    return Outcome(not new, "\n".join([*lines, advice]) if new else "")


def _places(results: dict[str, list[dict[str, str]]]) -> set[tuple[str, str, str]]:
    return {(path, each["type"], each["hashed_secret"]) for path, found in results.items() for each in found}


def advisories() -> Outcome:
    """pip-audit over the lock; where no advisory service answers, say so instead of green."""
    audit = _run("pip-audit", "--strict", "--disable-pip", "--require-hashes", "-r", "requirements/base.txt")
    if audit.ok or "known vulnerabilit" in audit.output or os.environ.get("GITHUB_ACTIONS"):
        return audit
    return Outcome(True, note="not audited here: no advisory service answers")


def lock() -> Outcome:
    """Every requirement written in `.in` is pinned in its lock, within the range asked for, with hashes."""
    problems = []
    for name in ("base", "dev"):
        locked = (ROOT / "requirements" / f"{name}.txt").read_text()
        pins = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", locked, re.M))
        pins = {canonicalize_name(key): version for key, version in pins.items()}
        for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines():
            if not line.strip() or line.startswith(("#", "-")):
                continue
            wanted = Requirement(line.split(" #")[0])
            version = pins.get(canonicalize_name(wanted.name))
            if version is None or not wanted.specifier.contains(version, prereleases=True):
                problems.append(f"{name}.in asks for {wanted}, {name}.txt has {version}")
        if locked.count("==") > locked.count("--hash=sha256:"):
            problems.append(f"{name}.txt has a pin without a hash")
    return Outcome(not problems, "\n".join([*problems, "Run: make lock"]) if problems else "")


def words() -> Outcome:
    """Every word the sources mark is translated, and every compiled catalogue is what its `.po` says."""
    if not list(ROOT.glob("locale/*/LC_MESSAGES/*.po")):
        return Outcome(True, note="no translations yet")
    return _run("python", "-m", "tools.messages", "--check")


def _manage(*words: str, production: bool = False) -> Outcome:
    return _run("python", "manage.py", *words, environment=PRODUCTION if production else {})


def _run(tool: str, *words: str, environment: dict[str, str] | None = None) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="verso-check-") as data:
        neutral = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
        full = {
            **neutral,
            "VERSO_DATA_DIR": data,
            "DJANGO_SETTINGS_MODULE": "verso.settings.dev",
            **(environment or {}),
        }
        done = subprocess.run(
            [BIN / tool, *words], cwd=ROOT, env=full, check=False, capture_output=True, text=True, timeout=900
        )
    return Outcome(done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr))


def _timed(step: Callable[[], Outcome]) -> tuple[Outcome, float]:
    began = time.monotonic()
    return step(), time.monotonic() - began


def _show(name: str, outcome: Outcome, seconds: float) -> bool:
    mark = "FAILED" if not outcome.ok else ("--" if outcome.note else "ok")
    print(f"{mark:7} {name:12} {seconds:5.1f} s  {outcome.note}".rstrip(), flush=True)
    if not outcome.ok:
        print(outcome.output.rstrip(), flush=True)
    return outcome.ok


if __name__ == "__main__":
    sys.exit(main())
