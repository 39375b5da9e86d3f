"""Due dates, shifts, moved dates and leave (C-20 to C-25)."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest
from assignment_given import NL1, answer, at, cell, days, more, outcome, person, record, span, tasks, version
from assignment_svc.domain.closing import Closed, Opened, Updated
from assignment_svc.domain.due import before
from assignment_svc.domain.facts import (
    CellFacts,
    Equivalence,
    PersonFacts,
    Place,
    RetrainingOrder,
    ShiftHours,
    ShiftSpell,
    Version,
    Waiver,
)
from assignment_svc.domain.qualification import derive, reconcile, unqualified_since
from assignment_svc.domain.shifts import last_shift_end
from assignment_svc.domain.vocabulary import AssignmentState, ClosingReason, SuspendPolicy, Trigger
from plantkit.governing import prepare

V3 = version(3, "2025-01-01", "2025-01-15")
TRAINED = record(3, "2025-09-28 10:00")


def with_v4(v4: Version, **fields: Any) -> CellFacts:
    return more(cell(records=[TRAINED], timeline=prepare([V3, v4])), **fields)


@pytest.mark.req("C-20")
@pytest.mark.parametrize(
    ("shift", "after", "until", "end"),
    [
        ("D", "2026-03-01", "2026-03-16", "2026-03-15 14:00"),
        ("N", "2026-03-01", "2026-03-16", "2026-03-15 06:00"),
        ("N", "2026-03-01", "2026-03-16 06:00", "2026-03-16 06:00"),
        ("E", "2026-03-15 22:00", "2026-03-16", None),
        ("N", "2026-03-28", "2026-03-29 06:00", "2026-03-29 06:00"),
        ("X", "2026-03-01", "2026-03-16", None),
        (None, "2026-03-01", "2026-03-16", None),
    ],
)
def test_last_shift(shift: str | None, after: str, until: str, end: str | None) -> None:
    found = last_shift_end(person(shift=shift), NL1, at(after), at(until))
    assert found == (None if end is None else at(end))


@pytest.mark.req("C-20")
def test_a_dated_roster_wins_over_the_letter() -> None:
    roster = {date(2026, 3, 15): None, date(2026, 3, 14): None, date(2026, 3, 13): "N"}
    who = person(shift="D", roster=roster)
    assert last_shift_end(who, NL1, at("2026-03-01"), at("2026-03-16")) == at("2026-03-14 06:00")


@pytest.mark.req("C-20")
def test_a_change_of_letter_counts_from_its_day() -> None:
    who = more_shifts(("D", date(2020, 1, 1), date(2026, 3, 10), None), ("N", date(2026, 3, 10), None, None))
    assert last_shift_end(who, NL1, at("2026-03-01"), at("2026-03-16")) == at("2026-03-15 06:00")
    assert last_shift_end(who, NL1, at("2026-03-01"), at("2026-03-10 12:00")) == at("2026-03-09 14:00")


type Told = tuple[str, date, date | None, datetime | None]


def more_shifts(*spells: Told) -> PersonFacts:
    return replace(person(), shifts=tuple(ShiftSpell(*spell) for spell in spells))


@pytest.mark.req("R-08", "C-23")
@pytest.mark.part("AE-09", "a moved date moves the due with the same assignment")
def test_a_moved_date_moves_the_due_with_the_same_assignment() -> None:
    planned = with_v4(version(4, "2026-03-02 11:00", "2026-03-16"))
    moved = with_v4(version(4, "2026-03-02 11:00", "2026-03-23", moved_at="2026-03-10 09:00"))
    opened = outcome(planned, "2026-03-05").assignments
    (change,) = reconcile(moved, derive(moved, at("2026-03-10 09:00")), opened, at("2026-03-10 09:00"))
    assert isinstance(change, Updated)
    assert (change.before.due_at, change.assignment.due_at) == (
        at("2026-03-15 14:00"),
        at("2026-03-22 14:00"),
    )
    assert change.assignment.id == change.before.id


@pytest.mark.req("R-76", "R-08", "C-23")
@pytest.mark.parametrize(
    ("effective", "moved", "due"),
    [
        ("2026-03-11", "2026-03-10 09:00", "2026-03-10 14:00"),
        ("2026-03-11", "2026-03-10 15:00", "2026-03-11 00:00"),
        ("2026-03-09", "2026-03-10 09:00", "2026-03-10 09:00"),
    ],
    ids=["a shift is left", "no shift is left", "never before the move"],
)
def test_a_date_moved_earlier(effective: str, moved: str, due: str) -> None:
    facts = with_v4(version(4, "2026-03-02 11:00", effective, moved_at=moved))
    assert tasks(facts, "2026-03-10 16:00")[4].due_at == at(due)


MAR_11_TO_15 = [date(2026, 3, day) for day in range(11, 16)]
OFF = dict.fromkeys(MAR_11_TO_15)


def v4_with(who: PersonFacts, place: Place = NL1, known: str = "2026-03-01") -> datetime | None:
    """The due of v4, effective on the 16th, for somebody whose obligation is known since `known`."""
    facts = with_v4(
        version(4, "2026-03-02 11:00", "2026-03-16"),
        person=who,
        place=place,
        obligations=(span(recorded_at=at(known)),),
    )
    return tasks(facts, "2026-03-15 23:00")[4].due_at


def moved(*told: str) -> dict[date, datetime]:
    return {day: at(when) for day, when in zip(MAR_11_TO_15, told, strict=True)}


@pytest.mark.req("R-70", "C-23")
@pytest.mark.parametrize(
    ("told", "due"),
    [
        ("2026-03-10 09:00", "2026-03-10 14:00"),
        ("2026-03-10 14:30", "2026-03-16"),
        ("2026-03-15 15:00", "2026-03-16"),
    ],
    ids=["a shift is left", "it had ended", "the day before"],
)
def test_a_changed_roster_moves_a_due_forward_only(told: str, due: str) -> None:
    assert v4_with(person(roster=OFF, roster_moved=moved(*[told] * 5))) == at(due)


@pytest.mark.part("R-70", "what a roster says of other days moves no due")
@pytest.mark.part("C-23", "what a roster says of other days moves no due")
def test_what_a_roster_says_of_other_days_moves_no_due() -> None:
    """A shift more on a past day, or next month's roster, changes nothing about the last shift there was."""
    roster = {date(2026, 3, 5): "D", **dict.fromkeys([date(2026, 3, 16), date(2026, 4, 1)])}
    late = dict.fromkeys(roster, at("2026-03-15 20:00"))
    assert v4_with(person(shift="D", roster=roster, roster_moved=late)) == at("2026-03-15 14:00")


