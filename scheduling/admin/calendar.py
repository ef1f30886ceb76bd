"""The day and the week at a glance: who is booked, when, as tables that read and print without a mouse."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from governance import tenancy
from governance.admin import personal
from scheduling import weeks, zones
from scheduling.forms import CalendarQuery
from scheduling.models import Allocation, Appointment, Bookable
from scheduling.walltime import local_date

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

STEP = 30
USUAL_HOURS = (9 * 60, 17 * 60)


@dataclass(frozen=True, slots=True)
class Entry:
    """One appointment of one bookable, as a cell shows it; minutes are local, on the day of the column."""

    pk: UUID
    start: int
    end: int
    span: str
    service: str
    customer: str
    status: str
    label: str


@dataclass(slots=True)
class Cell:
    """A stretch of the day grid: free, or taken by the entries in it."""

    rows: int = 1
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the day grid; `cells` leaves out what a cell above still covers."""

    label: str
    cells: list[Cell]


def page(model_admin: Any) -> "Callable[[HttpRequest], HttpResponse]":
    """The admin's calendar view."""

    def calendar(request: "HttpRequest") -> "HttpResponse":
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        return _answer(model_admin, request, at=timezone.now())

    return calendar


def _answer(model_admin: Any, request: "HttpRequest", *, at: datetime) -> "HttpResponse":
    zone = tenancy.current().time_zone
    everybody = list(Bookable.objects.order_by("kind", "order", "name"))
    query = CalendarQuery(request.GET, bookables=everybody)
    query.is_valid()
    today = local_date(at, zone)
    on, is_week = query.cleaned_data.get("on") or today, query.cleaned_data.get("view") == "week"
    first = on - timedelta(days=on.weekday()) if is_week else on
    days = [first + timedelta(days=ahead) for ahead in range(7 if is_week else 1)]
    who = query.cleaned_data.get("who")
    columns = [row for row in everybody if row.pk == who] if who else [row for row in everybody if row.is_active]
    entries = _entries(columns, days, zone, by=request.user, at=at)
    context = model_admin.admin_site.each_context(request) | {
        "title": zones.day_title(on) if not is_week else _("Week of %(day)s") % {"day": zones.day_title(first)},
        "opts": model_admin.model._meta,
        "query": query,
        "is_week": is_week,
        "on": on,
        "zone": zone,
        "who": who,
        "everybody": everybody,
        "columns": columns,
        "rows": [] if is_week else _grid([entries[column.pk, first] for column in columns]),
        "week": _week(columns, days, entries) if is_week else [],
        "days": [(day, zones.short_day(day), day == today) for day in days],
        "links": _links(on, today, is_week, who),
        "may_book": model_admin.has_manage_permission(request),
    }
    status = 400 if query.errors else 200
    return TemplateResponse(request, "admin/scheduling/appointment/calendar.html", context, status=status)


def _links(on: date, today: date, is_week: bool, who: UUID | None) -> dict[str, str]:
    step = timedelta(days=7 if is_week else 1)

    def to(day: date, view: str) -> str:
        return "?" + urlencode({"view": view, "on": day.isoformat()} | ({"who": who} if who else {}))

    here = "week" if is_week else "day"
    return {
        "previous": to(on - step, here),
        "today": to(today, here),
        "next": to(on + step, here),
        "day": to(on, "day"),
        "week": to(on, "week"),
    }


def _entries(
    columns: Iterable[Bookable], days: list[date], zone: str, *, by: Any, at: datetime
) -> dict[tuple[UUID, date], list[Entry]]:
    """Every live allocation, by bookable and local day. One query."""
    lo, hi = weeks.bounds(days[0], len(days), zone)
    rows = Allocation.objects.busy(at=at).filter(bookable__in=[column.pk for column in columns])
    rows = rows.filter(
        appointment__starts_at__lt=hi, appointment__ends_at__gt=lo, blocked_start__gte=lo - timedelta(days=8)
    )
    rows = rows.filter(Q(blocked_start__lt=hi)).order_by("appointment__starts_at")
    found: dict[tuple[UUID, date], list[Entry]] = defaultdict(list)
    for row in rows.select_related("appointment__service", "appointment__customer"):
        for day in days:
            entry = _entry(row.appointment, day, zone, by=by)
            if entry is not None:
                found[row.bookable_id, day].append(entry)
    return found


def _entry(appointment: Appointment, day: date, zone: str, *, by: Any) -> Entry | None:
    """The appointment's part on one local day as this person may see it, or nothing."""
    lo, hi = weeks.bounds(day, 1, zone)
    if appointment.ends_at <= lo or appointment.starts_at >= hi:
        return None
    begins, ends = zones.wall(appointment.starts_at, zone), zones.wall(appointment.ends_at, zone)
    start = begins.hour * 60 + begins.minute if begins.date() == day else 0
    end = ends.hour * 60 + ends.minute if ends.date() == day else 24 * 60
    return Entry(
        pk=appointment.pk,
        start=start,
        end=max(end, start + 1),
        span=f"{begins:%H:%M}–{ends:%H:%M}",
        service=appointment.service.name,
        customer=personal(appointment.customer, "name", by=by),
        status=appointment.status,
        label=appointment.get_status_display(),
    )


def _grid(columns: list[list[Entry]]) -> list[Row]:
    """Half-hour lines from the first to the last thing of the day; what shares a line shares a cell."""
    everything = [entry for column in columns for entry in column]
    first = min([entry.start for entry in everything] + [USUAL_HOURS[0]]) // STEP
    last = -(-max([entry.end for entry in everything] + [USUAL_HOURS[1]]) // STEP)
    tables = [_cells(column, first, last) for column in columns]
    return [
        Row(f"{line * STEP // 60:02d}:{line * STEP % 60:02d}", [table[line] for table in tables if line in table])
        for line in range(first, last)
    ]


def _cells(entries: list[Entry], first: int, last: int) -> dict[int, Cell]:
    """Where each cell of one column begins. Entries that touch the same half hour are put into one cell."""
    cells = {line: Cell() for line in range(first, last)}
    line, until = first, first
    for entry in sorted(entries, key=lambda entry: (entry.start, entry.end)):
        start, end = entry.start // STEP, -(-entry.end // STEP)
        if start >= until:
            line, until = start, start + 1
        until = max(until, end)
        cells[line].rows = until - line
        cells[line].entries.append(entry)
        for covered in range(line + 1, until):
            cells.pop(covered, None)
    return cells


def _week(
    columns: list[Bookable], days: list[date], entries: dict[tuple[UUID, date], list[Entry]]
) -> list[tuple[Bookable, list[list[Entry]]]]:
    return [(column, [entries.get((column.pk, day), []) for day in days]) for column in columns]
