"""Production serves collected files under names that change with their content; every template's file is among them."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.test import override_settings

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"\{%\s*static\s+[\"']([^\"'{]+)[\"']")
MANIFEST = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}


@pytest.mark.operations
def test_every_file_a_template_names_is_collected(tmp_path: Path) -> None:
    with override_settings(STORAGES=MANIFEST, STATIC_ROOT=str(tmp_path)):
        call_command("collectstatic", "--noinput", verbosity=0)
        templates = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("*/templates/**/*.html")]
        named = {name for path in templates for name in NAMED.findall(path.read_text())}
        assert named
        hashed = {name: staticfiles_storage.url(name) for name in named}
    assert [name for name, url in hashed.items() if not re.search(r"\.[0-9a-f]{12}\.\w+$", url)] == []