@pytest.mark.part("R-70", "what was said before the obligation was known is no move")
@pytest.mark.part("C-23", "what was said before the obligation was known is no move")
def test_what_was_said_before_the_obligation_was_known_is_no_move() -> None:
    """An import tells of the roster first: the first due may be past (late HR feed)."""
    who = person(roster=OFF, roster_moved=moved(*["2026-03-12 09:00"] * 5))
    assert v4_with(who, known="2026-03-12 09:01") == at("2026-03-10 14:00")
    assert v4_with(who, known="2026-03-12 08:59") == at("2026-03-16")


@pytest.mark.req("R-70")
@pytest.mark.part("C-23", "a letter told when its last shift had ended")
@pytest.mark.part("C-20", "a letter told when its last shift had ended")
def test_a_letter_told_when_its_last_shift_had_ended() -> None:
    """From days to nights: the last night ends at 6:00, and that was past when it was told."""
    first = ("D", date(2020, 1, 1), date(2026, 3, 10), at("2026-02-01"))
    assert v4_with(more_shifts(first, ("N", date(2026, 3, 10), None, at("2026-03-09 09:00")))) == at(
        "2026-03-15 06:00"
    )
    assert v4_with(more_shifts(first, ("N", date(2026, 3, 10), None, at("2026-03-15 09:00")))) == at(
        "2026-03-16"
    )


