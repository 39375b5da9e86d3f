"""Where a person is at an instant, and which zone the clocks there show (C-01, C-02, C-09).

Spells come as local days, half-open: `to` is the first day without. A zone that is not known is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from plantkit.time import start_of_day
from servicekit.domain import StateError


@dataclass(frozen=True, slots=True)
class Days:
    """Local days `[from_on, to_on)`; None: open."""

    from_on: date
    to_on: date | None = None


@dataclass(frozen=True, slots=True)
class PlaceSpell:
    site: str
    days: Days


@dataclass(frozen=True, slots=True)
class Place:
    """A site, and its IANA zone."""

    site: str
    zone: str


@dataclass(frozen=True, slots=True)
class Person:
    """The facts that this service knows about a person."""

    person: str
    language: str | None
    employments: Sequence[Days]
    places: Sequence[PlaceSpell]


def covers(days: Days, zone: str, at: datetime) -> bool:
    """Whether the instant lies in the days, at a place of that zone."""
    if at < start_of_day(days.from_on, zone):
        return False
    return days.to_on is None or at < start_of_day(days.to_on, zone)


def place_at(person: Person, zones: Mapping[str, str], at: datetime) -> Place:
    """The person's place at the instant; before the first spell that one, between spells and after the last the one
    before. Raises StateError when no spell is known or the zone of its site is not.
    """
    spells = sorted(person.places, key=lambda spell: spell.days.from_on)
    if not spells:
        raise StateError("place-unknown", f"no place is known of {person.person}")
    begun = [s for s in spells if at >= start_of_day(s.days.from_on, _zone(zones, s.site))]
    holding = [s for s in begun if covers(s.days, _zone(zones, s.site), at)]
    site = (holding or begun or spells[:1])[-1].site
    return Place(site, _zone(zones, site))


def has_left(person: Person, zone: str, at: datetime) -> bool:
    """True when every employment known is over at the instant; one that has yet to begin is not over (R-63)."""
    return bool(person.employments) and all(
        days.to_on is not None and at >= start_of_day(days.to_on, zone) for days in person.employments
    )


def _zone(zones: Mapping[str, str], site: str) -> str:
    try:
        return zones[site]
    except KeyError:
        raise StateError("zone-unknown", f"the time zone of {site} is not known here yet") from None
