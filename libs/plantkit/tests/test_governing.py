"""Which version governs and which is next: C-06, R-04, R-08, R-66."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantkit.governing import (
    Effective,
    VersionAtPlace,
    effective_at,
    governing,
    prepare,
    starts_at,
    statement,
    upcoming,
    window_opens,
)
from plantkit.time import BEGINNING, NEVER, start_of_day

NL = "Europe/Amsterdam"
RECORDED = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = st.integers(0, 12).map(lambda days: RECORDED + timedelta(days=days))
"""Few instants, so that versions often share one."""


@st.composite
def versions(draw: st.DrawFn) -> list[VersionAtPlace]:
    return [
        VersionAtPlace(
            number,
            draw(st.none() | STEPS),
            draw(st.none() | STEPS),
            planned_at=draw(st.none() | STEPS),
            ends_at=draw(st.none() | st.none() | STEPS),
            withdrawn_at=draw(st.none() | st.none() | STEPS),
        )
        for number in range(1, draw(st.integers(0, 4)) + 1)
    ]


RETIRED = st.none() | st.none() | STEPS


@pytest.mark.part("C-06", "the timeline tiles time and agrees with the rule at every instant")
@given(versions(), RETIRED, st.permutations(range(4)))
def test_the_timeline_tiles_time_and_agrees_with_the_rule(
    found: list[VersionAtPlace], retired: datetime | None, order: list[int]
) -> None:
    timeline = prepare([found[i] for i in order if i < len(found)], retired)
    stretches = timeline.stretches
    assert (stretches[0].start, stretches[-1].end) == (BEGINNING, NEVER)
    assert all(one.end == two.start for one, two in pairwise(stretches))
    for days in range(-1, 14):
        at = RECORDED + timedelta(days=days, hours=-1)
        for instant in (at, at + timedelta(hours=1), at + timedelta(hours=2)):
            stretch = timeline.at(instant)
            assert stretch.governing is governing(found, instant, retired) is timeline.governing_at(instant)
            assert stretch.upcoming is upcoming(found, instant, retired)


@given(versions(), RETIRED, STEPS)
def test_who_is_next_governs_at_its_boundary_unless_something_happens_before(
    found: list[VersionAtPlace], retired: datetime | None, at: datetime
) -> None:
    following = upcoming(found, at, retired)
    if following is None or following.effective_at is None:
        return
    then = following.effective_at
    unknown = [v for v in found if v.window_opens is not None and at < v.window_opens <= then]
    gated = [v for v in found if v.effective_at is None]
    if unknown or gated or following.ended(then):
        return
    assert governing(found, then, retired) is following


@given(versions(), RETIRED, STEPS)
def test_what_governs_is_effective_and_stands(
    found: list[VersionAtPlace], retired: datetime | None, at: datetime
) -> None:
    present = governing(found, at, retired)
    if present is None:
        return
    assert present.effective_at is not None
    assert present.effective_at <= at
    assert not present.ended(at)
    assert retired is None or at < retired


def test_of_two_versions_of_one_day_the_higher_number_is_next_and_governs() -> None:
    day = start_of_day(date(2026, 3, 16), NL)
    first, second = (VersionAtPlace(n, RECORDED, day) for n in (4, 5))
    for order in ([first, second], [second, first]):
        assert upcoming(order, day - timedelta(microseconds=1)) is second
        assert governing(order, day) is second


def test_a_statement_of_the_place_goes_before_that_of_every_site_and_the_last_one_counts() -> None:
    later = RECORDED + timedelta(days=1)
    stated = [
        Effective("NL1", date(2026, 4, 30), None, later),
        Effective("NL1", date(2026, 3, 16), None, RECORDED),
        Effective("*", date(2026, 3, 1), None, later + timedelta(days=1)),
    ]
    assert statement(stated, "NL1") == stated[0]
    assert effective_at(stated, "NL1", NL) == start_of_day(date(2026, 4, 30), NL)
    assert effective_at(stated, "US1", NL) == start_of_day(date(2026, 3, 1), NL)
    assert effective_at([], "NL1", NL) is None
    assert effective_at([Effective("*")], "NL1", NL) is None
    assert effective_at([Effective("*", at=RECORDED)], "NL1", NL) == RECORDED


def test_days_and_windows_begin_with_the_local_day() -> None:
    day = date(2026, 3, 16)
    assert starts_at({"*": date(2026, 1, 1), "NL1": day}, "NL1", NL) == start_of_day(day, NL)
    assert starts_at({"US1": day}, "NL1", NL) is None
    assert window_opens(None, day, NL) == start_of_day(day, NL)
    assert window_opens(RECORDED, day, NL) == RECORDED
    assert window_opens(None, None, NL) is None
