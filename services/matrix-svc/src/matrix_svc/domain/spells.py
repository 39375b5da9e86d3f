"""Spells: what a person is, where, and from when to when. Facts; a correction is a new spell that names the old.

Days are local to the site of the person's place, half-open: `to` is the first day without (C-02).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from servicekit.domain import RuleError


class SpellKind(StrEnum):
    EMPLOYMENT = "employment"
    PLACE = "place"
    JOB_FUNCTION = "job_function"
    OVERLAY = "overlay"
    EQUIPMENT = "equipment"
    LEAVE = "leave"
    SHIFT = "shift"


SINGLE = frozenset({SpellKind.EMPLOYMENT, SpellKind.PLACE, SpellKind.LEAVE, SpellKind.SHIFT})
"""Kinds of which a person has at most one at a time. Functions, overlays and equipment run side by side (R-15)."""


@dataclass(frozen=True, slots=True)
class Spell:
    """One spell.

    value: the code: job function, overlay, `site/equipment`, shift letter, kind of leave; the site of a place; the
    kind of employment. department, area: of a place alone. replaces: the spell that this one corrects or ends.
    """

    id: str
    person: str
    kind: SpellKind
    value: str
    from_on: date
    to_on: date | None
    recorded_at: datetime
    department: str | None = None
    area: str | None = None
    replaces: str | None = None

    def holds_on(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day < self.to_on)


def standing(spells: Iterable[Spell]) -> list[Spell]:
    """The spells that no later fact replaces, in a stable order. A spell replaced by an empty one is gone."""
    every = list(spells)
    replaced = {spell.replaces for spell in every if spell.replaces}
    kept = [s for s in every if s.id not in replaced and (s.to_on is None or s.to_on > s.from_on)]
    return sorted(kept, key=lambda s: (s.kind, s.from_on, s.value, s.id))


def check_new(new: Spell, spells: Sequence[Spell]) -> None:
    """Raises RuleError when the spell cannot stand beside the others.

    R-14: a rehire is a new employment spell of the same person. Overlapping spells of one kind are refused where
    only one can be true at a time; the same function, overlay or equipment twice at a time is refused too.
    """
    if new.to_on is not None and new.to_on <= new.from_on:
        raise RuleError("to", "not-after-from", f"{new.to_on} is not after {new.from_on}")
    _check_apart(new, spells, "from")
    if new.kind in (SpellKind.EMPLOYMENT, SpellKind.PLACE):
        return
    employments = [s for s in standing(spells) if s.kind == SpellKind.EMPLOYMENT]
    if not any(_overlap(new, employment) for employment in employments):
        raise RuleError("from", "outside-employment", f"the person is not employed from {new.from_on}")


def check_end(end: Spell, spells: Sequence[Spell]) -> None:
    """Raises RuleError when a spell that gets a later end would run into the next of its kind."""
    if end.to_on is None or end.to_on > end.from_on:
        _check_apart(end, spells, "to")


def _check_apart(new: Spell, spells: Sequence[Spell], field: str) -> None:
    for other in standing(spells):
        if other.kind != new.kind or other.id == new.replaces:
            continue
        clash = new.kind in SINGLE or other.value == new.value
        if clash and _overlap(new, other):
            raise RuleError(
                field,
                "overlaps",
                f"{new.kind} {other.value} from {other.from_on} to {other.to_on or 'open'} stands",
            )


def ended(spell: Spell, to_on: date, *, new_id: str, recorded_at: datetime) -> Spell:
    """The fact that ends a spell on a day (the first day without)."""
    if to_on < spell.from_on:
        raise RuleError("to", "before-from", f"{to_on} is before {spell.from_on}")
    return Spell(
        id=new_id,
        person=spell.person,
        kind=spell.kind,
        value=spell.value,
        from_on=spell.from_on,
        to_on=to_on,
        recorded_at=recorded_at,
        department=spell.department,
        area=spell.area,
        replaces=spell.id,
    )


def closed_by_rehire(
    hired_on: date, spells: Sequence[Spell], *, new_id: Callable[[], str], recorded_at: datetime
) -> list[Spell]:
    """The facts that end what outlasted the last employment, on its last day or, had it not begun, before it began.

    Ending an employment leaves the other spells as they are, since nothing is required outside it. With a second
    employment they would hold again by themselves: an old function would be owed, an old leave would suspend. So a
    rehire brings back nothing but what it names (R-14). Raises RuleError when an employment is open or holds on the day.
    """
    held = standing(spells)
    employments = [s for s in held if s.kind == SpellKind.EMPLOYMENT]
    for employment in employments:
        if employment.to_on is None:
            raise RuleError("from", "employed", f"the employment from {employment.from_on} is open")
    left = max((s.to_on for s in employments if s.to_on is not None), default=None)
    if left is not None and hired_on < left:
        raise RuleError("from", "overlaps", f"the last employment holds until {left}")
    return [
        ended(s, max(s.from_on, left or s.from_on), new_id=new_id(), recorded_at=recorded_at)
        for s in held
        if s.kind != SpellKind.EMPLOYMENT and (left is None or s.to_on is None or s.to_on > left)
    ]


def _overlap(a: Spell, b: Spell) -> bool:
    return (b.to_on is None or a.from_on < b.to_on) and (a.to_on is None or b.from_on < a.to_on)
