"""Verso: the roof. Composes the five apps; decides nothing."""

from verso.celery import app as celery_app

__all__ = ["celery_app"]
