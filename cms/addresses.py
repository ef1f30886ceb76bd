"""Where an entry is found: `/blog/<slug>/` for a post, its parents' path and its own slug for a page."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from cms.models import Entry, Publication

BLOG = "/blog/"
DEEPEST = 6


class NoAddress(ValidationError):
    """It has no address then: its parent is not public, it lies too deep, or the site itself uses the name."""


def of(entry: Entry, slug: str, *, at: datetime) -> str:
    """The whole path of an entry that calls itself `slug`, from that moment on. Refuses with `NoAddress`."""
    if entry.kind == Entry.Kind.POST:
        return f"{BLOG}{slug}/"
    path = f"{_above(entry, at=at)}{slug}/"
    if path.count("/") > DEEPEST + 1:
        raise NoAddress(_("Pages lie six deep at most."), code="too_deep")
    if _is_the_sites(path):
        raise NoAddress(_("The site itself uses the address %(path)s."), code="reserved", params={"path": path})
    return path


def _above(entry: Entry, *, at: datetime) -> str:
    if entry.parent is None:
        return "/"
    parent = Publication.objects.live_at(at).filter(entry=entry.parent).first()
    if parent is None:
        raise NoAddress(_("The page above is not public then. Publish it first."), code="parent_not_public")
    return parent.path


def _is_the_sites(path: str) -> bool:
    """Whether an address of the house would answer there."""
    try:
        found = resolve(path)
    except Resolver404:
        return False
    return found.view_name != "cms:page"
