"""Local days at places: when a day begins there, and which day it is there now.

A place is a site code, or `*` for every site without a statement of its own. The zones of sites come from their owner;
for a site that is not known (yet) the bounds of all zones on Earth are used, so that a doubt never lets a date move
that may govern already, and never refuses a day that may still be today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from whenever import Instant, ZonedDateTime

EVERYWHERE = "*"
FIRST_ZONE = timedelta(hours=14)
"""The clock that is ahead of all others."""
LAST_ZONE = timedelta(hours=-12)


@lru_cache(maxsize=50_000)
def start_of_day(zone: str, day: date) -> datetime:
    """The first instant that exists on the local date (C-02: some zones have no midnight on a change of clocks)."""
    noon = ZonedDateTime(day.year, day.month, day.day, 12, tz=zone)
    return noon.start_of("day").to_stdlib().astimezone(UTC)


def local_day(zone: str, at: datetime) -> date:
    """The date that a calendar on the wall shows."""
    return Instant(at).to_tz(zone).date().to_stdlib()


@dataclass(frozen=True, slots=True)
class Sites:
    """The IANA zone of each known site."""

    zones: Mapping[str, str] = field(default_factory=dict)

    def covered(self, place: str, with_own: Iterable[str] = ()) -> list[str]:
        """The known sites that a statement for `place` speaks of. with_own: places with a statement of their own."""
        if place != EVERYWHERE:
            return [place] if place in self.zones else []
        own = set(with_own)
        return sorted(site for site in self.zones if site not in own)

    def earliest_start(self, day: date, sites: Iterable[str]) -> datetime:
        """The first instant at which the day begins at one of the sites; of no site: anywhere on Earth."""
        starts = [start_of_day(self.zones[site], day) for site in sites]
        return min(starts) if starts else _midnight(day) - FIRST_ZONE

    def latest_today(self, now: datetime, sites: Iterable[str]) -> date:
        """The latest of the sites' local days; of no site: the day of the last zone on Earth, to refuse too little."""
        days = [local_day(self.zones[site], now) for site in sites]
        return max(days) if days else (now.astimezone(UTC) + LAST_ZONE).date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
