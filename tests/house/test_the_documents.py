"""What the documents say of the code is so: rules name their stories, pages name every question and task there is."""

import re
import shlex
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from tests.house.source import APPS, ROOT
from verso.operations import doctor

RULES = sorted(ROOT.glob("docs/rules/*.md"))
STORY = re.compile(r"`(?:\w+/)?(test_\w+)(?:\.py)?(?:::(test_\w+)…?)?`")
PLACE = re.compile(r"`((?:\w+/)*\w+\.py)`")


def rows(document: Path) -> list[list[str]]:
    """The cells of each numbered rule."""
    lines = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in document.read_text().splitlines()]
    return [cells for cells in lines if len(cells) == 4 and re.fullmatch(r"[A-Z]?\d+", cells[0])]


def is_told(story: str, chapter: str) -> bool:
    """Whether the file exists, and in it a test that begins so."""
    found = list(ROOT.glob(f"tests/**/{story}.py"))
    return bool(found) and f"def {chapter}" in found[0].read_text()


def is_there(place: str) -> bool:
    """Whether some app has that file."""
    return (ROOT / place).exists() or any((ROOT / app / place).exists() for app in APPS)


@pytest.mark.parametrize("document", RULES, ids=lambda path: path.stem)
def test_every_rule_names_a_story_that_exists(document: Path) -> None:
    told = {cells[0]: STORY.findall(cells[3]) for cells in rows(document)}
    assert len(told) > 10
    assert [number for number, stories in told.items() if not stories] == []
    assert [(number, *one) for number, stories in told.items() for one in stories if not is_told(*one)] == []


@pytest.mark.parametrize("document", RULES, ids=lambda path: path.stem)
def test_every_file_that_keeps_a_rule_exists(document: Path) -> None:
    named = [(cells[0], place) for cells in rows(document) for place in PLACE.findall(cells[2])]
    assert named
    assert [(number, place) for number, place in named if not is_there(place)] == []


def commands() -> list[tuple[str, list[str]]]:
    """Every `manage.py …` line of the code blocks in README and docs, with the page it stands on."""
    pages = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    lines = [(page.name, line) for page in pages for line in page.read_text().splitlines() if line.startswith("    ")]
    found = [(name, line.partition("manage.py ")[2]) for name, line in lines if "manage.py " in line]
    return [(name, shlex.split(words, comments=True)) for name, words in found]


@pytest.mark.parametrize(("page", "words"), commands(), ids=lambda value: str(value[0]) if value else "")
def test_every_command_written_down_can_be_given_so(page: str, words: list[str]) -> None:
    app = get_commands()[words[0]]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, words[0])
    command.create_parser("manage.py", words[0]).parse_args(words[1:])


def test_every_question_of_the_doctor_has_its_page() -> None:
    told = re.findall(r"^\| `(\w+)`", (ROOT / "docs/operating/alarms.md").read_text(), re.M)
    assert told == list(doctor.QUESTIONS)


def test_every_task_of_the_clock_has_its_page() -> None:
    told = re.findall(r"^\| `(\w+)`", (ROOT / "docs/operating/clockwork.md").read_text(), re.M)
    assert sorted(told) == sorted(settings.CELERY_BEAT_SCHEDULE)
