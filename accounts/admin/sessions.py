"""Sessions of this tenant's members: to read, and to end."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import browsers, sessions
from accounts.admin.refusals import each
from accounts.models import AuthSession
from accounts.views.sessions import proven_by
from governance.admin import TenantAdmin

MAY_END = "accounts.end_sessions"


class StateFilter(admin.SimpleListFilter):
    """Open sessions, unless somebody asks for others."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("over", _("over")), ("all", _("all"))]

    def choices(self, changelist: Any) -> Any:
        """The first choice is what is shown without one."""
        first, *others = super().choices(changelist)
        yield first | {"display": _("open")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuthSession]) -> QuerySet[AuthSession]:
        live = sessions.live(at=timezone.now()).values("pk")
        if self.value() == "all":
            return queryset
        return queryset.exclude(pk__in=live) if self.value() == "over" else queryset.filter(pk__in=live)


@admin.register(AuthSession)
class SessionAdmin(TenantAdmin):
    """Who is signed in, from where; ended by action."""

    list_display = ["user", "browser", "ip", "proven", "seen_at"]
    list_filter = [StateFilter, "level", "is_remembered"]
    list_select_related = ["user"]
    search_fields = ["user__email_key", "user__display_name"]
    date_hierarchy = "started_at"
    actions = ["end"]
    fields = readonly_fields = (
        "user",
        "browser",
        "ip",
        "proven",
        "level",
        "is_remembered",
        "idp",
        "started_at",
        "seen_at",
        "verified_at",
        "expires_at",
        "ended_at",
        "ended_why",
    )

    @admin.display(description=_("browser"))
    def browser(self, session: AuthSession) -> str:
        """In words."""
        return browsers.in_words(session.user_agent)

    @admin.display(description=_("proven by"))
    def proven(self, session: AuthSession) -> str:
        """In words."""
        return proven_by(session)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Why they ended, where such sessions are listed."""
        ended = ["ended_why"] if request.GET.get("state") else []
        return [*super().get_list_display(request), *ended]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Digests of keys and a provider's names for people answer no questions."""
        return lookup.split("__")[0] in {"level", "is_remembered", "started_at", "state", "q"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Sessions begin by signing in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Evidence: nobody edits it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ended ones stay to be looked at, and go by themselves."""
        return False

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whether the action is offered."""
        return request.user.has_perm(MAY_END)

    @admin.action(description=_("End these sessions"), permissions=["end"])
    def end(self, request: HttpRequest, rows: QuerySet[AuthSession]) -> None:
        """At their next request; refused for people who stand higher."""
        now, own = timezone.now(), getattr(request, "auth_session", None)
        chosen = rows.select_related("user").exclude(pk__in=[own.pk] if own else [])  # one's own ends by signing out
        each(request, chosen, lambda row: sessions.end(row, by=request.user, at=now, why="ended by staff"))  # type: ignore
