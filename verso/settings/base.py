"""Settings that hold everywhere. `dev`, `test` and `production` differ from here only where they must."""

from datetime import timedelta
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from verso.settings import env
from verso.telemetry import logs

ROOT = env.ROOT
DATA_DIR = env.DATA_DIR
DATA_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = env.SECRET_KEY
DEBUG = False
PRODUCTION = False
ALLOWED_HOSTS = ["*"]  # hosts are decided by governance.middleware from TenantDomain; unknown ones are 404
PLATFORM_HOSTS = env.ALLOWED_HOSTS
TRUSTED_PROXY_COUNT = env.TRUSTED_PROXY_COUNT
# How links in mails begin; the host is the tenant's primary one.
SITE_SCHEME = env.SITE_SCHEME
SITE_PORT = env.SITE_PORT

# --- the house -------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django_prometheus",
    "audit",
    "governance",
    "accounts",
    "scheduling",
    "cms",
    "verso.operations",
    "accounts.admin_config.VersoAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "two_factor",
    "auditlog",
    "allauth",  # forms, pages and codes of sign-up and reset: docs/adr/0023-accounts-by-code.md
    "allauth.account",  # and no other part of it: each would be one more way in
    "axes",
    "csp",
    "django_celery_beat",
    "django_htmx",
    "phonenumber_field",
]

MIDDLEWARE = [
    "verso.headers.SecurityHeadersMiddleware",  # outermost: every answer carries the headers
    "verso.headers.ContentSecurityPolicyMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "verso.operations.middleware.PeerMiddleware",
    "audit.middleware.RequestContext",
    "verso.telemetry.middleware.RequestLogMiddleware",
    "verso.operations.middleware.ProbesMiddleware",  # answers while the database is down, on any host
    "governance.middleware.TenantMiddleware",  # before anything builds an address or serves a file
    "verso.telemetry.middleware.NoteTenantMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "audit.middleware.RefusedActs",  # inside the tenant's middleware, outside sessions, CSRF and the gate
    "accounts.middleware.SessionMiddleware",
    "cms.middleware.LanguageMiddleware",
    "cms.middleware.ErrorPageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.AuthenticationMiddleware",
    "cms.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "allauth.account.middleware.AccountMiddleware",  # its views ask it for the request
    "accounts.middleware.GateMiddleware",
    "accounts.middleware.StepUpMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "verso.urls"
WSGI_APPLICATION = "verso.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
TENANT_MODEL = "accounts.Tenant"
TENANT_DOMAIN_MODEL = "accounts.TenantDomain"
KEY_PROVIDER = env.KEY_PROVIDER
KEY_FILE = env.KEY_FILE
KEY_FILE_MAY_LIE_IN_TREE = True  # production says no
AUDIT_CIPHER = "governance.ciphers.LedgerCipher"
AUDIT_VALUES_PERMISSION = "governance.view_person"
AUDIT_MAC_KEYS = "governance.ciphers.LedgerMacKeys"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cms.context_processors.site",
                "accounts.context_processors.seen_as",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")

# --- rows ------------------------------------------------------------------------------------------------------------
if env.DATABASE_URL:
    DATABASES: dict[str, Any] = {"default": environ.Env.db_url_config(env.DATABASE_URL)}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "verso.sqlite3")}}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE",
        timeout=20,
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    )
else:
    DATABASES["default"]["ENGINE"] = "governance.postgresql"
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("pool", {"min_size": 1, "max_size": 8, "timeout": 10})

if env.MIGRATION_DATABASE_URL:  # the role that owns the tables; `migrate` uses it by itself
    DATABASES["migration"] = environ.Env.db_url_config(env.MIGRATION_DATABASE_URL)
    DATABASES["migration"].update(ENGINE="governance.postgresql", TEST={"MIRROR": "default"})

# --- cache, sessions, queue ------------------------------------------------------------------------------------------
CACHES: dict[str, Any]
if env.REDIS_URL:
    CACHES = {"default": {"BACKEND": "verso.redis_cache.RedisCache", "LOCATION": env.REDIS_URL}}
    SESSION_ENGINE = "accounts.session_store"
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "verso"}}
    SESSION_ENGINE = "accounts.session_table"

CELERY_BROKER_URL = env.CELERY_BROKER_URL or env.REDIS_URL or "filesystem://here"
if CELERY_BROKER_URL.startswith("filesystem://"):
    _queue = DATA_DIR / "queue"
    for _folder in ("messages", "control", "processed"):
        (_queue / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT = "verso.filesystem_broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "processed_folder": str(_queue / "processed"),
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Each entry has a command twin with the same name as its task; see docs/operating/.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "clearsessions": {"task": "accounts.tasks.clearsessions", "schedule": 86_400.0, "options": {"expires": 3600}},
    "deliver_outbox": {"task": "audit.tasks.deliver_outbox", "schedule": 5.0, "options": {"expires": 5}},
    "end_expired_grants": {"task": "accounts.tasks.end_expired_grants", "schedule": 60.0, "options": {"expires": 60}},
    "note_heartbeat": {"task": "verso.operations.tasks.note_heartbeat", "schedule": 30.0, "options": {"expires": 30}},
    "sum_up_refusals": {"task": "audit.tasks.sum_up_refusals", "schedule": 60.0, "options": {"expires": 60}},
    "sweep_sessions": {"task": "accounts.tasks.sweep_sessions", "schedule": 3600.0, "options": {"expires": 3600}},
    "release_holds": {"task": "scheduling.tasks.release_holds", "schedule": 60.0, "options": {"expires": 60}},
}

