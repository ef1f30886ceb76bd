"""What only PostgreSQL has is told on PostgreSQL only; there is nothing to skip elsewhere."""

from django.conf import settings

collect_ignore_glob = [] if "postgresql" in settings.DATABASES["default"]["ENGINE"] else ["test_postgresql_*.py"]
