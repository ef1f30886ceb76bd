"""The blog, its posts, and pages: whatever is public now, at its own address."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.http import require_safe

from accounts import gate
from cms import reading
from cms.context_processors import site_of
from cms.models import Entry, Publication

TEMPLATES = {Entry.Kind.POST: "cms/post.html", Entry.Kind.PAGE: "cms/page.html"}


@gate.public
@require_safe
def blog(request: HttpRequest) -> HttpResponse:
    """The posts of the reader's language, newest first; the tenant's own language where there are none."""
    language, after = translation.get_language() or "", request.GET.get("after", "")
    own = site_of(request).tenant.locale
    try:
        found = reading.posts(locale=language, after=after)
        if not found.rows and not after and own != language:
            found = reading.posts(locale=own)
    except reading.NoCursor as wrong:
        raise Http404 from wrong
    return render(request, "cms/blog.html", {"posts": found.rows, "after": found.after, "is_first": not after})


@gate.public
@require_safe
def post(request: HttpRequest, slug: str) -> HttpResponse:
    """One post."""
    return _at(request)


@gate.public
@require_safe
def page(request: HttpRequest, path: str) -> HttpResponse:
    """One page, however deep."""
    return _at(request)


def _at(request: HttpRequest) -> HttpResponse:
    """What is at this very path: the text, the way to where it is now, or that it is gone."""
    languages = [translation.get_language() or "", site_of(request).tenant.locale]
    found = reading.at(request.path_info, languages=languages)
    if isinstance(found, Publication):
        return render(request, TEMPLATES[Entry.Kind(found.kind)], {"publication": found})
    if isinstance(found, reading.Moved):
        return HttpResponsePermanentRedirect(found.to)
    if isinstance(found, reading.Gone):
        return render(request, "cms/gone.html", status=410)
    raise Http404
