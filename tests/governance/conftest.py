"""Which of governance's stories are told on this database."""

from django.conf import settings

# What only PostgreSQL has is told on PostgreSQL only; there is nothing to skip elsewhere.
collect_ignore_glob = [] if "postgresql" in settings.DATABASES["default"]["ENGINE"] else ["test_postgresql_*.py"]
