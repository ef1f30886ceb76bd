"""The words of the house as facts: what the sources ask to have translated, and what a reader of a page sees."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import polib
from django.template.base import DebugLexer, TokenType
from django.utils.translation import template as templates_as_python

from tests.house.source import APPS, ROOT

CATALOGUE = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"
SINGLE = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
CALL = re.compile(r"\b(_|gettext|ngettext|pgettext|npgettext)\(\s*(?=u?['\"])")
LITERAL = re.compile(r"""\s*u?(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?""", re.DOTALL)
READ_ALOUD = {"title", "aria-label", "placeholder", "alt"}
Word = tuple[str | None, str]


@cache
def catalogue() -> polib.POFile:
    """The Spanish catalogue as it is written."""
    return polib.pofile(str(CATALOGUE))


def templates() -> list[Path]:
    """Every template of the project, pages and mails."""
    return [path for path in sorted((ROOT / "templates").rglob("*.*")) if path.suffix in {".html", ".txt"}]


def asked_for() -> dict[Word, str]:
    """Every (context, msgid) the sources mark, with the file that does; read without gettext's own tools."""
    found: dict[Word, str] = {}
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            found |= dict.fromkeys(_of_module(path), str(path.relative_to(ROOT)))
    for path in templates():
        found |= dict.fromkeys(_of_template(path), str(path.relative_to(ROOT)))
    return found


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
        texts, at = [], call.end()
        while (literal := LITERAL.match(python, at)) and len(texts) < 3:
            texts.append(ast.literal_eval(literal["text"]))
            at = literal.end()
        yield (texts[0], texts[1]) if call[1] in WITH_CONTEXT else (None, texts[0])


def unmarked(path: Path) -> Iterator[str]:
    """The words of a template that stand outside `translate` and `blocktranslate`."""
    parts, inside = [], False
    for token in DebugLexer(path.read_text()).tokenize():
        if token.token_type == TokenType.BLOCK:
            tag = token.split_contents()[0]
            inside = tag in {"blocktranslate", "comment"} or (inside and not tag.startswith("end"))
        parts.append(
            token.contents if token.token_type == TokenType.TEXT and not inside else "\N{OBJECT REPLACEMENT CHARACTER}"
        )
    for piece in visible("".join(parts)):
        yield from (word for word in piece.split("\N{OBJECT REPLACEMENT CHARACTER}") if re.search(r"[^\W\d_]{2}", word))


def visible(page: str) -> list[str]:
    """What a reader of a page sees or has read to them, piece by piece, spaces folded."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [folded for piece in reader.pieces if (folded := " ".join(piece.split()))]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style"}
        given = dict(attrs)
        self.pieces += [given[name] or "" for name in READ_ALOUD & given.keys()]
        if tag == "input" and given.get("type") in {"submit", "button"}:
            self.pieces.append(given.get("value") or "")
        if tag == "meta" and given.get("name") == "description":
            self.pieces.append(given.get("content") or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.pieces.append(data)
