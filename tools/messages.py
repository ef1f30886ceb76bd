"""`make messages`: collect the words to translate, compile the catalogues. `--check` compares them with the sources."""

import subprocess
import sys
from pathlib import Path

import polib

from tools import words

ROOT = Path(__file__).resolve().parents[1]
TRANSLATED = ("es",)  # every language of the settings but the one the sources are written in


def main(only_check: bool) -> int:
    """Compile every `.po`, or say which compiled catalogue is behind or holds untranslated words."""
    if not only_check:
        ignored = [word for name in ("tests", "tools", ".venv", "var") for word in ("--ignore", f"{name}/*")]
        collect = [
            sys.executable,
            "manage.py",
            "makemessages",
            *(word for language in TRANSLATED for word in ("--locale", language)),
            "--no-wrap",
            "--no-obsolete",
            "--add-location",
            "file",
            *ignored,
        ]
        subprocess.run(collect, cwd=ROOT, check=True)
    behind = []
    for source in words.catalogues(ROOT):
        catalogue, compiled = polib.pofile(str(source), wrapwidth=0), source.with_suffix(".mo")
        if not only_check:
            catalogue.metadata.pop("POT-Creation-Date", None)  # a date that changes although no word did
            catalogue.save()
            catalogue.save_as_mofile(str(compiled))
        elif not compiled.exists() or _words(polib.mofile(str(compiled))) != _words(catalogue):
            behind.append(f"{compiled.relative_to(ROOT)} is behind; run: make messages")
        behind += [f"{source.relative_to(ROOT)}: {fault}" for fault in words.faults(catalogue, words.asked_for(ROOT))]
    print("\n".join(behind) or "every catalogue is compiled and complete")
    return int(bool(behind))


def _words(catalogue: "polib.POFile | polib.MOFile") -> dict[tuple[str | None, str], object]:
    """What is said for each word; entries of a compiled catalogue know no flags, and are all translated."""
    kept = catalogue.translated_entries() if isinstance(catalogue, polib.POFile) else list(catalogue)
    return {(entry.msgctxt, entry.msgid): entry.msgstr or entry.msgstr_plural for entry in kept}


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
