"""A browser in words people know it by: "Firefox on Linux". A guess from what it says of itself, never evidence."""

import re

from django.utils.translation import gettext as _

# The first that fits counts: Edge and Opera also call themselves Chrome, Chrome also calls itself Safari.
_BROWSERS = {
    "Edge": r"Edg(e|A|iOS)?/",
    "Opera": r"OPR/|Opera",
    "Samsung Internet": r"SamsungBrowser/",
    "Firefox": r"Firefox/|FxiOS/",
    "Chrome": r"Chrome/|CriOS/|Chromium/",
    "Safari": r"Version/[\d.]+.*Safari/",
}
_SYSTEMS = {
    "Android": r"Android",
    "iPhone": r"iPhone",
    "iPad": r"iPad",
    "Windows": r"Windows",
    "macOS": r"Macintosh|Mac OS X",
    "ChromeOS": r"CrOS",
    "Linux": r"Linux|X11",
}


def _first(names: dict[str, str], agent: str) -> str:
    return next((name for name, pattern in names.items() if re.search(pattern, agent)), "")


def in_words(agent: str) -> str:
    """What a User-Agent header tells, in the active language."""
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    if system:
        return _("A browser on %(system)s") % {"system": system}
    return browser or _("An unknown browser")
