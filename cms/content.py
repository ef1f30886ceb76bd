"""What a revision holds: words by name, tidied in one place, and the digest that stands for them."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import rfc8785
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from cms import cleaning

LONGEST = {"title": 200, "slug": 100, "summary": 500, "body": 400_000, "seo_title": 120, "seo_description": 320}
NAMES = tuple(LONGEST)


class NotContent(ValidationError):
    """What was written cannot be kept: one sentence per field."""


def tidied(written: Mapping[str, Any]) -> dict[str, Any]:
    """Content as it is kept: every field, trimmed, the body cleaned. Refuses with `NotContent`.

    The slug is made from the title when it is left empty; a page that is the site's home has none and says "/".
    """
    unknown = set(written) - set(NAMES)
    if unknown:
        raise ValueError(f"content has no {', '.join(sorted(unknown))}")
    said = {name: str(written.get(name) or "").replace("\0", "").strip() for name in NAMES}
    said["slug"] = slugify(said["slug"] or said["title"])[: LONGEST["slug"]].strip("-")
    wrong = {name: _too_long(name) for name in NAMES if len(said[name]) > LONGEST[name]}
    if not said["title"]:
        wrong["title"] = _("Give it a title.")
    elif not said["slug"]:
        wrong["slug"] = _("Say what its address shall be: letters and digits.")
    if wrong:
        raise NotContent(wrong)
    said["body"] = cleaning.clean_body(said["body"])
    return said | {"cleaned_by": cleaning.VERSION}


def _too_long(name: str) -> Any:
    return _("This is longer than %(most)s characters.") % {"most": LONGEST[name]}


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785), in hex."""
    return sha256(rfc8785.dumps(dict(content))).hexdigest()