@pytest.mark.req("R-70")
@pytest.mark.part("C-23", "hours changed when the last shift had ended")
@pytest.mark.part("C-20", "hours changed when the last shift had ended")
def test_hours_changed_when_the_last_shift_had_ended() -> None:
    def hours(ends: time, moved_at: str) -> Place:
        shifts = {**NL1.shifts, "D": ShiftHours(time(6), ends, at(moved_at))}
        return replace(NL1, shifts=shifts)

    assert v4_with(person(shift="D"), hours(time(13), "2026-03-15 12:00")) == at("2026-03-15 13:00")
    assert v4_with(person(shift="D"), hours(time(13), "2026-03-15 13:30")) == at("2026-03-16")


@pytest.mark.part("AE-12", "a waiver of a gated first version is looked at when it begins and ends")
@pytest.mark.part("R-54", "a waiver of a gated first version is looked at when it begins and ends")
def test_a_waiver_of_a_gated_first_version_is_looked_at_when_it_begins_and_ends() -> None:
    """Nothing governs, so no edge of the timeline wakes for it; what should be open changes."""
    gated = replace(
        version(1, "2026-03-02 11:00", "2026-03-16"), effective_at=None, planned_at=at("2026-03-16")
    )
    waiver = Waiver("w-1", 1, at("2026-03-08"), at("2026-03-12"), "no line runs")
    facts = more(cell(timeline=prepare([gated])), waivers=(waiver,))
    for day, wanted, look in (("05", [1], "08"), ("09", [], "12")):
        found = derive(facts, at(f"2026-03-{day}"))
        assert [one.target_version for one in found.assignments] == wanted
        assert found.next_look == at(f"2026-03-{look}")
    assert [one.target_version for one in derive(facts, at("2026-03-13")).assignments] == [1]


@pytest.mark.part("R-08", "now never enters a due date")
def test_now_never_enters_a_due_date() -> None:
    facts = with_v4(version(4, "2026-03-02 11:00", "2026-03-16"))
    dues = {tasks(facts, now)[4].due_at for now in ("2026-03-02 11:00", "2026-03-15 23:00", "2026-06-01")}
    assert dues == {at("2026-03-15 14:00")}


@pytest.mark.part("C-21", "due dates of the triggers one by one")
@pytest.mark.parametrize(
    ("trigger", "start", "recorded", "due"),
    [
        (Trigger.NEW_HIRE, "2026-03-10", "2026-03-01 09:00", "2026-04-10"),
        (Trigger.MATRIX_ENROLMENT, "2026-03-10", "2026-03-10 09:00", "2026-04-10"),
        (Trigger.ROLE_CHANGE, "2026-03-10", "2026-03-01 09:00", "2026-03-09 14:00"),
        (Trigger.ROLE_CHANGE, "2026-03-10", "2026-03-10 09:00", "2026-04-10"),
        # It had started when HR told of it: thirty days from the day of telling.
        (Trigger.ROLE_CHANGE, "2026-02-10", "2026-03-10 09:00", "2026-04-10"),
        (Trigger.MATRIX_CHANGE, "2026-03-10", "2026-03-01 09:00", "2026-03-09 14:00"),
        (Trigger.MATRIX_CHANGE, "2026-03-10 15:00", "2026-03-10 15:00", "2026-04-10"),
    ],
)
def test_due_by_trigger(trigger: Trigger, start: str, recorded: str, due: str) -> None:
    facts = cell([span(start=start, trigger=trigger, recorded_at=at(recorded))], timeline=prepare([V3]))
    task = tasks(facts, "2026-03-11")[3]
    assert (task.trigger, task.due_at, task.first_due_was_past) == (trigger, at(due), False)


