"""Due dates and triggers: fixture F's assignments and the pins of C-20 to C-24."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from .due import Due, due
from .facts import Employment, Leave, Order, Rule, Spell, World
from .fixture_f import ITEM, PEOPLE, READ, WINDOW_OPENS, fixture_f, nl, us
from .test_where_rules_meet import ONLY_V3, base, v3, version


def open_at(world: World, at: datetime, person: str = "ANA") -> dict[str, Due]:
    found = due(world, person, ITEM, PEOPLE[person], at)
    assert len({one.target for one in found}) == len(found)
    return {one.target: one for one in found}


@pytest.mark.part("C-20", "revision is due by the last shift")
@pytest.mark.part("C-21", "revision is due by the last shift")
@pytest.mark.part("R-40", "revision is due by the last shift")
@pytest.mark.parametrize(
    ("person", "due_at"),
    [
        ("ANA", nl("2026-03-15T06:00")),
        ("BEN", nl("2026-03-15T14:00")),
        ("FAY", nl("2026-03-15T22:00")),
        ("GIL", us("2026-03-22T14:00")),
    ],
)
def test_revision_is_due_by_the_last_shift(person: str, due_at: datetime) -> None:
    world = fixture_f()
    assert open_at(world, WINDOW_OPENS - timedelta(seconds=1), person) == {}
    assert open_at(world, WINDOW_OPENS, person) == {"4": Due("4", "REVISION", WINDOW_OPENS, due_at)}


@pytest.mark.part("C-21", "without a shift the effective instant")
def test_without_a_shift_the_effective_instant() -> None:
    world = fixture_f()
    world = replace(
        world, employments=tuple(replace(spell, shift="") for spell in world.employments), memo={}
    )
    assert open_at(world, WINDOW_OPENS, "ANA")["4"].due_at == nl("2026-03-16T00:00")


@pytest.mark.part("C-22", "chi pauses and comes back")
@pytest.mark.part("C-24", "chi pauses and comes back")
def test_chi_pauses_and_comes_back() -> None:
    world = fixture_f()
    assert open_at(world, WINDOW_OPENS, "CHI") == {"4": Due("4", "REVISION", WINDOW_OPENS, None, "PAUSED")}
    back = open_at(world, nl("2026-04-16T00:00"), "CHI")
    assert back == {"4": Due("4", "REVISION", WINDOW_OPENS, nl("2026-04-24T00:00"))}


@pytest.mark.part("C-21", "dev new hire on both versions")
@pytest.mark.part("C-24", "dev new hire on both versions")
def test_dev_new_hire_on_both_versions() -> None:
    world = replace(fixture_f(), memo={}, records=())
    hired = nl("2026-03-10T00:00")
    assert open_at(world, hired, "DEV") == {
        "3": Due("3", "NEW_HIRE", hired, nl("2026-04-10T00:00")),
        "4": Due("4", "NEW_HIRE", hired, nl("2026-03-15T14:00")),
    }
    assert set(open_at(world, nl("2026-03-16T00:00"), "DEV")) == {"4"}


@pytest.mark.part("C-20", "the night before the hire is no shift of hers")
@pytest.mark.part("C-21", "the night before the hire is no shift of hers")
def test_the_night_before_the_hire_is_no_shift_of_hers() -> None:
    [employed] = base().employments
    hired = replace(employed, start=date(2026, 3, 15), shift="N")
    world = base(employments=(hired,))
    assert open_at(world, nl("2026-03-15T00:00"))["4"].due_at == nl("2026-03-16T00:00")
    day_earlier = base(employments=(replace(hired, start=date(2026, 3, 14)),))
    assert open_at(day_earlier, nl("2026-03-14T00:00"))["4"].due_at == nl("2026-03-15T06:00")


@pytest.mark.part("AE-11", "a leaver has nothing open")
def test_fay_has_nothing_open_after_leaving() -> None:
    world = fixture_f()
    assert set(open_at(world, nl("2026-03-19T23:59:59"), "FAY")) == {"4"}
    assert open_at(world, nl("2026-03-20T00:00"), "FAY") == {}


@pytest.mark.part("C-24", "role change inside a window")
def test_5_role_change_inside_a_window() -> None:
    spell = Spell(
        person="ANA",
        level="job_function",
        unit="OPR",
        start=date(2026, 3, 5),
        recorded_at=nl("2026-03-01T12:00"),
    )
    found = open_at(base(spells=(spell,)), nl("2026-03-05T00:00"))
    assert {target: one.trigger for target, one in found.items()} == {"3": "ROLE_CHANGE", "4": "ROLE_CHANGE"}
    assert found["3"].due_at == found["4"].due_at == nl("2026-03-04T06:00")
    known_late = replace(spell, recorded_at=nl("2026-03-06T12:00"))
    found = open_at(base(spells=(known_late,)), nl("2026-03-06T12:00"))
    assert (found["3"].due_at, found["4"].due_at) == (nl("2026-04-06T00:00"), nl("2026-03-15T06:00"))


@pytest.mark.part("R-73", "recurrence and revision window")
@pytest.mark.part("C-24", "recurrence and revision window")
def test_recurrence_and_revision_window() -> None:
    versions = (version("3", "2025-03-01"), version("4", "2026-03-16"))
    lapses_first = base(v3("2025-03-09T10:00"), versions=versions)
    found = open_at(lapses_first, nl("2026-03-05T00:00"))
    assert {target: one.trigger for target, one in found.items()} == {"3": "RECURRENCE", "4": "REVISION"}
    assert found["3"].due_at == nl("2026-03-10T00:00")
    lapsed = open_at(lapses_first, nl("2026-03-12T00:00"))
    assert (lapsed["3"].trigger, lapsed["3"].due_at) == ("RECURRENCE", nl("2026-03-10T00:00"))
    lapses_with_it = base(v3("2025-03-15T10:00"), versions=versions)
    assert set(open_at(lapses_with_it, nl("2026-03-05T00:00"))) == {"4"}


@pytest.mark.part("R-74", "editorial version takes over the old due")
def test_6_editorial_version_takes_over_the_old_due() -> None:
    world = base(versions=(*ONLY_V3, version("3.1", "2026-03-16", voids=frozenset())))
    before, after = (open_at(world, nl(at)) for at in ("2026-03-15T23:59:59", "2026-03-16T00:00"))
    assert after == {"3.1": replace(before["3"], target="3.1")}


@pytest.mark.part("R-74", "a second editorial version takes it over again")
def test_a_second_editorial_version_takes_it_over_again() -> None:
    editorial = [
        version(n, on, voids=frozenset()) for n, on in (("3.1", "2026-03-16"), ("3.2", "2026-04-10"))
    ]
    world = base(versions=(*ONLY_V3, *editorial))
    before, after = (open_at(world, nl(at)) for at in ("2026-03-15T23:59:59", "2026-04-10T00:00"))
    assert after == {"3.2": replace(before["3"], target="3.2")}


@pytest.mark.part("R-75", "shorter interval is due before it holds")
@pytest.mark.part("C-21", "shorter interval is due before it holds")
def test_15_shorter_interval_is_due_before_it_holds() -> None:
    signed, effective = nl("2026-04-10T10:00"), date(2026, 5, 1)
    shorter = Rule(
        level="job_function",
        unit="OPR",
        item=ITEM,
        methods=frozenset({READ}),
        months=6,
        start=effective,
        recorded_at=signed,
    )
    world = base(v3(), versions=ONLY_V3)
    found = open_at(replace(world, rules=(*world.rules, shorter)), nl("2026-05-01T00:00"))
    assert found == {"3": Due("3", "MATRIX_CHANGE", nl("2026-05-01T00:00"), nl("2026-04-30T06:00"))}
    at_once = replace(shorter, recorded_at=nl("2026-05-01T00:00"))
    found = open_at(replace(world, rules=(*world.rules, at_once), memo={}), nl("2026-05-01T00:00"))
    assert found["3"].due_at == nl("2026-06-01T00:00")


@pytest.mark.part("C-24", "the trigger and due of a rehire, an overlay and an order")
@pytest.mark.part("R-14", "a rehire begins the training again as NEW_HIRE")
def test_rehire_overlay_and_order() -> None:
    [first] = base().employments
    again = Employment(person="ANA", place="NL1", start=date(2027, 6, 1), shift="D")
    world = base(v3(), versions=ONLY_V3, employments=(replace(first, end=date(2026, 2, 1)), again))
    at = nl("2027-06-01T00:00")
    assert open_at(world, at) == {"3": Due("3", "NEW_HIRE", at, nl("2027-07-02T00:00"))}

    spell = Spell(person="ANA", level="overlay", unit="TRN", start=date(2026, 1, 10))
    rule = Rule(level="overlay", unit="TRN", item=ITEM, methods=frozenset({READ}))
    world = base(versions=ONLY_V3, spells=(spell,), rules=(rule,))
    at = nl("2026-01-10T00:00")
    assert open_at(world, at) == {"3": Due("3", "MATRIX_ENROLMENT", at, nl("2026-02-10T00:00"))}

    started, by = nl("2026-03-01T09:00"), nl("2026-04-01T00:00")
    order = Order(person="ANA", item=ITEM, version="3", started_at=started, due_at=by)
    world = base(v3(), versions=ONLY_V3, orders=(order,))
    assert open_at(world, nl("2026-03-02T09:00")) == {"3": Due("3", "CAPA", started, by)}
    done = replace(world, memo={}, records=(v3(), v3("2026-03-03T09:00")))
    assert open_at(done, nl("2026-03-03T09:00")) == {}


@pytest.mark.part("C-22", "a leave that ends between the lead and the lapse moves the recurrence")
@pytest.mark.part("C-24", "a leave that ends between the lead and the lapse moves the recurrence")
def test_a_leave_that_ends_between_the_lead_and_the_lapse_moves_the_recurrence() -> None:
    leave = Leave(person="ANA", start=date(2026, 4, 10), end=date(2026, 5, 26))
    world = base(v3("2025-05-27T22:40"), versions=ONLY_V3, leaves=(leave,))
    lead, back, lapsed = nl("2026-04-27T00:00"), nl("2026-05-26T00:00"), nl("2026-05-28T00:00")
    assert open_at(world, lead)["3"] == Due("3", "RECURRENCE", lapsed, None, "PAUSED")
    for at in (back, lapsed):
        assert open_at(world, at) == {"3": Due("3", "RECURRENCE", lapsed, nl("2026-06-03T00:00"))}


@pytest.mark.part("C-22", "moved date and leave")
def test_9_moved_date_and_leave() -> None:
    leave = Leave(person="ANA", start=date(2026, 3, 1), end=date(2026, 4, 16))
    moved = replace(version("4", "2026-04-30"), approved=WINDOW_OPENS)
    world = base(v3(), versions=(*ONLY_V3, moved), leaves=(leave,))
    world = replace(world, employments=tuple(replace(spell, shift="D") for spell in world.employments))
    assert open_at(world, nl("2026-04-16T00:00"))["4"].due_at == nl("2026-04-29T14:00")
