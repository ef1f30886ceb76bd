"""The house's own source as facts: which function calls which, across modules, read from the syntax tree."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("audit", "governance", "accounts", "scheduling", "cms", "verso")


@dataclass
class Function:
    """A function: its place, whether it takes `by` or `at` by keyword, and the dotted names it calls."""

    name: str
    keywords: set[str]
    calls: set[str] = field(default_factory=set)


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the apps by dotted name, migrations left out."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield dotted.removesuffix(".__init__"), path


@cache
def functions() -> dict[str, Function]:
    """Every function at the top of a module, by dotted name, with what it calls spelled out in full."""
    found: dict[str, Function] = {}
    for module, path in modules():
        tree = ast.parse(path.read_text())
        names = _imported(tree)
        own = {node.name: f"{module}.{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                keywords = {argument.arg for argument in node.args.kwonlyargs}
                calls = {_spelled(call.func, {**names, **own}) for call in ast.walk(node) if isinstance(call, ast.Call)}
                # A function handed on is called by whom it is handed to.
                handed = {_spelled(word, own) for word in ast.walk(node) if isinstance(word, ast.Name)}
                found[f"{module}.{node.name}"] = Function(f"{module}.{node.name}", keywords, (calls | handed) - {""})
        for alias, target in names.items():  # what a package offers under its own name
            if path.name == "__init__.py":
                found.setdefault(f"{module}.{alias}", Function(f"{module}.{alias}", set(), {target}))
    return found


def reaches(start: str, wanted: set[str]) -> bool:
    """Whether a function calls, by itself or through others, one of the wanted."""
    seen, open_ = set(), [start]
    while open_:
        name = open_.pop()
        if name in wanted:
            return True
        if name in functions() and name not in seen:
            seen.add(name)
            open_ += functions()[name].calls
    return False


def _imported(tree: ast.Module) -> dict[str, str]:
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
    return names


def _spelled(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = _spelled(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""
