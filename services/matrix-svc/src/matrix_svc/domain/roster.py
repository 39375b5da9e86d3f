"""The dated roster, and since when each of its days is another one than before.

A due that rests on a shift never moves into the past (R-70, C-23): who derives it must know when a day was moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from matrix_svc.domain.spells import Spell, SpellKind, standing


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a roster about a day. shift: None is a day off."""

    day: date
    shift: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RosterDay:
    """A day as the latest roster has it.

    moved_at: record time of the last statement that changed the day, be it from an earlier roster or from the shift
    letter that was known then (C-20); None: it says what had been so before.
    """

    day: date
    shift: str | None
    moved_at: datetime | None


def rostered(statements: Iterable[Statement], spells: Sequence[Spell]) -> list[RosterDay]:
    """The days in their order. spells: all facts about the person, those that were replaced included."""
    letters = [spell for spell in spells if spell.kind == SpellKind.SHIFT]

    @cache
    def known(at: datetime) -> tuple[Spell, ...]:
        return tuple(standing(spell for spell in letters if spell.recorded_at < at))

    found: dict[date, RosterDay] = {}
    for one in sorted(statements, key=lambda s: (s.day, s.recorded_at)):
        before = found.get(one.day)
        if before is None:
            letter = next((s.value for s in known(one.recorded_at) if s.holds_on(one.day)), None)
            moved = one.recorded_at if letter != one.shift else None
        else:
            moved = one.recorded_at if before.shift != one.shift else before.moved_at
        found[one.day] = RosterDay(one.day, one.shift, moved)
    return list(found.values())


def first_told(spell: Spell, spells: Iterable[Spell]) -> datetime:
    """Record time at which it was first said that this spell begins when it does: what ends it says nothing new."""
    by_id = {one.id: one for one in spells}
    first = spell
    while first.replaces and (earlier := by_id.get(first.replaces)) is not None:
        if (earlier.value, earlier.from_on) != (spell.value, spell.from_on):
            break
        first = earlier
    return first.recorded_at