@pytest.mark.part("C-21", "hired on the day a version takes effect")
@pytest.mark.part("C-24", "hired on the day a version takes effect")
def test_hired_on_the_day_a_version_takes_effect() -> None:
    """Both begin the cycle: the tie names REVISION, and the earlier due counts."""
    hired = span(start="2026-03-16", trigger=Trigger.NEW_HIRE)
    task = tasks(cell([hired], timeline=prepare([V3, version(4, "2026-03-02", "2026-03-16")])), "2026-03-17")[
        4
    ]
    assert (task.trigger, task.due_at) == (Trigger.REVISION, at("2026-03-16"))
    (ahead,) = outcome(
        cell([hired], timeline=prepare([V3, version(4, "2026-03-02", "2026-03-16")])), "2026-03-05"
    ).assignments
    assert (ahead.target_version, ahead.state) == (4, AssignmentState.UPCOMING)
    later = replace(hired, valid_from=at("2026-03-17"), spell_from=date(2026, 3, 17))
    task = tasks(cell([later], timeline=prepare([V3, version(4, "2026-03-02", "2026-03-16")])), "2026-03-17")[
        4
    ]
    assert (task.trigger, task.due_at) == (Trigger.NEW_HIRE, at("2026-04-17"))


@pytest.mark.req("C-23")
def test_a_first_due_may_be_past_and_says_so() -> None:
    late = span(start="2026-01-10", trigger=Trigger.NEW_HIRE, recorded_at=at("2026-03-01 09:00"))
    task = tasks(cell([late], timeline=prepare([V3])), "2026-03-02")[3]
    assert (task.due_at, task.first_due_was_past) == (at("2026-02-10"), True)


@pytest.mark.part("C-21", "revisions of every kind are due before they take effect")
@pytest.mark.part("C-24", "revisions of every kind are due before they take effect")
@pytest.mark.parametrize("trigger", [Trigger.MOC, Trigger.STUDY_AMENDMENT, Trigger.REVISION])
def test_revisions_of_every_kind_are_due_before_they_take_effect(trigger: Trigger) -> None:
    facts = with_v4(version(4, "2026-03-02 11:00", "2026-03-16", trigger=trigger))
    task = tasks(facts, "2026-03-03")[4]
    assert (task.trigger, task.due_at) == (trigger, at("2026-03-15 14:00"))


@pytest.mark.part("C-21", "recurrence opens at the lead and is due at the end")
@pytest.mark.part("C-24", "recurrence opens at the lead and is due at the end")
@pytest.mark.part("AE-06", "recurrence opens at the lead and is due at the end")
def test_recurrence_opens_at_the_lead_and_is_due_at_the_end() -> None:
    facts = cell(records=[TRAINED], timeline=prepare([V3]))
    assert outcome(facts, "2026-08-28 23:59:59").assignments == ()
    first = outcome(facts, "2026-08-28 23:59:59")
    assert first.next_look == at("2026-08-29")
    (task,) = outcome(facts, "2026-08-29").assignments
    assert (task.trigger, task.due_at, task.due_on) == (
        Trigger.RECURRENCE,
        at("2026-09-29"),
        date(2026, 9, 28),
    )
    assert task.cause.id == TRAINED.id
    assert outcome(facts, "2026-10-15").assignments == (task,)
    done = more(facts, records=(TRAINED, record(3, "2026-10-20 10:00")))
    (closed,) = reconcile(done, derive(done, at("2026-10-20 10:00")), [task], at("2026-10-20 10:00"))
    assert isinstance(closed, Closed)
    assert closed.reason is ClosingReason.COMPLETED
    (again,) = outcome(done, "2027-09-25").assignments
    assert again.id != task.id


@pytest.mark.part("C-21", "manual without a date is due after thirty days")
def test_manual_without_a_date_is_due_after_thirty_days() -> None:
    order = RetrainingOrder("M-1", Trigger.MANUAL, at("2026-01-10 09:00"), None, suspend=SuspendPolicy.NEVER)
    facts = cell(records=[TRAINED], timeline=prepare([V3]), orders=(order,))
    (task,) = outcome(facts, "2026-01-11").assignments
    assert (task.trigger, task.due_at) == (Trigger.MANUAL, at("2026-02-10"))
    assert answer(facts, "2026-03-01").status == "QUALIFIED"


