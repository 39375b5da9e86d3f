"""Calendar arithmetic: local days, zones and months.

Local days are `date` values, zones are IANA names, instants are aware `datetime` values in UTC. Every answer depends
on its arguments and the zone database alone, so answers are cached: zone look-ups are the most expensive step of a
derivation, and the same days come back for thousands of cells.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from whenever import Date, Instant, Time, TimeZoneNotFoundError

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""Before every instant."""
NEVER = datetime.max.replace(tzinfo=UTC)
"""After every instant: the end of what never ends."""

_NOON = Time(12)
_FIRST_CLOCK = timedelta(hours=14)
_LAST_CLOCK = timedelta(hours=-12)
_SOME_INSTANT = Instant.from_utc(2026, 1, 1)


@lru_cache(maxsize=200_000)
def start_of_day(day: date, zone: str) -> datetime:
    """The first instant that exists on the local day (C-02).

    It is later than midnight where the clocks jump over midnight. A day that a zone left out (Apia had no
    30 December 2011) begins where the next one does.
    """
    noon = Date(day).at(_NOON).assume_tz(zone, disambiguation="compatible")
    return noon.start_of("day").to_instant().to_stdlib()


@lru_cache(maxsize=65_536)
def end_of_day(day: date, zone: str) -> datetime:
    """The first instant after the local day; what is due "at the end of" the day is due then (R-40)."""
    return start_of_day(day + timedelta(days=1), zone)


@lru_cache(maxsize=131_072)
def local_date(instant: datetime, zone: str) -> date:
    """The calendar day that a clock in the zone shows at the instant."""
    return Instant(instant).to_tz(zone).date().to_stdlib()


@lru_cache(maxsize=65_536)
def add_months(day: date, months: int) -> date:
    """The day plus calendar months, clipped to the last day of the month (R-29)."""
    return Date(day).add(months=months).to_stdlib()


@lru_cache(maxsize=65_536)
def instant_at(day: date, hour: int, minute: int, zone: str) -> datetime:
    """The instant of a wall-clock time; a time that the clocks skip moves forward by the gap."""
    plain = Date(day).at(Time(hour, minute))
    return plain.assume_tz(zone, disambiguation="compatible").to_instant().to_stdlib()


def is_zone(name: str) -> bool:
    """Whether the name is an IANA time zone."""
    try:
        _SOME_INSTANT.to_tz(name)
    except TimeZoneNotFoundError:
        return False
    return True


def first_start_on_earth(day: date) -> datetime:
    """The instant at which the day begins in the zone whose clock is ahead of all others (UTC+14)."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - _FIRST_CLOCK


def last_date_on_earth(instant: datetime) -> date:
    """The calendar day of the instant in the zone whose clock is behind all others (UTC-12)."""
    return (instant.astimezone(UTC) + _LAST_CLOCK).date()
