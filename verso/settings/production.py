"""Production: TLS, hardened cookies, JSON logs; `verso.operations.safety` stops unsafe combinations."""

from verso.settings.base import *  # noqa: F403
from verso.settings.base import TRUSTED_PROXY_COUNT, env

PRODUCTION = True
DEBUG = env.DEBUG  # refused when on

SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
DEVICE_COOKIE_NAME = "__Host-device"
FLOW_COOKIE_NAME = "__Host-flow"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_NAME = "__Host-csrftoken"
SITE_SCHEME = "https"
SITE_PORT = 443
KEY_FILE_MAY_LIE_IN_TREE = False
