"""The place and the job functions that a person has on each day. An access grant that is narrowed to a site, an area or
a job function is judged by them.

On each day a person has the place and the job functions of that day. A person who has left keeps the place and the
functions of their last day. A person who has not begun has those of their first day. So every person is visible to
somebody on a day between two places, and a planned move changes nothing before its day (PL-06).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

ALWAYS = date.min
"""The first day of the first stretch of everybody."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlaceSpell:
    """Works at a site, in an area or in none, on the local days `[from_on, to_on)`; None: open."""

    site: str
    area: str | None
    from_on: date
    to_on: date | None = None


@dataclass(frozen=True, slots=True)
class FunctionSpell:
    """Holds a job function on the local days `[from_on, to_on)`; None: open."""

    job_function: str
    from_on: date
    to_on: date | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Place and job functions of a person from a local day of the site until the next stretch begins. site None: unknown."""

    from_on: date
    site: str | None
    area: str | None
    job_functions: tuple[str, ...]


def stretches(places: Iterable[PlaceSpell], functions: Iterable[FunctionSpell]) -> list[Stretch]:
    """The stretches of a person, in order; the first begins with all days (`ALWAYS`), neighbours differ."""
    placed = sorted((s for s in places if s.to_on is None or s.to_on > s.from_on), key=lambda s: s.from_on)
    held = sorted(functions, key=lambda s: (s.from_on, s.job_function))
    edges = {ALWAYS}
    for spell in (*placed, *held):
        edges.add(spell.from_on)
        if spell.to_on is not None:
            edges.add(spell.to_on)
    found: list[Stretch] = []
    for day in sorted(edges):
        stretch = _on(day, placed, held)
        if not found or _belonging(found[-1]) != _belonging(stretch):
            found.append(stretch)
    return found


def _on(day: date, places: Sequence[PlaceSpell], functions: Sequence[FunctionSpell]) -> Stretch:
    """places: in the order of their first days."""
    begun = [spell for spell in places if spell.from_on <= day]
    place = next((s for s in reversed(begun) if _holds(s, day)), None)
    judged = day
    if place is None and begun:
        place = begun[-1]
        judged = (place.to_on or day) - _DAY
    elif place is None and places:
        place = places[0]
        judged = place.from_on
    names = {spell.job_function for spell in functions if _holds(spell, judged)}
    return Stretch(day, place and place.site, place and place.area, tuple(sorted(names)))


def _holds(spell: PlaceSpell | FunctionSpell, day: date) -> bool:
    return spell.from_on <= day and (spell.to_on is None or day < spell.to_on)


def _belonging(stretch: Stretch) -> tuple[str | None, str | None, tuple[str, ...]]:
    return stretch.site, stretch.area, stretch.job_functions