# --- what happened ---------------------------------------------------------------------------------------------------
AUDITLOG_LOGENTRY_MODEL = "audit.LogEntry"
AUDITLOG_CID_GETTER = "audit.context.current_request_id"
AUDITLOG_MASK_CALLABLE = "audit.models.log_entry.mask"
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_USE_BASE_MANAGER = True
MIGRATION_MODULES = {"auditlog": None}  # its own table is swapped for ours; its migrations would make it all the same

# --- words and time --------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [ROOT / "locale"]
FORMAT_MODULE_PATH = ["verso.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- files -----------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [ROOT / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
_local = env.STORAGE_URL.removeprefix("file://")
MEDIA_ROOT = _local or MEDIA_ROOT
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "private": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "private"), "base_url": None},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
if env.S3_BUCKET_PUBLIC:
    _s3 = {
        "endpoint_url": env.S3_ENDPOINT_URL or None,
        "region_name": env.S3_REGION or None,
        "access_key": env.S3_ACCESS_KEY_ID or None,
        "secret_key": env.S3_SECRET_ACCESS_KEY or None,
        "signature_version": "s3v4",
        "addressing_style": "path" if env.S3_ENDPOINT_URL else "auto",
        "file_overwrite": False,
    }
    for _alias, _bucket in (("default", env.S3_BUCKET_PUBLIC), ("private", env.S3_BUCKET_PRIVATE)):
        STORAGES[_alias] = {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {**_s3, "bucket_name": _bucket, "querystring_auth": _alias == "private"},
        }

# --- mail ------------------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.DEFAULT_FROM_EMAIL
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 10
if env.EMAIL_URL:
    vars().update(environ.Env.email_url_config(env.EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")

# --- logs and numbers ------------------------------------------------------------------------------------------------
LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logs.configuration(env.LOG_LEVEL, env.LOG_FORMAT)
METRICS_TOKEN = env.METRICS_TOKEN
METRICS_FROM_LOOPBACK = False
PROMETHEUS_EXPORT_MIGRATIONS = False

# --- sign-in ---------------------------------------------------------------------------------------------------------
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/admin/"
LOGOUT_REDIRECT_URL = "/"
TWO_FACTOR_PATCH_ADMIN = False  # accounts.admin_site has the one way in
TWO_FACTOR_LOGIN_TIMEOUT = 600
TWO_FACTOR_QR_FACTORY = "qrcode.image.svg.SvgPathFillImage"  # white ground, so that it scans in the dark look
# The plugin's ceremony, without its pages and table. The relying party is the request's host: see security_keys.py.
TWO_FACTOR_WEBAUTHN_RP_NAME = "Verso"
TWO_FACTOR_WEBAUTHN_UV_REQUIREMENT = "required"
TWO_FACTOR_WEBAUTHN_ATTESTATION_CONVEYANCE = "none"
TWO_FACTOR_WEBAUTHN_AUTHENTICATOR_ATTACHMENT = None
TWO_FACTOR_WEBAUTHN_PREFERRED_TRANSPORTS = None
TWO_FACTOR_WEBAUTHN_PEM_ROOT_CERTS_BYTES_BY_FMT = None
# allauth: what it may do is in accounts/adapter.py, its addresses are listed by hand, its limits are ours.
ACCOUNT_ADAPTER = "accounts.adapter.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = False
HIBP_URL = env.HIBP_URL
AXES_HANDLER = "accounts.guesses.ReservingHandler"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "accounts.guesses.attempted_email"
AXES_CLIENT_IP_CALLABLE = "accounts.throttling.client_ip"
AXES_LOCKOUT_CALLABLE = "accounts.guesses.lockout_response"
AXES_VERBOSE = False
RATELIMIT_IP_META_KEY = "accounts.throttling.client_ip"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.LockoutBackend",
    "accounts.backends.PasswordBackend",
    "accounts.backends.TenantPermissionBackend",
]
PASSWORD_HASHERS = ["accounts.hashers.Argon2id"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.password_rules.LengthByFactor"},
    {"NAME": "accounts.password_rules.NotOfThisPlace"},
    {"NAME": "accounts.password_rules.NotCommon"},
    {"NAME": "accounts.password_rules.NotEarlier"},
    {"NAME": "accounts.password_rules.NotBreached"},
]
SESSION_COOKIE_NAME = "session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())
# Lax: a mailed link must find the token of forms open in other tabs, or it would replace it and they could not be sent.
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
DEVICE_COOKIE_NAME = "device"
DEVICE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
DEVICE_COOKIE_SAMESITE = "Lax"  # it proves nothing by itself, and is wanted when a provider sends somebody back
CSRF_FAILURE_VIEW = "cms.views.errors.csrf_failure"
# A sign-in at a provider comes back from another site, where a Strict cookie does not: this Lax one lives ten minutes.
FLOW_COOKIE_NAME = "flow"
# Identity providers on this very machine, over http too: for tests and demonstrations.
SSO_ALLOW_LOOPBACK = env.SSO_ALLOW_LOOPBACK
RATE_LIMITS = env.RATE_LIMITS
RATELIMIT_ENABLE = RATE_LIMITS

# --- headers ---------------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", *([env.S3_ENDPOINT_URL] if env.S3_ENDPOINT_URL else [])],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
