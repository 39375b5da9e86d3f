"""Since when a rostered day is another one than before (R-70, C-20)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from matrix_svc.domain.roster import RosterDay, Statement, first_told, rostered
from matrix_svc.domain.spells import Spell, SpellKind, ended
from matrix_svc.handlers.organisation import moved_shifts

DAY = date(2026, 3, 15)


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def letter(shift: str, start: date, told: datetime, *, end: date | None = None, name: str = "s1") -> Spell:
    return Spell(name, "BEN", SpellKind.SHIFT, shift, start, end, told)


D = letter("D", date(2026, 1, 1), at(1))


@pytest.mark.part("R-70", "a day was moved when it last became another")
@pytest.mark.part("C-20", "a day was moved when it last became another")
@pytest.mark.parametrize(
    ("said", "spells", "found"),
    [
        ([("D", 2)], [D], ("D", None)),
        ([("N", 2)], [D], ("N", at(2))),
        ([(None, 2)], [D], (None, at(2))),
        ([(None, 2)], [], (None, None)),
        ([("D", 2)], [], ("D", at(2))),
        ([("N", 2), ("N", 3)], [D], ("N", at(2))),
        ([("N", 3), ("D", 2)], [D], ("N", at(3))),
        ([("D", 2), ("N", 3), ("D", 4)], [D], ("D", at(4))),
        # The letter was told after the first roster: it had not been known when that was written.
        ([("D", 2)], [letter("D", date(2026, 1, 1), at(3))], ("D", at(2))),
        # Another letter from the day on, told in time.
        ([("D", 3)], [D, letter("N", DAY, at(2), name="s2")], ("D", None)),
    ],
)
def test_a_day_was_moved_when_it_last_became_another(
    said: list[tuple[str | None, int]], spells: list[Spell], found: tuple[str | None, datetime | None]
) -> None:
    statements = [Statement(DAY, shift, at(told)) for shift, told in said]
    assert rostered(statements, spells) == [RosterDay(DAY, *found)]


@pytest.mark.part("R-70", "a letter that was replaced in time counts as what replaced it")
def test_a_letter_that_was_replaced_in_time_counts_as_what_replaced_it() -> None:
    over = ended(D, DAY, new_id="s3", recorded_at=at(2))
    assert rostered([Statement(DAY, "N", at(3))], [D, over, letter("N", DAY, at(2), name="s2")]) == [
        RosterDay(DAY, "N", None)
    ]


@pytest.mark.part("R-70", "what ends a letter says nothing new of its days")
def test_what_ends_a_letter_says_nothing_new_of_its_days() -> None:
    once = ended(D, date(2026, 4, 1), new_id="s2", recorded_at=at(5))
    twice = ended(once, date(2026, 3, 20), new_id="s3", recorded_at=at(7))
    assert first_told(twice, [D, once, twice]) == at(1)
    corrected = Spell("s4", "BEN", SpellKind.SHIFT, "N", D.from_on, None, at(9), replaces="s3")
    assert first_told(corrected, [D, once, twice, corrected]) == at(9)


@pytest.mark.part("R-70", "hours that were changed say since when")
def test_hours_that_were_changed_say_since_when() -> None:
    d, e = (
        {"shift": "D", "starts": "06:00", "ends": "14:00"},
        {"shift": "E", "starts": "14:00", "ends": "22:00"},
    )
    assert moved_shifts([], [d, e], "t1") == [d, e], "the first change nothing"
    late = d | {"ends": "14:30"}
    first = moved_shifts([d, e], [late, e], "t2")
    assert first == [late | {"moved_at": "t2"}, e]
    assert moved_shifts(first, [late, e], "t3") == first
    assert moved_shifts([d], [d, e], "t4") == [d, e | {"moved_at": "t4"}]
