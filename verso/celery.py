"""The Celery application; every app's `tasks.py` hangs here."""

import logging.config
import os
import sys
from typing import Any

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verso.settings.dev")

app = Celery("verso")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect(dispatch_uid="verso.logs")
def _log_as_the_house_does(**_kwargs: Any) -> None:
    from django.conf import settings  # noqa: PLC0415 - settings are not read before Celery asks

    logging.config.dictConfig(settings.LOGGING)


@signals.worker_process_init.connect(dispatch_uid="verso.lifeline")
def _die_with_the_worker(**_kwargs: Any) -> None:
    from verso.operations.lifeline import die_with_parent  # noqa: PLC0415 - only a forked worker needs it

    die_with_parent(os.getppid())


@signals.celeryd_init.connect(dispatch_uid="verso.safety")
@signals.beat_init.connect(dispatch_uid="verso.safety")
def _refuse_unsafe_production(**_kwargs: Any) -> None:
    from verso.operations import safety  # noqa: PLC0415 - apps are ready only now

    try:
        safety.refuse_unsafe()
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))  # Celery swallows what its signals raise, but not an exit
