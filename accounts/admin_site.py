"""The back office: one admin site behind the gate, in the tenant's name, opening on a dashboard of cards.

An app adds a card from its `admin.py`:

    @dashboard_card("today", order=10, permission="scheduling.view_appointment", template="admin/cards/today.html")
    def today(request): return {"appointments": …}
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import break_glass, gate, permissions, policies, signin
from governance import tenancy

DAILY_ORDER = {label: place for place, label in enumerate(("scheduling", "cms", "governance", "accounts", "audit"))}
CardContext = Callable[[HttpRequest], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Card:
    """One part of the dashboard: shown to those who hold `permission`, in `order`."""

    name: str
    order: int
    permission: str
    template: str
    context: CardContext

    def html(self, request: HttpRequest) -> SafeString:
        """The card drawn for this request."""
        return render_to_string(self.template, self.context(request), request=request)


_cards: dict[str, Card] = {}


def dashboard_card(name: str, *, order: int, permission: str, template: str) -> Callable[[CardContext], CardContext]:
    """Register what fills a card; the function returns the template's context."""

    def register(context: CardContext) -> CardContext:
        _cards[name] = Card(name, order, permission, template, context)
        return context

    return register


def cards_for(user: policies.Visitor) -> list[Card]:
    """The cards this person may see, in order."""
    return sorted((c for c in _cards.values() if user.has_perm(c.permission)), key=lambda card: (card.order, card.name))


def _may_be_id(model: type[models.Model], words: str) -> bool:
    try:
        model._meta.pk.clean(words, None)
    except ValidationError:
        return False
    return True


class VersoAdminSite(admin.AdminSite):
    """Only models of the house and the beat's timetable are ever shown here: what packages register is left out.

    Device seeds, sessions, access logs, groups and whatever a later package brings stay out by default, since the
    admin's own lookups (`?key__startswith=`) would answer questions about every column.
    """

    index_template = "admin/dashboard.html"
    enable_nav_sidebar = True
    apps_shown = frozenset({*permissions.HOUSE_APPS, "django_celery_beat"})

    def register(
        self, model_or_iterable: type[models.Model] | Iterable[type[models.Model]], *args: Any, **options: Any
    ) -> None:
        """Registers models of the apps shown; others are passed over in silence, as their packages register them."""
        given = [model_or_iterable] if isinstance(model_or_iterable, type) else list(model_or_iterable)
        shown = [model for model in given if model._meta.app_label in self.apps_shown]
        if shown:
            super().register(shown, *args, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """The gate's verdict, once more."""
        return policies.may_enter_admin(request.user)

    def get_urls(self) -> list[Any]:
        """Django's, without its redirect by content type and id: nothing here needs it, and it breaks on odd ids."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's; an empty `_to_field` and chosen rows that can be none, on which its pages break, are left out."""
        guarded = super().admin_view(view, cacheable)
        model = getattr(getattr(view, "__self__", None), "model", None)

        @wraps(guarded)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            for name in ("GET", "POST"):
                sent = getattr(request, name)
                if sent.get(TO_FIELD_VAR) == "":
                    kept = sent.copy()
                    del kept[TO_FIELD_VAR]
                    setattr(request, name, kept)
            if model is not None and ACTION_CHECKBOX_NAME in request.POST:
                chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
                kept = request.POST.copy()
                kept.setlist(ACTION_CHECKBOX_NAME, [row for row in chosen if _may_be_id(model, row)])
                request.POST = kept  # type: ignore[assignment]
            return guarded(request, *args, **kwargs)

        return answer

    @gate.public
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way in: on to it, keeping a safe `next`."""
        wanted = request.GET.get("next", "")
        safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        query = urlencode({"next": wanted if safe else reverse("admin:index")})
        return HttpResponseRedirect(f"{reverse('accounts:login')}?{query}")

    @gate.entrance
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign out, by POST only."""
        if request.method == "POST":
            signin.leave(request)  # type: ignore[arg-type]
            return HttpResponseRedirect("/")
        return HttpResponseRedirect(reverse("admin:index"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The page of the house."""
        return HttpResponseRedirect(reverse("accounts:password"))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """In the order of a working day: apps as in DAILY_ORDER, models by their admin's `menu_order`, then by name."""
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["models"].sort(key=lambda entry: (self._place(entry["model"]), entry["name"]))
        return sorted(apps, key=lambda app: DAILY_ORDER.get(app["app_label"], len(DAILY_ORDER)))

    def _place(self, model: type[models.Model]) -> int:
        return int(getattr(self._registry[model], "menu_order", 50))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Django's, in the tenant's name."""
        name = tenancy.current().name
        broken = SimpleLazyObject(lambda: list(break_glass.in_force(at=timezone.now())))
        words = {"site_header": name, "site_title": name, "index_title": _("Today"), "broken_glass": broken}
        return super().each_context(request) | words

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The first page: `cards` are (name, html) pairs, drawn for this person."""
        cards = [{"name": card.name, "html": card.html(request)} for card in cards_for(request.user)]
        return super().index(request, {"cards": cards, "title": _("Today")} | (extra_context or {}))