@pytest.mark.part("C-25", "an order that is called off closes CANCELLED")
@pytest.mark.part("R-72", "an order that is called off closes CANCELLED")
@pytest.mark.part("QM-18", "a cancelled order closes its assignment")
def test_an_order_called_off_closes_cancelled() -> None:
    order = RetrainingOrder("CAPA-1", Trigger.CAPA, at("2026-01-10 09:00"), date(2026, 2, 1))
    facts = cell(records=[TRAINED], timeline=prepare([V3]), orders=(order,))
    opened = outcome(facts, "2026-01-11").assignments
    off = RetrainingOrder(
        "CAPA-1",
        Trigger.CAPA,
        at("2026-01-10 09:00"),
        date(2026, 2, 1),
        ended_at=at("2026-01-20"),
        ended_reason="opened twice",
    )
    facts = more(facts, orders=(off,))
    assert outcome(facts, "2026-01-11").next_look == at("2026-01-20")
    (closed,) = reconcile(facts, derive(facts, at("2026-01-20")), opened, at("2026-01-20"))
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.detail) == (ClosingReason.CANCELLED, "opened twice")


@pytest.mark.part("R-72", "an order suspends at its due instant, at once or never, as it says")
def test_suspend_now_and_never() -> None:
    order = RetrainingOrder(
        "DEV-3", Trigger.DEVIATION, at("2026-01-10 09:00"), date(2026, 2, 1), suspend=SuspendPolicy.NOW
    )
    facts = cell(records=[TRAINED], timeline=prepare([V3]), orders=(order,))
    now = answer(facts, "2026-01-10 09:00")
    assert (now.status, now.reasons[0].code) == ("SUSPENDED", "RETRAINING_ORDERED")
    assert answer(facts, "2026-02-02").reasons[0].code == "RETRAINING_OVERDUE"
    redone = more(facts, records=(TRAINED, record(3, "2026-01-12 10:00")))
    assert answer(redone, "2026-01-12 09:59:59").status == "SUSPENDED"
    assert answer(redone, "2026-01-12 10:00").status == "QUALIFIED"


@pytest.mark.req("C-22")
@pytest.mark.part("R-13", "a leave after the due extends it to a week after return")
def test_a_leave_after_the_due_extends_it_to_a_week_after_return() -> None:
    facts = with_v4(
        version(4, "2026-03-02 11:00", "2026-03-16"), person=person(leaves=[days("2026-03-10", "2026-03-12")])
    )
    assert tasks(facts, "2026-03-09")[4].due_at == at("2026-03-15 14:00")
    assert tasks(facts, "2026-03-11")[4].state is AssignmentState.PAUSED
    assert tasks(facts, "2026-03-12")[4].due_at == at("2026-03-20")


@pytest.mark.req("R-06", "AE-16")
def test_v5_takes_the_place_of_an_open_v4_when_it_governs() -> None:
    v4 = version(4, "2026-03-02", "2026-03-16")
    v5 = version(5, "2026-04-01", "2026-04-20")
    facts = cell(records=[TRAINED], timeline=prepare([V3, v4, v5]))
    assert set(tasks(facts, "2026-04-10")) == {4, 5}
    opened = outcome(facts, "2026-04-10")
    (closed,) = reconcile(facts, derive(facts, at("2026-04-20")), opened.assignments, at("2026-04-20"))
    assert isinstance(closed, Closed)
    assert (closed.assignment.target_version, closed.reason, closed.detail) == (
        4,
        ClosingReason.SUPERSEDED_BY,
        "5",
    )


