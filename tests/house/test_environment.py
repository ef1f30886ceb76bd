"""The environment is read in one place, and every variable it reads is explained."""

import ast
import re
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("verso", "audit", "governance", "accounts", "scheduling", "cms")
READ_ELSEWHERE = {"DJANGO_SETTINGS_MODULE"}  # read by Django itself
SET_BY_MACHINES = {"PYTEST_XDIST_WORKER", "PROMETHEUS_MULTIPROC_DIR"}


def read_by_settings() -> set[str]:
    tree = ast.parse((ROOT / "verso/settings/env.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    on_env = [call for call in calls if isinstance(call.func.value, ast.Name) and call.func.value.id == "env"]  # type: ignore[union-attr,attr-defined]
    return {call.args[0].value for call in on_env if isinstance(call.args[0], ast.Constant)}  # type: ignore[misc]


def explained() -> dict[str, str]:
    """Each variable of `.env.example` with the line above it."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {line.split("=")[0]: above for above, line in pairwise(lines) if re.match(r"[A-Z0-9_]+=", line)}


def test_every_variable_read_is_explained_and_every_explained_one_is_read() -> None:
    assert set(explained()) == (read_by_settings() | READ_ELSEWHERE) - SET_BY_MACHINES


def test_each_explanation_is_one_line() -> None:
    assert [name for name, above in explained().items() if not above.startswith("# ")] == []


def test_the_environment_is_read_in_one_place() -> None:
    readers = []
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            reads = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"} and path.name != "env.py"
            if reads and isinstance(node.value, ast.Name) and node.value.id == "os":  # type: ignore[attr-defined]
                readers.append(str(path.relative_to(ROOT)))
    # celery and wsgi choose the settings module; demo and bench hand their environment on to their children
    assert {reader for reader in readers if "/bench/" not in reader} == {
        "verso/celery.py",
        "verso/wsgi.py",
        "verso/operations/demo.py",
    }
