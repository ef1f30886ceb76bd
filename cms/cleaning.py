"""One sanitiser for every text somebody writes: the same at save and at rendering, whoever wrote it, by whichever door.

nh3 parses as browsers do and writes anew what is allowed; an attribute filter looks at every address. `VERSION` counts
up when the rules change, so that what was rendered by older rules can be found and rendered anew.
"""

import re
from html import unescape
from uuid import UUID

import nh3

VERSION = 1

TAGS = {
    "p", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "br", "strong", "em", "s", "sub", "sup",
    "a", "img", "figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # nh3 would let title and lang stand anywhere
    "a": {"href", "title"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "code": {"class"},
}
SCHEMES = {"http", "https", "mailto", "tel", "asset"}
GONE_WITH_CONTENT = {"script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math", "title"}

_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")
_NUMBER = re.compile(r"\A[1-9][0-9]{0,3}\Z")
_LANGUAGE = re.compile(r"\Alanguage-[a-z0-9+#-]{1,20}\Z")
_ASSET = "asset:"


def clean_body(html: str) -> str:
    """The text with nothing in it but what this house allows. Cleaning twice changes nothing."""
    return _cleaner.clean(html)


def words_of(html: str) -> str:
    """The text without any markup."""
    return " ".join(unescape(nh3.clean(html.replace("<", " <"), tags=set())).split())


def asset_of(src: str) -> UUID | None:
    """Which media asset an image's source names; None for anything else."""
    if not src.startswith(_ASSET):
        return None
    try:
        return UUID(src.removeprefix(_ASSET))
    except ValueError:
        return None


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value, if it may stay."""
    if tag == "a" and name == "href":
        return value if _is_address(value) else None
    if tag == "img" and name == "src":
        found = asset_of(value)
        return f"{_ASSET}{found}" if found else None
    if name in ("colspan", "rowspan", "start"):
        return value if _NUMBER.match(value) else None
    if name == "scope":
        return value if value in ("row", "col") else None
    if tag == "code" and name == "class":
        return value if _LANGUAGE.match(value) else None
    return value


def _is_address(value: str) -> bool:
    """Whether a link may lead there: this site, or elsewhere by a scheme of ours; never to a host without a scheme."""
    if _CONTROL.search(value) or "\\" in value or value.startswith("//"):
        return False
    scheme, colon, rest = value.partition(":")
    if not colon or any(sign in scheme for sign in "/?#"):
        return True  # a path, a query or a place on this page
    if scheme.lower() in ("http", "https"):
        return rest.startswith("//") and not rest.startswith("///") and len(rest) > 2
    return scheme.lower() in ("mailto", "tel")


_cleaner = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=GONE_WITH_CONTENT,
    attributes=ATTRIBUTES,
    attribute_filter=_attribute,
    url_schemes=SCHEMES,
    strip_comments=True,
    link_rel="noopener noreferrer",
)
