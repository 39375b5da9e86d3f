"""The zones of the sites: when a local day begins at them, and which day it is there.

A place is a site code, or `*`: every site that has no statement of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from plantkit.time import first_start_on_earth, last_date_on_earth, local_date, start_of_day

EVERYWHERE = "*"


def for_place[T](by_place: Mapping[str, T], place: str) -> T | None:
    """The statement for the place or, if there is none, the one for every site."""
    return by_place.get(place, by_place.get(EVERYWHERE))


@dataclass(frozen=True, slots=True)
class Sites:
    """The IANA zone of each known site."""

    zones: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, site: str) -> bool:
        return site in self.zones

    def start_of_day(self, site: str, day: date) -> datetime:
        """The first instant of the local day at the site. Raises KeyError for a site that is not known."""
        return start_of_day(day, self.zones[site])

    def covered(self, place: str, with_own: Iterable[str] = ()) -> list[str]:
        """The known sites that a statement for the place concerns. with_own: places with a statement of their own."""
        if place != EVERYWHERE:
            return [place] if place in self.zones else []
        own = set(with_own)
        return sorted(site for site in self.zones if site not in own)

    def earliest_start(self, day: date, sites: Iterable[str]) -> datetime:
        """The first instant at which the day begins at one of the sites; without sites: anywhere on Earth."""
        return min((self.start_of_day(site, day) for site in sites), default=first_start_on_earth(day))

    def latest_today(self, now: datetime, sites: Iterable[str]) -> date:
        """The latest of the sites' local days; without sites: the day of the last zone on Earth, which refuses the
        fewest days as over.
        """
        return max((local_date(now, self.zones[site]) for site in sites), default=last_date_on_earth(now))
