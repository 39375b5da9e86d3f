"""Calendar arithmetic: local days, zones and months.

Every answer is a function of its arguments and the zone database, so answers are kept: zone look-ups are
the dearest step of a derivation and the same days come back for thousands of cells.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from whenever import Date, Instant, Time

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""Before every instant."""
NEVER = datetime.max.replace(tzinfo=UTC)
"""After every instant: the end of what never ends."""

_NOON = Time(12)


@lru_cache(maxsize=65536)
def start_of_day(day: date, zone: str) -> datetime:
    """The first instant, in UTC, that exists on the local ``day`` in the IANA ``zone`` (C-02).

    It is not midnight where clocks jump over midnight.
    """
    noon = Date(day).at(_NOON).assume_tz(zone, disambiguation="compatible")
    return noon.start_of("day").to_instant().to_stdlib()


@lru_cache(maxsize=65536)
def end_of_day(day: date, zone: str) -> datetime:
    """The first instant after the local ``day``: what is due "at the end of" it is due then (R-40)."""
    return start_of_day(day + timedelta(days=1), zone)


@lru_cache(maxsize=131072)
def local_date(instant: datetime, zone: str) -> date:
    """The calendar day of ``instant`` in the IANA ``zone``."""
    return Instant(instant).to_tz(zone).date().to_stdlib()


@lru_cache(maxsize=65536)
def add_months(day: date, months: int) -> date:
    """``day`` plus calendar months, clipped to the last day of the month (R-29)."""
    return Date(day).add(months=months).to_stdlib()


@lru_cache(maxsize=131072)
def validity(base: datetime, zone: str, months: int, lead_days: int) -> tuple[datetime, datetime]:
    """End of the interval that begins at ``base``, and the instant at which its last stretch begins.

    The end is the start of the local day after (local date of base + months) (C-09); the lead begins at
    the start of (last valid day - lead days) (C-03 row 4). Both in UTC.
    """
    last_day = add_months(local_date(base, zone), months)
    return end_of_day(last_day, zone), start_of_day(last_day - timedelta(days=lead_days), zone)


@lru_cache(maxsize=65536)
def instant_at(day: date, hour: int, minute: int, zone: str) -> datetime:
    """The instant, in UTC, of a wall-clock time; a time that is skipped moves forward."""
    plain = Date(day).at(Time(hour, minute))
    return plain.assume_tz(zone, disambiguation="compatible").to_instant().to_stdlib()
