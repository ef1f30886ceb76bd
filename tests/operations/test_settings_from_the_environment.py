"""What the environment says becomes settings, and what it does not say has a safe default."""

import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tools.check import PRODUCTION

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json, sys
from django.conf import settings
print(json.dumps({name: getattr(settings, name, None) for name in sys.argv[1:]}, default=str))
"""


def shown(tmp_path: Path, *names: str, **environment: str) -> dict[str, Any]:
    """These settings in a process that sees only this environment."""
    full = {"PATH": os.environ["PATH"], "VERSO_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "verso.settings.dev"}
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *names],
        cwd=ROOT,
        env={**full, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_links_lead_to_the_demo_whose_data_this_is(tmp_path: Path) -> None:
    """`make demo PORT=8103` in one terminal; a command in another prints links that work."""
    assert shown(tmp_path, "SITE_PORT") == {"SITE_PORT": 8000}
    (tmp_path / "port").write_text("8103")
    assert shown(tmp_path, "SITE_PORT") == {"SITE_PORT": 8103}
    assert shown(tmp_path, "SITE_PORT", PORT="8104") == {"SITE_PORT": 8104}
    assert shown(tmp_path, "SITE_PORT", PORT="8104", SITE_PORT="80") == {"SITE_PORT": 80}
    (tmp_path / "port").write_text("")  # cut short
    assert shown(tmp_path, "SITE_PORT") == {"SITE_PORT": 8000}


def test_with_nothing_said_everything_stays_on_this_machine(tmp_path: Path) -> None:
    told = shown(tmp_path, "DATABASES", "CACHES", "CELERY_BROKER_URL", "EMAIL_BACKEND", "STORAGES", "DEBUG")
    assert told["DATABASES"]["default"]["NAME"] == str(tmp_path / "verso.sqlite3")
    assert told["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert told["CELERY_BROKER_URL"].startswith("filesystem://")
    assert told["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
    assert told["STORAGES"]["default"]["BACKEND"].endswith("FileSystemStorage")
    assert told["DEBUG"] is False


def test_servers_that_are_named_are_used(tmp_path: Path) -> None:
    told = shown(
        tmp_path,
        *("DATABASES", "CACHES", "CELERY_BROKER_URL", "EMAIL_HOST", "EMAIL_USE_TLS"),
        DATABASE_URL="postgres://web:secret@db.example:5433/verso",
        REDIS_URL="redis://cache.example:6380/2",
        EMAIL_URL="smtp+tls://me:secret@mail.example:587",
    )
    default = told["DATABASES"]["default"]
    assert (default["HOST"], default["PORT"], default["USER"]) == ("db.example", 5433, "web")
    assert told["CACHES"]["default"]["LOCATION"] == "redis://cache.example:6380/2"
    assert told["CELERY_BROKER_URL"] == "redis://cache.example:6380/2"
    assert (told["EMAIL_HOST"], told["EMAIL_USE_TLS"]) == ("mail.example", True)


def test_buckets_take_uploads_and_private_files_are_signed(tmp_path: Path) -> None:
    told = shown(
        tmp_path,
        *("STORAGES", "CONTENT_SECURITY_POLICY"),
        S3_ENDPOINT_URL="http://127.0.0.1:9000",
        S3_BUCKET_PUBLIC="pictures",
        S3_BUCKET_PRIVATE="papers",
    )
    public, private = told["STORAGES"]["default"]["OPTIONS"], told["STORAGES"]["private"]["OPTIONS"]
    assert (public["bucket_name"], public["querystring_auth"]) == ("pictures", False)
    assert (private["bucket_name"], private["querystring_auth"]) == ("papers", True)
    assert "http://127.0.0.1:9000" in told["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["img-src"]


def test_production_hardens_cookies_and_believes_a_proxy_only_when_there_is_one(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_PROXY_SSL_HEADER", "DEBUG")
    alone = shown(tmp_path, *names, **PRODUCTION)
    assert alone == {
        "SESSION_COOKIE_NAME": "__Host-session",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_PROXY_SSL_HEADER": None,
        "DEBUG": False,
    }
    behind = shown(tmp_path, *names, **PRODUCTION, TRUSTED_PROXY_COUNT="1")
    assert behind["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


@pytest.mark.operations
def test_processes_that_start_together_agree_on_one_kept_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: shown(tmp_path, "SECRET_KEY")["SECRET_KEY"], range(4)))
    assert len(keys) == 1
    assert len(keys.pop()) >= 50
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_the_example_can_be_copied_as_it_is(tmp_path: Path) -> None:
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    example = dict(line.split("=", 1) for line in lines) | {"VERSO_DATA_DIR": str(tmp_path)}
    names = ("DATABASES", "CACHES", "CELERY_BROKER_URL", "EMAIL_BACKEND", "STORAGES", "DEBUG", "RATE_LIMITS")
    assert shown(tmp_path, *names, **example) == shown(tmp_path, *names)
