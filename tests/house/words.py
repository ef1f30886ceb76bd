"""What a reader of a page sees, and which words of a template stand outside what is translated."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from django.template.base import DebugLexer, TokenType

SILENT = {"script", "style", "code"}  # names of things are the same in every language
READ_ALOUD = {"title", "aria-label", "placeholder", "alt"}


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
        self.silent += tag in SILENT
        given = dict(attrs)
        self.pieces += [given[name] or "" for name in READ_ALOUD & given.keys()]
        if tag == "input" and given.get("type") in {"submit", "button"}:
            self.pieces.append(given.get("value") or "")
        if tag == "meta" and given.get("name") == "description":
            self.pieces.append(given.get("content") or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.pieces.append(data)
