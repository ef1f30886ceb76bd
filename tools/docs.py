"""`make docs`: every relative link and picture in the documents leads to a file, every `#heading` to a heading."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#+\s+(.+)$", re.M)


def broken(document: Path) -> list[str]:
    """The links of one document that lead nowhere."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
    return [link for link in LINK.findall(text) if not _leads_somewhere(document, link)]


def _leads_somewhere(document: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor in map(_slug, HEADING.findall(target.read_text()))


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", "")).replace(" ", "-")


def main() -> int:
    """Print every broken link with its document."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    lines = [f"{document.relative_to(ROOT)}: {link}" for document in documents for link in broken(document)]
    print("\n".join(lines) if lines else f"{len(documents)} documents, every link leads somewhere")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
