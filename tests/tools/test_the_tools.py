"""The tools say no when they should: a check that cannot fail checks nothing."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import polib
import pytest

from tools import bootstrap, check, docs, messages, test

ROOT = Path(__file__).resolve().parents[2]


def test_the_summary_counts_every_outcome(tmp_path: Path) -> None:
    suite = ET.Element("testsuite")
    for name, outcome in {"a": None, "b": "failure", "c": "error", "d": "skipped", "e": None}.items():
        case = ET.SubElement(suite, "testcase", classname="tests.x", name=name)
        if outcome:
            ET.SubElement(case, outcome, message="why")
    ET.ElementTree(suite).write(tmp_path / "report.xml")
    result = test._read(tmp_path / "report.xml")
    assert str(result) == "2 passed, 2 failed, 1 skipped"
    assert result.skipped == ["tests.x::d: why"]


@pytest.mark.parametrize(
    ("result", "missing", "tolerant", "code"),
    [
        (test.Result(passed=3), {}, False, 0),
        (test.Result(passed=3, failed=1), {}, True, 1),
        (test.Result(passed=3, broken=True), {}, True, 1),
        (test.Result(passed=3, skipped=["one"]), {}, True, 0),
        (test.Result(passed=3, skipped=["one"]), {}, False, 1),
        (test.Result(passed=3), {"Chromium": "chromium"}, False, 1),
    ],
)
def test_what_fails_a_run(
    result: test.Result,
    missing: dict[str, str],
    tolerant: bool,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FAIL_ON_SKIP", "" if tolerant else "1")
    assert test._report(result, missing) == code
    assert capsys.readouterr().out.splitlines()[-1] == str(result)


def test_what_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    needs = {"Chromium": (lambda: None, "chromium"), "Redis": (lambda: "/usr/bin/redis-server", "redis-server")}
    assert test.provide(needs) == {"Chromium": "chromium"}


def test_a_new_secret_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"results": {"verso/new.py": [{"type": "Secret Keyword", "hashed_secret": "5baa61e4c9b93f3f0682250b"}]}}
    monkeypatch.setattr(check, "_run", lambda *_words: check.Outcome(True, json.dumps(found)))
    outcome = check.secrets()
    assert (outcome.ok, outcome.output.splitlines()[0]) == (
        False,
        "verso/new.py: Secret Keyword (line hash 5baa61e4c9b9)",
    )


def test_a_lock_behind_its_wishes_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    monkeypatch.setattr(check, "ROOT", tmp_path)
    assert check.lock() == check.Outcome(True)
    with (tmp_path / "requirements" / "base.in").open("a") as wishes:
        wishes.write("django>=99\nnever-locked\n")
    outcome = check.lock()
    assert not outcome.ok
    assert "asks for never-locked, base.txt has None" in outcome.output
    assert "asks for django>=99, base.txt has 5.2" in outcome.output


def test_a_lock_without_a_hash_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    monkeypatch.setattr(check, "ROOT", tmp_path)
    (tmp_path / "requirements" / "base.txt").write_text("django==5.2.1\n")
    assert "base.txt has a pin without a hash" in check.lock().output


def test_no_advisory_service_is_not_called_green(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_answers(*_args: object, **_kwargs: object) -> None:
        raise OSError

    monkeypatch.setattr("urllib.request.urlopen", nobody_answers)
    assert check.advisories() == check.Outcome(True, note="not audited here: no advisory service answers")


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A heading, of sorts\n")
    document = tmp_path / "index.md"
    links = ["there.md", "there.md#a-heading-of-sorts", "https://example.org/x", "gone.md", "there.md#no-such-heading"]
    document.write_text("\n".join(f"[words]({link})" for link in links))
    assert docs.broken(document) == ["gone.md", "there.md#no-such-heading"]


def test_a_catalogue_behind_its_words_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "locale" / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text('msgid ""\nmsgstr ""\n\nmsgid "Book"\nmsgstr "Reservar"\n')
    (tmp_path / "cms").mkdir()
    (tmp_path / "cms" / "views.py").write_text('title = _("Book")\n')
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    assert messages.main(only_check=True) == 1
    assert capsys.readouterr().out == "locale/es/LC_MESSAGES/django.mo is behind; run: make messages\n"


def test_a_word_nobody_translated_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "locale" / "es" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    entries = {"Book": "Reservar", "Gone": "Ido", "Empty": ""}
    written = polib.POFile()
    written.extend(polib.POEntry(msgid=said, msgstr=means) for said, means in entries.items())
    written.save(str(folder / "django.po"))
    written.save_as_mofile(str(folder / "django.mo"))
    (tmp_path / "cms").mkdir()
    (tmp_path / "cms" / "views.py").write_text(
        'title, words = _("Book"), ngettext("%d new", "%d new", 2), _("Empty")\n'
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text('{% load i18n %}{% translate "New here" %}{% translate "Book" %}')
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    assert messages.main(only_check=True) == 1
    catalogue = "locale/es/LC_MESSAGES/django.po"
    assert capsys.readouterr().out.splitlines() == [
        f"{catalogue}: not in the catalogue: '%d new' (cms/views.py)",
        f"{catalogue}: not in the catalogue: 'New here' (templates/page.html)",
        f"{catalogue}: not translated: 'Empty'",
        f"{catalogue}: nobody says any more: 'Gone'",
    ]


@pytest.mark.operations
def test_the_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty home; the second time nothing is done, and a changed lock is noticed."""
    locks = tmp_path / "requirements"
    locks.mkdir()
    (locks / "base.txt").write_text("")
    (locks / "dev.txt").write_text("")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    venv = tmp_path / "venv"
    bootstrap.main(venv, "dev")
    assert subprocess.run([venv / "bin" / "python", "-c", ""], check=False).returncode == 0
    assert (bootstrap._stamp(venv, "base").exists(), bootstrap._stamp(venv, "dev").exists()) == (True, True)
    monkeypatch.setattr(bootstrap, "install", lambda *_: pytest.fail("nothing had changed"))
    bootstrap.main(venv, "dev")
    bootstrap.main(venv, "base")
    (locks / "base.txt").write_text("# changed\n")
    installed = []
    monkeypatch.setattr(bootstrap, "install", lambda _venv, lock: installed.append(lock.name))
    bootstrap.main(venv, "base")
    assert installed == ["base.txt"]


def test_every_target_of_the_makefile_is_explained() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    promised = "demo test story check fix worker beat docs bench lock roles screenshots".split()  # noqa: SIM905
    assert set(promised) <= {line.split()[0] for line in done.stdout.splitlines()}


def test_an_old_python_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(sys, "version", "3.9.2 (default)")
    with pytest.raises(SystemExit, match=r"Verso needs Python 3\.11 or later; this is 3\.9\.2"):
        bootstrap.main(tmp_path, "base")
