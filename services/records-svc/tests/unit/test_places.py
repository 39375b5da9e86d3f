"""Where a person is, and whether they have left: C-01, C-02, C-09, R-63."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from records_svc.domain.places import Days, Person, PlaceSpell, has_left, place_at
from servicekit.domain import StateError

ZONES = {"NL1": "Europe/Amsterdam", "US1": "America/New_York"}


def person(
    *places: tuple[str, str, str | None], employed: tuple[str, str | None] = ("2025-01-10", None)
) -> Person:
    return Person("ANA", "en", [days(*employed)], [PlaceSpell(site, days(f, t)) for site, f, t in places])


def days(first: str, to: str | None) -> Days:
    return Days(date.fromisoformat(first), date.fromisoformat(to) if to else None)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


MOVED = person(("NL1", "2025-01-10", "2026-05-01"), ("US1", "2026-05-01", None))


@pytest.mark.part("C-02", "a move holds from the local midnight of its place")
@pytest.mark.part("C-09", "a move holds from the local midnight of its place")
@pytest.mark.parametrize(
    ("when", "site"),
    [
        ("2024-12-01T00:00:00+00:00", "NL1"),
        ("2025-01-10T00:00:00+01:00", "NL1"),
        ("2026-04-30T23:59:59+02:00", "NL1"),
        # Between midnight at NL1 and midnight at US1: the last place.
        ("2026-05-01T00:00:00+02:00", "NL1"),
        ("2026-04-30T23:59:59-04:00", "NL1"),
        ("2026-05-01T00:00:00-04:00", "US1"),
        ("2030-01-01T00:00:00+00:00", "US1"),
    ],
)
def test_a_move_holds_from_the_local_midnight_of_its_place(when: str, site: str):
    assert place_at(MOVED, ZONES, at(when)).site == site
    assert place_at(MOVED, ZONES, at(when)).zone == ZONES[site]


@pytest.mark.part("C-09", "nothing is guessed")
def test_nothing_is_guessed():
    with pytest.raises(StateError, match="zone") as refused:
        place_at(person(("IN1", "2025-01-10", None)), ZONES, datetime(2026, 1, 1, tzinfo=UTC))
    assert refused.value.code == "zone-unknown"
    with pytest.raises(StateError, match="no place"):
        place_at(person(), ZONES, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.part("R-63", "employment ends at the local midnight of the first day without")
@pytest.mark.part("C-02", "employment ends at the local midnight of the first day without")
def test_employment_ends_at_the_local_midnight_of_the_first_day_without():
    leaver = person(employed=("2025-01-10", "2026-03-20"))
    assert not has_left(leaver, "Europe/Amsterdam", at("2026-03-19T23:59:59+01:00"))
    assert has_left(leaver, "Europe/Amsterdam", at("2026-03-20T00:00:00+01:00"))
    assert not has_left(leaver, "America/New_York", at("2026-03-20T00:00:00+01:00"))


@pytest.mark.part("R-14", "somebody who comes back counts as employed again")
@pytest.mark.part("R-63", "who comes back has not left")
def test_who_comes_back_has_not_left():
    back = Person("ANA", None, [days("2025-01-10", "2025-02-01"), days("2025-06-01", None)], [])
    assert not has_left(back, "Europe/Amsterdam", at("2025-07-01T00:00:00+02:00"))
    assert not has_left(Person("ANA", None, [], []), "UTC", at("2025-07-01T00:00:00+02:00"))
