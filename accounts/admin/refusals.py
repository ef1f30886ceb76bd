"""How the admin tells that a verb refused."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import ngettext

Act = Callable[[Any], object]


class RefusalsShown(ModelAdmin):
    """A refusal of a verb called from `save_model` is a message, not an error. Forms ask the policy beforehand."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Django's, with refusals shown on the form's page."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
            return HttpResponseRedirect(request.get_full_path())


def each(request: HttpRequest, rows: QuerySet[Any], act: Act) -> None:
    """Call a verb for each chosen row; say how many it did, and which it refused and why."""
    done = 0
    for row in rows:
        try:
            act(row)
            done += 1
        except ValidationError as refusal:
            messages.error(request, f"{row}: {' '.join(refusal.messages)}")
    if done:
        messages.success(request, ngettext("%(n)d done.", "%(n)d done.", done) % {"n": done})
