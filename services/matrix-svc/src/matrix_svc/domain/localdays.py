"""Local days of a site as instants: the zone belongs to the site, never to the server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

from whenever import TimeZoneNotFoundError, ZonedDateTime


@lru_cache(maxsize=200_000)
def start_of_day(zone: str, day: date) -> datetime:
    """The first instant that exists on the local date (C-02: some zones have no midnight on a change of clocks)."""
    noon = ZonedDateTime(day.year, day.month, day.day, 12, tz=zone)
    return noon.start_of("day").to_stdlib().astimezone(UTC)


def is_zone(zone: str) -> bool:
    """Whether the name is an IANA time zone."""
    try:
        ZonedDateTime(2026, 1, 1, tz=zone)
    except (TimeZoneNotFoundError, ValueError):
        return False
    return True


class Zones:
    """The zone of each site."""

    def __init__(self, by_site: Mapping[str, str]) -> None:
        self._by_site = dict(by_site)

    def __contains__(self, site: str) -> bool:
        return site in self._by_site

    def of(self, site: str) -> str:
        return self._by_site[site]

    def start_of_day(self, site: str, day: date) -> datetime:
        return start_of_day(self._by_site[site], day)
