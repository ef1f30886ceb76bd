"""`make lock`: resolve `requirements/*.in` into hashed, pinned locks that hold on every platform and Python ≥ 3.11."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
OPTIONS = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet", *sys.argv[1:]]


def main() -> None:
    """Development first, then what runs, held to the same pins. Extra words go to uv, such as `--upgrade`."""
    for name in ("dev", "base"):
        compile_ = ["uv", "pip", "compile", *OPTIONS, "-c", "dev.txt", f"{name}.in", "-o", f"{name}.txt"]
        subprocess.run(compile_, cwd=FOLDER, check=True)


if __name__ == "__main__":
    main()
