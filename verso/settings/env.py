"""The one place that reads the environment. Settings modules import values from here.

Names and meanings: `.env.example`.
"""

import os
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parents[2]

env = environ.Env()
_dotenv = ROOT / ".env"
if _dotenv.exists():
    environ.Env.read_env(_dotenv)

TEST_WORKER = env.str("PYTEST_XDIST_WORKER", default="")  # set by pytest-xdist, never by people
DATA_DIR = Path(env.str("VERSO_DATA_DIR", default=str(ROOT / "var"))).resolve() / TEST_WORKER
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
RATE_LIMITS = env.str("RATE_LIMITS", default="on") != "off"
SSO_ALLOW_LOOPBACK = env.bool("SSO_ALLOW_LOOPBACK", default=False)

DATABASE_URL = env.str("DATABASE_URL", default="")
MIGRATION_DATABASE_URL = env.str("MIGRATION_DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")

KEY_PROVIDER = env.str("KEY_PROVIDER", default="file")
KEY_FILE = env.str("KEY_FILE", default="")

EMAIL_URL = env.str("EMAIL_URL", default="")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="verso@localhost")

STORAGE_URL = env.str("STORAGE_URL", default="")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")
S3_REGION = env.str("S3_REGION", default="")
S3_BUCKET_PUBLIC = env.str("S3_BUCKET_PUBLIC", default="")
S3_BUCKET_PRIVATE = env.str("S3_BUCKET_PRIVATE", default="")
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID", default="")
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY", default="")

# Known from breaches: where the first five hex digits of a password's SHA-1 are asked about; empty asks nobody.
HIBP_URL = env.str("HIBP_URL", default="")

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", default="console")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

PORT_FILE = "port"  # in the data folder: where its demo last listened


def _demo_port() -> int:
    """The port of the demo whose data this is, so that links a command prints lead there. 0 where none ever ran."""
    kept = DATA_DIR / PORT_FILE
    said = kept.read_text() if kept.exists() else ""
    return int(said) if said.isdecimal() else 0  # a file cut short must stop no command


PORT = env.int("PORT", default=8000)
BIND = env.str("BIND", default="127.0.0.1")
SITE_SCHEME = env.str("SITE_SCHEME", default="http")
SITE_PORT = env.int("SITE_PORT", default=PORT if "PORT" in os.environ else _demo_port() or PORT)
WEB_WORKERS = env.int("WEB_WORKERS", default=2 if REDIS_URL else 1)
WEB_THREADS = env.int("WEB_THREADS", default=8)


def metrics_folder() -> str:
    """Where web processes count together; set by deploy/gunicorn.py, never by people."""
    return str(env.str("PROMETHEUS_MULTIPROC_DIR", default=""))
