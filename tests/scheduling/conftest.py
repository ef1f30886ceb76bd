"""What only PostgreSQL has is told on PostgreSQL only; there is nothing to skip elsewhere."""

from django.conf import settings

from tests.governance.conftest import as_web as as_web
from tests.governance.conftest import web_login as web_login

collect_ignore_glob = [] if "postgresql" in settings.DATABASES["default"]["ENGINE"] else ["test_postgresql_*.py"]
