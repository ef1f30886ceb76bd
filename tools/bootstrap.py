"""Make the virtual environment and install a hashed lock into it: `python3 tools/bootstrap.py .venv base|dev`.

A second run with the same lock does nothing. Uses uv when it is there and works, pip otherwise; never needs root,
a home or a cache. Standard library only, because nothing is installed yet.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {"base": ["base"], "dev": ["dev", "base"]}  # dev contains base with the same pins


def main(venv: Path, which: str) -> None:
    """Bring `venv` to the state the lock describes."""
    if sys.version_info < (3, 11):
        sys.exit("Verso needs Python 3.11 or later; this is %s. Try: make PYTHON=python3.11 …" % sys.version.split()[0])
    if _stamp(venv, which).exists() and _stamp(venv, which).read_text() == _digest(which):
        return
    if not (venv / "bin" / "python").exists():
        print(f"Creating {venv}", flush=True)
        create(venv)
    print(f"Installing requirements/{which}.txt (pinned, hashes checked)", flush=True)
    install(venv, ROOT / "requirements" / f"{which}.txt")
    for covered in LOCKS[which]:
        _stamp(venv, covered).write_text(_digest(covered))


def create(venv: Path) -> None:
    """An empty environment, from whatever this machine offers."""
    if _runs([sys.executable, "-m", "venv", str(venv)]):
        return
    shutil.rmtree(venv, ignore_errors=True)
    if shutil.which("uv") and _runs(["uv", "venv", "--quiet", "--seed", "--python", sys.executable, str(venv)]):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _runs(["apt-get", "update", "-qq"])
        _runs(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "python3-venv"])
        if _runs([sys.executable, "-m", "venv", str(venv)]):
            return
    sys.exit("Could not create a virtual environment. On Debian: apt install python3-venv")


def install(venv: Path, lock: Path) -> None:
    """Install exactly the lock; every file must match its hash."""
    arguments = ["install", "--require-hashes", "-r", str(lock)]
    if shutil.which("uv"):
        environment = {**os.environ, "VIRTUAL_ENV": str(venv.resolve())}
        if _runs(["uv", "pip", *arguments, "--quiet"], env=environment):
            return
        print("uv could not install it; trying pip", flush=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input"]
    if not _runs([*pip, *arguments, "--no-warn-script-location"]):
        sys.exit(f"Could not install {lock.relative_to(ROOT)}: see the lines above. Is the package index reachable?")


def _runs(command: "list[str]", env: "dict[str, str] | None" = None) -> bool:
    return subprocess.run(command, env=env, check=False).returncode == 0


def _digest(which: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{which}.txt").read_bytes()).hexdigest()


def _stamp(venv: Path, which: str) -> Path:
    return venv / f".installed-{which}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
