"""What a host, a time zone, a language, a logo, a phone number and a line of text must look like."""

import ipaddress
import re
import unicodedata
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from PIL import Image, UnidentifiedImageError

_LABEL = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)$")
LOGO_FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
LOGO_MAX_BYTES = 512 * 1024
LOGO_MAX_PIXELS = 2000
_CONTROL = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}

phone_number = RegexValidator(
    r"^\+?[0-9 ()./\-]{5,32}\Z", _("Write the phone number with digits, for example +34 600 000 000.")
)


def no_control_characters(value: str) -> None:
    """Refuses line breaks, other control characters and signs that turn the reading direction in a one-line value."""
    if any(unicodedata.category(sign) in _CONTROL or unicodedata.bidirectional(sign) in _TURNING for sign in value):
        raise ValidationError(_("Line breaks and control characters do not belong here."), "control")


def exact_host(host: str) -> None:
    """A host name or address as browsers send it (RFC 1123): lower case, ASCII (IDNA), no port, no wildcard."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        if len(host) > 253 or not all(_LABEL.match(label) for label in labels):
            raise ValidationError(
                _("Write the host as browsers send it, for example salon.example.org: lower case, no port, no path."),
                code="host",
            ) from None


def one_line(value: str) -> None:
    """Refuses line breaks and control characters: names and subjects stand in the head of mails."""
    if any(unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} for sign in value):
        raise ValidationError(_("Line breaks and control characters do not belong here."), code="control")


def time_zone(name: str) -> None:
    """An IANA time zone name."""
    if name not in available_timezones():
        raise ValidationError(_("Unknown time zone. Write it as Area/City, for example Europe/Madrid."), code="zone")


def language(tag: str) -> None:
    """One of the languages Verso speaks."""
    if tag not in dict(settings.LANGUAGES):
        raise ValidationError(_("Verso does not speak this language yet."), code="language")


def logo(upload: Any) -> None:
    """A small raster image, judged by its bytes and never by its name: PNG, JPEG or WebP. SVG can carry scripts."""
    if upload.size > LOGO_MAX_BYTES:
        raise ValidationError(_("The logo may be at most 512 KB."), code="size")
    try:
        upload.seek(0)
        with Image.open(upload, formats=list(LOGO_FORMATS)) as image:
            too_large = max(image.size) > LOGO_MAX_PIXELS
            if not too_large:
                image.verify()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as unreadable:
        raise ValidationError(_("The logo must be a PNG, JPEG or WebP image."), code="format") from unreadable
    finally:
        upload.seek(0)
    if too_large:
        raise ValidationError(_("The logo may be at most 2000 pixels wide and high."), code="pixels")
