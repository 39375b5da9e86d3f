"""Where somebody belongs: today's place, the last one, or the first one to come (PL-06)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantkit.belonging import ALWAYS, FunctionSpell, PlaceSpell, Stretch, stretches

DAY = date(2026, 3, 1)
DAYS = st.integers(0, 8).map(lambda days: DAY + timedelta(days=days))


def march(day: int) -> date:
    return date(2026, 3, day)


def test_a_move_holds_from_its_day_and_a_leaver_belongs_where_they_worked_last() -> None:
    places = [PlaceSpell("NL1", "GA", march(5), march(10)), PlaceSpell("US1", None, march(12), march(20))]
    functions = [FunctionSpell("OPR", march(5), march(12)), FunctionSpell("QCA", march(12))]
    assert stretches(places, functions) == [
        # Before the first day and between two places: the first, and the one before.
        Stretch(ALWAYS, "NL1", "GA", ("OPR",)),
        Stretch(march(12), "US1", None, ("QCA",)),
    ]


def test_functions_are_those_of_the_day_that_counts() -> None:
    places = [PlaceSpell("NL1", "GA", march(5))]
    functions = [
        FunctionSpell("OPR", march(5), march(8)),
        FunctionSpell("TRN", march(6), march(9)),
        FunctionSpell("OPR", march(12)),
    ]
    found = [(s.from_on, s.job_functions) for s in stretches(places, functions)]
    assert found == [
        (ALWAYS, ("OPR",)),
        (march(6), ("OPR", "TRN")),
        (march(8), ("TRN",)),
        (march(9), ()),
        (march(12), ("OPR",)),
    ]


def test_of_nobody_without_a_place_a_site_is_guessed() -> None:
    assert stretches([], []) == [Stretch(ALWAYS, None, None, ())]
    assert stretches([], [FunctionSpell("OPR", march(5))])[-1] == Stretch(march(5), None, None, ("OPR",))
    # A spell that was corrected away holds on no day.
    assert stretches([PlaceSpell("NL1", None, march(5), march(5))], [])[0].site is None


@st.composite
def spells(draw: st.DrawFn) -> tuple[list[PlaceSpell], list[FunctionSpell]]:
    edges = sorted(draw(st.sets(DAYS, max_size=6)))
    places = [
        PlaceSpell(draw(st.sampled_from(["NL1", "US1"])), draw(st.sampled_from(["GA", None])), first, last)
        for first, last in pairwise(edges)
        if draw(st.booleans())
    ]
    functions = [
        FunctionSpell(draw(st.sampled_from(["OPR", "QCA"])), first, draw(st.none() | DAYS))
        for first in draw(st.lists(DAYS, max_size=3))
    ]
    return places, functions


@pytest.mark.part("PL-06", "everybody belongs somewhere on every day")
@given(spells(), st.integers(-2, 12).map(lambda days: DAY + timedelta(days=days)))
def test_each_day_has_one_stretch_and_it_is_that_of_the_place_that_holds(
    of: tuple[list[PlaceSpell], list[FunctionSpell]], day: date
) -> None:
    places, functions = of
    found = stretches(places, functions)
    assert found[0].from_on == ALWAYS
    assert all(one.from_on < two.from_on for one, two in pairwise(found))
    assert all(
        (one.site, one.area, one.job_functions) != (two.site, two.area, two.job_functions)
        for one, two in pairwise(found)
    )
    here = [stretch for stretch in found if stretch.from_on <= day][-1]
    holding = [p for p in places if p.from_on <= day and (p.to_on is None or day < p.to_on)]
    if holding:
        assert (here.site, here.area) == (holding[0].site, holding[0].area)
        assert set(here.job_functions) == {
            f.job_function for f in functions if f.from_on <= day and (f.to_on is None or day < f.to_on)
        }
    else:
        assert here.site in ({p.site for p in places} or {None})
