"""Every word people read is marked, translated, compiled, and says in Spanish what it says in English."""

import importlib
import pkgutil
import re
from collections import Counter
from datetime import datetime
from functools import cache
from pathlib import Path

import polib
import pytest
from django import forms
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import formats, translation
from django.utils.functional import Promise

from accounts import permissions
from tests.house.source import APPS, ROOT
from tests.house.words import unmarked
from tools import messages, words

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[\w:]*\}")
TAG = re.compile(r"<[^<>]+>")
SAME_IN_SPANISH = {
    "Error",
    "Editor",
    "Auditor",
    "Re: %(subject)s",
    "no",
    "roles",
    "host",
    "hosts",
    "D j M Y",
    "Cookies",
    "OpenID Connect",
    "Roles",
    "SAML 2.0",
}
SHORT_FOR_UNITS = re.compile(r"^[%()\w\s]*\b(min|h)$")
OURS = ("audit", "governance", "accounts", "scheduling", "cms", "operations")
# Fields no page shows: keys, hashes and counters the code keeps for itself.
INTERNAL = {
    "id", "value", "email_index", "phone_index", "wrapped_key", "email_key", "session_epoch", "ical_uid", "manage_hash",
    "manage_generation", "hold_hash", "sent_once", "serialized_data", "pk", "digest", "key_digest", "epoch",
    "password_must_change",
}  # fmt: skip
INTERNAL_MODELS = {
    "Authenticator", "EmailCode", "LogoutTokenSeen", "NameToken", "PasswordHistory", "RecoveryCode",
    "SamlSeenAssertion", "SecurityKey",
}  # fmt: skip
ONLY_IN_ADDRESSES = {"CalendarQuery.view"}
# Words that are the same in every language, or addressed to a mail program and not to a person.
NOT_WORDS = {"Verso", "colM"}


CATALOGUE = ROOT / "locale" / "es" / "LC_MESSAGES" / "django.po"


@cache
def catalogue() -> polib.POFile:
    """The Spanish catalogue as it is written."""
    return polib.pofile(str(CATALOGUE))


def spoken() -> list[polib.POEntry]:
    return [entry for entry in catalogue() if not entry.obsolete]


