"""The words the sources ask to have said in other languages, read without gettext's own tools, and which are not."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polib
from django.utils.translation import template as templates_as_python

ROOT = Path(__file__).resolve().parents[1]
APPS = ("audit", "governance", "accounts", "scheduling", "cms", "verso")
SINGLE = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
CALL = re.compile(r"\b(_|gettext|ngettext|pgettext|npgettext)\(\s*(?=u?['\"])")
LITERAL = re.compile(r"""\s*u?(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?""", re.DOTALL)
Word = tuple[str | None, str]


def catalogues(root: Path = ROOT) -> list[Path]:
    """Every catalogue as it is written."""
    return sorted(root.glob("locale/*/LC_MESSAGES/*.po"))


def templates(root: Path = ROOT) -> list[Path]:
    """Every template of the project, pages and mails."""
    return [path for path in sorted((root / "templates").rglob("*.*")) if path.suffix in {".html", ".txt"}]


@cache
def asked_for(root: Path = ROOT) -> dict[Word, str]:
    """Every (context, msgid) the sources mark, with the file that does."""
    found: dict[Word, str] = {}
    for app in APPS:
        for path in sorted((root / app).rglob("*.py")):
            found |= dict.fromkeys(_of_module(path), str(path.relative_to(root)))
    for path in templates(root):
        found |= dict.fromkeys(_of_template(path), str(path.relative_to(root)))
    return found


def faults(catalogue: polib.POFile, asked: dict[Word, str]) -> list[str]:
    """What a catalogue lacks: words nobody has written into it, words without a translation, words nobody says."""
    entries = [entry for entry in catalogue if not entry.obsolete]
    known = {(entry.msgctxt, entry.msgid) for entry in entries}
    return [
        *(f"not in the catalogue: {word[1]!r} ({place})" for word, place in asked.items() if word not in known),
        *(f"not translated: {entry.msgid!r}" for entry in entries if not _is_translated(entry)),
        *(f"unsure: {entry.msgid!r}" for entry in entries if entry.fuzzy),
        *(f"nobody says any more: {word[1]!r}" for word in sorted(known - asked.keys(), key=str)),
    ]


def _is_translated(entry: polib.POEntry) -> bool:
    said = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
    return bool(said) and all(said)


def _of_module(path: Path) -> Iterator[Word]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in SINGLE and texts:
            yield None, texts[0]
        elif name in WITH_CONTEXT and texts:
            yield texts[0], texts[1]


def _of_template(path: Path) -> Iterator[Word]:
    python = templates_as_python.templatize(path.read_text(), origin=str(path))
    for call in CALL.finditer(python):
        texts: list[str] = []
        at = call.end()
        while (literal := LITERAL.match(python, at)) and len(texts) < 3:
            texts.append(ast.literal_eval(literal["text"]))
            at = literal.end()
        yield (texts[0], texts[1]) if call[1] in WITH_CONTEXT else (None, texts[0])
