"""Production refuses to start while a setting is unsafe, and says which and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.check import PRODUCTION
from verso.operations import safety

ROOT = Path(__file__).resolve().parents[2]
UNSAFE = {
    "verso.E001": {"SECRET_KEY": "short"},
    "verso.E002": {"DATABASE_URL": ""},
    "verso.E003": {"CELERY_BROKER_URL": "filesystem://"},
    "verso.E004": {"REDIS_URL": ""},
    "verso.E005": {"RATE_LIMITS": "off"},
    "verso.E006": {"DEBUG": "on"},
    "verso.E007": {"KEY_FILE": str(ROOT / "var" / "kek.json")},
    "verso.E008": {"EMAIL_URL": ""},
    "verso.E009": {"ALLOWED_HOSTS": "*"},
    "verso.E010": {"DEFAULT_FROM_EMAIL": "Verso <verso@localhost>"},
    "verso.E011": {"DATABASE_URL": "postgres://postgres@127.0.0.1:5432/verso"},
    "verso.E012": {"METRICS_TOKEN": "guessable"},
    "verso.E013": {"S3_BUCKET_PUBLIC": "files", "S3_BUCKET_PRIVATE": "files"},
    "verso.E014": {"SSO_ALLOW_LOOPBACK": "on"},
}


def start(code: str, tmp_path: Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], **PRODUCTION, "VERSO_DATA_DIR": str(tmp_path), **changes}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


WEB = "import verso.wsgi"


def test_every_rule_has_its_story() -> None:
    assert set(UNSAFE) == set(safety.RULES)


def test_a_safe_production_starts(tmp_path: Path) -> None:
    done = start(WEB, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("rule", UNSAFE)
def test_an_unsafe_setting_stops_the_web_server_with_a_sentence(rule: str, tmp_path: Path) -> None:
    done = start(WEB, tmp_path, **UNSAFE[rule])
    _broken, sentence, advice = safety.RULES[rule]
    assert done.returncode != 0
    assert f"{rule}: {sentence} {advice}" in done.stderr


def test_everything_unsafe_is_told_at_once_and_stops_worker_and_commands_too(tmp_path: Path) -> None:
    nothing = dict.fromkeys(PRODUCTION.keys() - {"DJANGO_SETTINGS_MODULE"}, "")
    told = {"verso.E001", "verso.E002", "verso.E003", "verso.E004", "verso.E007", "verso.E008", "verso.E009"}
    worker = "from celery.bin.celery import celery; celery(['-A', 'verso', 'worker', '--pool', 'solo'])"
    command = "from django.core.management import call_command; import django; django.setup(); call_command('check')"
    for code in (WEB, worker, command):
        done = start(code, tmp_path, **nothing)
        assert done.returncode != 0
        assert {rule for rule in safety.RULES if rule in done.stderr} >= told