@pytest.mark.req("R-06", "R-74", "AE-16")
def test_unqualified_since_is_not_begun_anew_by_the_version_that_replaces_a_missed_one() -> None:
    v4, v5 = version(4, "2026-03-02", "2026-03-16"), version(5, "2026-04-01", "2026-04-20")
    editorial = version(6, "2026-05-01", "2026-05-10", "none")
    facts = cell(records=[TRAINED, record(5, "2026-06-01 10:00")], timeline=prepare([V3, v4, v5, editorial]))

    def since(when: str, facts: CellFacts = facts) -> datetime | None:
        return unqualified_since(derive(facts, at(when)).timeline, at(when))

    missed = at("2026-03-16")
    assert since("2026-03-15 23:59:59") is None
    whens = ("2026-03-16", "2026-04-19", "2026-04-20", "2026-05-10", "2026-06-01 10:00")
    assert [since(when) for when in whens] == [missed] * len(whens)
    trained = more(facts, records=(TRAINED, record(4, "2026-04-01 10:00")))
    assert [since(when, trained) for when in ("2026-04-01 10:00", "2026-04-20")] == [None, at("2026-04-20")]
    never = more(facts, records=())
    assert since("2026-04-20", never) == at("2025-01-15")
    # Who is suspended, or not asked, is not called unqualified.
    away = more(facts, person=person(leaves=[days("2026-04-01", "2026-05-01")]))
    assert [since(when, away) for when in ("2026-04-20", "2026-05-01")] == [None, at("2026-05-01")]
    assert since("2019-01-01") is None


@pytest.mark.req("R-06", "AE-16")
def test_v4_closes_when_v5_that_replaces_it_is_approved() -> None:
    v4 = version(4, "2026-03-02", "2026-03-16")
    facts = cell(records=[TRAINED], timeline=prepare([V3, v4]))
    opened = outcome(facts, "2026-03-05")
    replaced = more(facts, timeline=prepare([V3, v4, version(5, "2026-03-08 09:00", "2026-03-16")]))
    changes = reconcile(
        replaced, derive(replaced, at("2026-03-08 09:00")), opened.assignments, at("2026-03-08 09:00")
    )
    assert [(type(c), c.assignment.target_version) for c in changes] == [(Closed, 4), (Opened, 5)]
    assert isinstance(changes[0], Closed)
    assert (changes[0].reason, changes[0].detail) == (ClosingReason.SUPERSEDED_BY, "5")


@pytest.mark.part("R-54", "an assignment overtaken by older facts is withdrawn")
@pytest.mark.part("AE-14", "an assignment overtaken by older facts is withdrawn")
@pytest.mark.part("C-25", "an assignment overtaken by older facts is withdrawn")
def test_an_assignment_overtaken_by_older_facts_is_withdrawn() -> None:
    bare = cell(timeline=prepare([V3]))
    opened = outcome(bare, "2026-03-05")
    trained = cell(
        records=[record(3, "2024-12-31 10:00")], timeline=prepare([V3]), obligations=[span(asks="R")]
    )
    (closed,) = reconcile(trained, derive(trained, at("2026-03-06")), opened.assignments, at("2026-03-06"))
    assert isinstance(closed, Closed)
    assert closed.reason is ClosingReason.WITHDRAWN


@pytest.mark.part("R-54", "deriving again changes nothing")
@pytest.mark.part("AE-14", "deriving again changes nothing")
def test_deriving_again_changes_nothing() -> None:
    facts = with_v4(version(4, "2026-03-02 11:00", "2026-03-16"))
    first = derive(facts, at("2026-03-05"))
    assert reconcile(facts, first, first.assignments, at("2026-03-05")) == []


@pytest.mark.part("C-25", "credit by another way closes credited")
@pytest.mark.part("R-07", "credit by another way closes credited")
def test_credit_by_another_way_closes_credited() -> None:
    bare = cell(timeline=prepare([V3]))
    opened = outcome(bare, "2026-01-05")
    rule = Equivalence(
        "EQ-1", frozenset({3}), at("2026-02-01"), None, "B", frozenset({2}), (record(2, "2026-01-10 10:00"),)
    )
    credited = more(bare, equivalences=(rule,))
    (closed,) = reconcile(credited, derive(credited, at("2026-02-02")), opened.assignments, at("2026-02-02"))
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.at) == (ClosingReason.CREDITED, at("2026-02-01"))


@pytest.mark.part("C-20", "a shift that ends at the boundary is before it")
@pytest.mark.part("C-21", "a shift that ends at the boundary is before it")
def test_a_shift_that_ends_at_the_boundary_is_before_it() -> None:
    due = before(cell(who=person(shift="E")), at("2026-03-15 22:00"), at("2026-03-01"))
    assert (due.at, due.on) == (at("2026-03-15 22:00"), date(2026, 3, 15))
