"""Local days of a time zone, written for certainty rather than speed; the standard library alone."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

type Bound = date | datetime
"""An edge of a validity: a `date` means the start of that local day, a `datetime` means itself."""

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@cache
def day_start(day: date, zone: str) -> datetime:
    """The first instant, in UTC, that exists on the local `day` of the IANA `zone` (C-02).

    A day that the zone skips altogether starts where the next existing day starts.
    """
    tz = ZoneInfo(zone)
    midnight = datetime(day.year, day.month, day.day, tzinfo=tz).astimezone(UTC)
    local = midnight.astimezone(tz)
    if (local.date(), local.hour, local.minute) == (day, 0, 0):
        return midnight
    # No midnight on that day: walk minute by minute, since a clock may jump from 23:30 to 00:30.
    candidate = midnight - timedelta(hours=3)
    while candidate.astimezone(tz).date() < day:
        candidate += timedelta(minutes=1)
    return candidate


def instant(bound: Bound, zone: str) -> datetime:
    """The instant that a bound means at a place of the IANA `zone`."""
    if isinstance(bound, datetime):
        return bound.astimezone(UTC)
    return day_start(bound, zone)


def local_day(at: datetime, zone: str) -> date:
    """The local date of an instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def add_months(day: date, months: int) -> date:
    """Calendar months later, clipped to that month's last day (C-09, R-29)."""
    index = day.year * 12 + (day.month - 1) + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def covers(start: Bound | None, end: Bound | None, zone: str, at: datetime) -> bool:
    """Whether `at` lies in `[start, end)`; an absent bound is open (C-02)."""
    if start is not None and at < instant(start, zone):
        return False
    return end is None or at < instant(end, zone)
