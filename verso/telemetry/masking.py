"""What must not reach a log, and how it is masked: the last net under lines that should not quote it anyway."""

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.urls import NoReverseMatch
from structlog.typing import EventDict, WrappedLogger

# Exceptions whose message names code, not what somebody typed. All others are shown by class alone.
HARMLESS = (
    AttributeError,
    ImportError,
    ImproperlyConfigured,
    InterfaceError,
    NameError,
    NoReverseMatch,
    NotImplementedError,
    TemplateDoesNotExist,
    TemplateSyntaxError,
)

OURS = frozenset({"timestamp", "level", "logger", "request_id", "trace_id", "tenant", "actor", "door", "route"})
EMAIL = re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:=]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(?<![\w.:-])\+?\d[\d\s().-]{7,}\d(?![\w.:-])")
QUERY = re.compile(r"(?<=[\w/.-])\?[\w.%~-]+=[^\s\"']*")
CREDENTIAL = re.compile(r"(?i)(://)[^/\s:@]*:[^/\s@]+@")
NAMED_SECRET = re.compile(
    r"(?i)\b(password|passwd|secret|token|authorization|cookie|api[_-]?key|sessionid|csrf\w*)(\"?'?\s*[=:]\s*)\S+"
)
WORD = re.compile(r"[A-Za-z0-9_-]{20,}")
UUID = re.compile(r"(?i)[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")


def mask(text: str) -> str:
    """The text without e-mails, phone numbers, query strings, credentials and random tokens."""
    text = CREDENTIAL.sub(r"\1[credentials]@", text)
    text = NAMED_SECRET.sub(r"\1\2[secret]", text)
    text = EMAIL.sub("[e-mail]", text)
    text = QUERY.sub("?[query]", text)
    text = PHONE.sub("[number]", text)
    return WORD.sub(_token, text)


def _token(found: re.Match[str]) -> str:
    word = found.group()
    if UUID.fullmatch(word):
        return word
    letters = [sign for sign in word if sign.isalpha()]
    shouted = sum(sign.isupper() for sign in letters) / max(1, len(letters))
    random = any(sign.isdigit() for sign in word) or (shouted >= 0.25 and not word.isupper())
    return "[token]" if random else word


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every text of a line except our own random ids; the frames of an exception are code, its message is not."""
    return {key: value if key in OURS or key == "exception" else _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): _masked(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(each) for each in value]
    return mask(str(value))


def message_of(error: BaseException) -> str:
    """`: the message`, masked, of an exception that only names code; else nothing."""
    return f": {mask(str(error))}" if isinstance(error, HARMLESS) else ""


def route_of(request: Any) -> str:
    """The address as written in `urls.py`, so that tokens and names in a path stay out; `-` where none matched."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match is not None else "-"
