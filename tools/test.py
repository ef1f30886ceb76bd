"""`make test`: the whole suite on PostgreSQL and Redis, then what must hold on SQLite with no server at all.

Starts its own servers when `DATABASE_URL` and `REDIS_URL` are not given, installs what is missing where it may (root
and apt-get), names it where it may not. The last line is the summary: `N passed, N failed, N skipped`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.sso import certified
from tools import servers

ROOT = Path(__file__).resolve().parents[1]
# Left out there: what looks the same on every database, and takes long.
ON_SQLITE = "guarantee or not (browser or fuzz or operations)"


@dataclass
class Result:
    """What one or several runs of pytest came to."""

    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    broken: bool = False

    def add(self, other: "Result") -> None:
        """Add another run to this one."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.broken = self.broken or other.broken

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {len(self.skipped)} skipped"


# What the suite needs beyond Python: how to find it, the Debian package that brings it.
NEEDS: dict[str, tuple[Callable[[], object], str]] = {
    "Chromium": (lambda: shutil.which("chromium") or shutil.which("google-chrome"), "chromium"),
    "PostgreSQL": (lambda: os.environ.get("DATABASE_URL") or servers.postgres_folder(), "postgresql"),
    "Redis": (lambda: os.environ.get("REDIS_URL") or servers.redis_binary(), "redis-server"),
    "Node": (certified.node, "nodejs npm"),
    "xmlsec1": (lambda: shutil.which("xmlsec1"), "xmlsec1"),
}


def main() -> int:
    """Run everything; 0 only when nothing failed (and, with FAIL_ON_SKIP, nothing was skipped)."""
    missing = provide(NEEDS)
    if "Node" not in missing:
        certified.install()
    total = Result()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="verso-test-")))
        real = _environment(scratch / "servers")
        if "PostgreSQL" not in missing:
            real["DATABASE_URL"] = real.get("DATABASE_URL") or stack.enter_context(servers.postgres())
        if "Redis" not in missing:
            real["REDIS_URL"] = real.get("REDIS_URL") or stack.enter_context(servers.redis())
        print(f"\n== On {_where(real)}", flush=True)
        absent = [option for name in missing for option in ("--missing", name.lower())]
        total.add(run(scratch / "servers.xml", real, absent))
        if real.get("DATABASE_URL"):
            alone = _environment(scratch / "embedded")
            for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
                alone.pop(name, None)
            print("\n== On SQLite, no server", flush=True)
            total.add(run(scratch / "embedded.xml", alone, ["-m", ON_SQLITE]))
    return _report(total, missing)


def provide(needs: dict[str, tuple[Callable[[], object], str]]) -> dict[str, str]:
    """Install what is missing where we may; what is still missing afterwards, by name with its package."""
    missing = {name: package for name, (found, package) in needs.items() if not found()}
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {', '.join(missing.values())}", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        apt = ["apt-get", "-qq", "-y", "-o", "Dpkg::Use-Pty=0"]
        subprocess.run([*apt, "update"], env=quiet, check=False)
        install = [*apt, "install", "--no-install-recommends", *" ".join(missing.values()).split()]
        subprocess.run(install, env=quiet, check=False, stdout=subprocess.DEVNULL)
        missing = {name: package for name, (found, package) in needs.items() if not found()}
    return missing


def run(report: Path, environment: dict[str, str], options: list[str]) -> Result:
    """One run of pytest over all cores."""
    workers = str(min(4, os.cpu_count() or 1))
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal", f"--junitxml={report}"]
    code = subprocess.run([*command, *options], cwd=ROOT, env=environment, check=False).returncode
    result = _read(report) if report.exists() else Result(broken=True)
    result.broken = result.broken or code not in (0, 1)
    return result


def _read(report: Path) -> Result:
    result = Result()
    for case in ET.parse(report).iter("testcase"):
        skipped = case.find("skipped")
        if skipped is not None:
            result.skipped.append(f"{case.get('classname')}::{case.get('name')}: {skipped.get('message')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        else:
            result.passed += 1
    return result


def _environment(data: Path) -> dict[str, str]:
    data.mkdir()
    return {
        **os.environ,
        "VERSO_DATA_DIR": str(data),
        "DJANGO_SETTINGS_MODULE": "verso.settings.test",
        "PYTHONPATH": str(ROOT),
    }


def _where(environment: dict[str, str]) -> str:
    database = "PostgreSQL" if environment.get("DATABASE_URL") else "SQLite (PostgreSQL is missing)"
    return f"{database} and {'Redis' if environment.get('REDIS_URL') else 'no Redis'}"


def _report(total: Result, missing: dict[str, str]) -> int:
    print()
    for name, package in missing.items():
        print(f"Missing here: {name} (Debian: apt install {package}); the tests that need it were skipped.")
    for line in total.skipped:
        print(f"skipped  {line}")
    intolerant = os.environ.get("FAIL_ON_SKIP", "") not in ("", "0")
    unproven = bool(total.skipped or missing) and intolerant
    if unproven:
        print("Something was skipped, and this run tolerates no skips.")
    if total.broken:
        print("pytest itself broke off; see above.")
    print(total, flush=True)
    return int(bool(total.failed or total.broken or unproven))


if __name__ == "__main__":
    sys.exit(main())
