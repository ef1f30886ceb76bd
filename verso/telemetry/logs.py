"""Logs, one line per event, as JSON or for a console, through structlog for Django, gunicorn and Celery alike.

Every line says who acts where (request id, trace id, tenant, actor) in random ids. No line carries a body, a query
string, a path with a token, an address, an e-mail, or the message of an exception that may quote what somebody typed.
"""

import logging
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from audit import context
from verso.telemetry import masking

# Loggers whose finer levels quote rows, credentials or sign-in names; LOG_LEVEL cannot open them.
MUTED = {
    "django.db.backends": "WARNING",
    "django.server": "WARNING",
    "django.template": "INFO",
    "asyncio": "WARNING",
    "amqp": "WARNING",
    "axes": "CRITICAL",
    "djangosaml2": "CRITICAL",
    "saml2": "CRITICAL",
    "boto3": "WARNING",
    "botocore": "WARNING",
    "faker": "WARNING",
    "kombu": "WARNING",
    "PIL": "WARNING",
    "psycopg": "WARNING",
    "psycopg.pool": "CRITICAL",
    "s3transfer": "WARNING",
    "urllib3": "WARNING",
    "xmlschema": "CRITICAL",
}


def configuration(level: str, style: str) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: one handler, one formatter, for every library."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # a line nobody will read is not written
            *_always(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _always(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _without_leftovers,
                    masking.mask_event,
                    structlog.processors.EventRenamer("event"),
                    last,
                ],
            }
        },
        "filters": {"quiet": {"()": QuotesNothing}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "lines", "filters": ["quiet"]},
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            **{name: {"level": at_least, "handlers": [], "propagate": True} for name, at_least in MUTED.items()},
            "django": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }


def _always() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_frame,
        add_failure,
    ]


def add_frame(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Who acts, in which tenant, for which request: random ids only."""
    frame = context.current()
    known = {
        "request_id": frame.request_id,
        "trace_id": frame.trace_id,
        "tenant": frame.tenant_id,
        "door": frame.door if frame.request_id else "",
    }
    for key, value in known.items():
        if value:
            event.setdefault(key, value)
    return event


def add_failure(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What went wrong: the class of the exception and where, but only harmless messages."""
    failure = event.pop("exc_info", None)
    record = event.get("_record")
    if not failure and isinstance(record, logging.LogRecord):
        failure = record.exc_info
    if failure is True or (isinstance(failure, tuple) and failure[0] is None):
        failure = None
    error = failure[1] if isinstance(failure, tuple) else failure
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def describe(error: BaseException) -> str:
    """The chain of exceptions with the lines they passed; values they quote stay out."""
    told: list[str] = []
    link: BaseException | None = error
    while link is not None and len(told) < 10:
        frames = "".join(traceback.format_tb(link.__traceback__)).rstrip()
        told.append(
            f"{frames}\n{type(link).__module__}.{type(link).__qualname__}{masking.message_of(link)}".lstrip("\n")
        )
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n-- caused by --\n".join(told)


def _without_leftovers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in ("stack_info", "exc_text", "_record", "_from_structlog"):
        event.pop(key, None)
    return event


class QuotesNothing(logging.Filter):
    """Rewrites the few library lines that quote a path, a host or an argument, before they become text."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if record.name.startswith("django.request") and record.levelno < logging.ERROR:
            return False  # the request log already says status and route
        if record.name.startswith(("django.request", "django.security")):
            record.msg, record.args = f"{record.levelname.lower()} in {masking.route_of(request)}", ()
        elif record.name == "celery.app.trace" and (record.exc_info or isinstance(getattr(record, "data", None), dict)):
            told = getattr(record, "data", {})
            record.msg = f"task {told.get('name')} {told.get('id')} {told.get('description') or 'done'}"
            record.args = ()
        elif record.name == "gunicorn.error" and record.levelno >= logging.WARNING and record.args:
            record.msg, record.args = str(record.msg).split("%")[0].rstrip(" :(="), ()
        return True