def translations(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_word_the_sources_mark_is_translated_and_none_is_a_guess() -> None:
    asked = words.asked_for()
    assert len(asked) > 500
    assert words.faults(catalogue(), asked) == [], "run: make messages"
    assert [entry.msgid for entry in spoken() if entry.msgid_plural and len(entry.msgstr_plural) != 3] == []


def test_no_english_sentence_is_left_standing_as_its_own_translation() -> None:
    same = {e.msgid for e in spoken() if translations(e)[0] == e.msgid and not SHORT_FOR_UNITS.match(e.msgid)}
    assert same == SAME_IN_SPANISH & same, same - SAME_IN_SPANISH


def test_the_translation_keeps_every_placeholder_and_every_tag() -> None:
    for entry in spoken():
        for pattern in (PLACEHOLDER, TAG):
            wanted = Counter(pattern.findall(entry.msgid_plural or entry.msgid))
            for text in translations(entry):
                assert Counter(pattern.findall(text)) == wanted, entry.msgid
        assert {text.endswith("\n") for text in translations(entry)} == {entry.msgid.endswith("\n")}, entry.msgid


def test_readers_are_addressed_as_usted_and_nobody_shouts() -> None:
    familiar = re.compile(r"\b(tú|tu|tus|ti|contigo|tuyo|tuya|puedes|tienes|quieres)\b", re.IGNORECASE)
    for entry in spoken():
        for text in translations(entry):
            assert not familiar.search(text), text
            assert "!" not in text.replace("<!", ""), text
        assert "!" not in entry.msgid, entry.msgid


def test_the_compiled_catalogue_is_the_written_one() -> None:
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    spells = {(entry.msgctxt, entry.msgid): translations(entry) for entry in compiled}
    assert spells == {(entry.msgctxt, entry.msgid): translations(entry) for entry in spoken()}
    assert compiled.metadata["Plural-Forms"] == catalogue().metadata["Plural-Forms"]
    assert compiled.metadata["Content-Type"] == "text/plain; charset=UTF-8"


def test_make_check_finds_nothing_to_say_about_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.main(only_check=True) == 0, capsys.readouterr().out


def test_no_template_says_a_word_that_is_not_marked() -> None:
    loose = {
        f"{path.relative_to(ROOT)}: {word.strip()!r}"
        for path in words.templates()
        if path.suffix == ".html"
        for word in unmarked(path)
        if word.strip() not in NOT_WORDS
    }
    assert loose == set()


@pytest.mark.parametrize("path", [p for p in words.templates() if p.suffix == ".txt"], ids=lambda path: path.name)
def test_no_mail_says_a_word_that_is_not_marked(path: Path) -> None:
    assert list(unmarked(path)) == []


def test_the_hunt_for_unmarked_words_finds_them(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<p title="{{ x }} Hello">{% translate "one" %}{# two #}{% blocktranslate %}three{% endblocktranslate %} four'
    )
    assert [word.strip() for word in unmarked(page)] == ["Hello", "four"]


def test_models_are_named_in_words_that_can_be_translated() -> None:
    bare = []
    for label in OURS:
        config = apps.get_app_config(label)
        bare += [label] if not isinstance(config.verbose_name, Promise) else []
        for model in config.get_models():
            named = (model._meta.verbose_name, model._meta.verbose_name_plural)
            bare += [model.__name__] if not all(isinstance(name, Promise) for name in named) else []
            for field in model._meta.fields:
                if field.name in INTERNAL or model.__name__ in INTERNAL_MODELS or field.auto_created:
                    continue
                shown = [field.verbose_name, *([field.help_text] if field.help_text else [])]
                shown += [name for _, name in field.choices or ()]
                bare += [f"{model.__name__}.{field.name}: {text!r}" for text in shown if not isinstance(text, Promise)]
    assert bare == []


def everything(base: type) -> set[type]:
    """Every subclass of ours, every module of the apps imported."""
    for app in APPS:
        package = importlib.import_module(app)
        for module in pkgutil.walk_packages(package.__path__, f"{app}."):
            if not re.search(r"\.(migrations|settings|demo|bench|management)\b|postgresql|celery|wsgi", module.name):
                importlib.import_module(module.name)
    found, rest = set(), [base]
    while rest:
        below = rest.pop().__subclasses__()
        rest += below
        found |= {one for one in below if one.__module__.split(".")[0] in APPS}
    return found


def test_forms_speak_in_words_that_can_be_translated() -> None:
    bare = []
    ours = [form for form in everything(forms.BaseForm) if not issubclass(form, forms.BaseModelForm)]
    assert len(ours) > 5
    for form in ours:
        for name, field in form.base_fields.items():  # type: ignore[attr-defined]
            if isinstance(field.widget, forms.HiddenInput) or f"{form.__name__}.{name}" in ONLY_IN_ADDRESSES:
                continue
            shown = [field.label, *([field.help_text] if field.help_text else [])]
            bare += [f"{form.__name__}.{name}: {text!r}" for text in shown if not isinstance(text, Promise)]
    assert bare == []


def test_every_refusal_is_said_in_spanish() -> None:
    refusals = {one for one in everything(ValidationError) if hasattr(one, "words")}
    assert len(refusals) > 8
    for refusal in refusals:
        with translation.override("en"):
            english = str(refusal.words)  # type: ignore[attr-defined]
        with translation.override("es"):
            spanish = str(refusal.words)  # type: ignore[attr-defined]
        assert spanish and spanish != english, refusal


def test_every_permission_and_role_is_named_in_spanish() -> None:
    named = [*permissions.known().values(), *permissions.system_roles()]
    assert len(named) > 50
    for one in named:
        with translation.override("en"):
            english = str(one.label)
        with translation.override("es"):
            assert str(one.label) != english or english in SAME_IN_SPANISH, english


@pytest.mark.parametrize(("language", "day", "moment"), [
    ("en", "22 Nov 2026", "22 Nov 2026, 09:05"),
    ("es", "22 de noviembre de 2026", "22 de noviembre de 2026, 09:05"),
])  # fmt: skip
def test_dates_cannot_be_misread(language: str, day: str, moment: str) -> None:
    when = datetime(2026, 11, 22, 9, 5)
    with translation.override(language):
        assert formats.date_format(when, "DATE_FORMAT") == day
        assert formats.date_format(when, "DATETIME_FORMAT") == moment
        assert formats.time_format(when) == "09:05"
        assert formats.get_format("FIRST_DAY_OF_WEEK") == 1
        for name in ("SHORT_DATE_FORMAT", "SHORT_DATETIME_FORMAT"):
            assert not re.search(r"\d/\d", formats.date_format(when, name))
        assert "%m/%d/%Y" not in formats.get_format("DATE_INPUT_FORMATS")


def test_the_settings_speak_the_languages_there_are_catalogues_for() -> None:
    spoken_here = {code for code, _ in settings.LANGUAGES}
    assert {path.name for path in (ROOT / "locale").iterdir()} == spoken_here - {settings.LANGUAGE_CODE}
