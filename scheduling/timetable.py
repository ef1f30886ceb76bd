"""When people and rooms are open: opening weekly, opening or closing days, keeping public holidays."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import holidays
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import ledger
from scheduling.models import Bookable, DateOverride, Holiday, WeeklyRule

WEEKDAYS = range(5)
EVERY_DAY = range(7)


class UnknownPlace(ValidationError):
    """No list of holidays is known for that country or region."""


def open_weekly(
    bookable: Bookable,
    *,
    weekdays: Iterable[int] = WEEKDAYS,
    opens: str,
    closes: str,
    valid_from: date | None = None,
    valid_to: date | None = None,
    every_n_weeks: int = 1,
    by: Any,
    at: datetime,
) -> list[WeeklyRule]:
    """Open on these weekdays (Monday is 0) from `opens` to `closes` ("09:00", "17:30").

    A closing time that is not after the opening is on the next day; up to "48:00" may be written. Refuses what the rule
    itself refuses.
    """
    start, end = minutes(opens), minutes(closes)
    with transaction.atomic():
        rules = [
            WeeklyRule(
                bookable=bookable,
                weekday=weekday,
                start_minute=start,
                end_minute=end if end > start else end + 24 * 60,
                valid_from=valid_from,
                valid_to=valid_to,
                every_n_weeks=every_n_weeks,
            )
            for weekday in weekdays
        ]
        for rule in rules:
            rule.full_clean()
        WeeklyRule.objects.bulk_create(rules)
        ledger.record(
            "scheduling.bookable.opened_weekly", bookable, changes={"rules": [None, [str(rule) for rule in rules]]}
        )
    return rules


def close(
    bookable: Bookable | None, *, first: date, last: date | None = None, label: str = "", by: Any, at: datetime
) -> DateOverride:
    """Close one day or a stretch of days; without a bookable, for everybody."""
    return _override(DateOverride(bookable=bookable, starts_on=first, ends_on=last or first, label=label))


def open_specially(
    bookable: Bookable | None,
    *,
    first: date,
    last: date | None = None,
    opens: str,
    closes: str,
    label: str = "",
    by: Any,
    at: datetime,
) -> DateOverride:
    """Open one day or a stretch of days at other hours than the weekly ones; again for a second span."""
    start, end = minutes(opens), minutes(closes)
    return _override(
        DateOverride(
            bookable=bookable,
            starts_on=first,
            ends_on=last or first,
            is_closed=False,
            start_minute=start,
            end_minute=end if end > start else end + 24 * 60,
            label=label,
        )
    )


def keep_holidays(*, country: str, region: str = "", years: Iterable[int], by: Any, at: datetime) -> int:
    """Close the public holidays of a place (ISO 3166-1, -2) in these years; answers how many are new."""
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=list(years))
    except (NotImplementedError, KeyError) as error:
        raise UnknownPlace(
            _("No holidays are known for “%(place)s”."), "place", {"place": f"{country} {region}"}
        ) from error
    with transaction.atomic():
        known = set(Holiday.objects.filter(on__in=list(found)).values_list("on", flat=True))
        new = [Holiday(on=day, name=name[:200]) for day, name in sorted(found.items()) if day not in known]
        Holiday.objects.bulk_create(new)
        ledger.record("scheduling.holiday.kept", changes={"days": [None, [row.on.isoformat() for row in new]]})
    return len(new)


def minutes(clock: str) -> int:
    """Minutes after midnight of "HH:MM", up to 48:00."""
    hour, _colon, minute = clock.partition(":")
    return int(hour) * 60 + int(minute or 0)


def _override(override: DateOverride) -> DateOverride:
    with transaction.atomic():
        override.full_clean()
        override.save()
    return override
