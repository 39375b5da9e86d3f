"""Fixture F: both tables, at the instants given and one second before."""

from datetime import date

import pytest
from assignment_given import (
    AMSTERDAM,
    NEW_YORK,
    NL1,
    SOP_101,
    US1,
    answer,
    at,
    cell,
    days,
    outcome,
    person,
    record,
    span,
    status,
    tasks,
    version,
)
from assignment_svc.domain.closing import Closed
from assignment_svc.domain.qualification import derive, reconcile
from assignment_svc.domain.vocabulary import AssignmentState, ClosingReason, Flag, Trigger
from plantkit.governing import prepare

HR_EVENT = at("2026-03-01 09:00")
AT_US1 = prepare(
    [
        version(3, "2025-05-18", "2025-06-01", zone=NEW_YORK),
        version(4, "2026-03-02T10:00:00+00:00", "2026-03-23", zone=NEW_YORK, change="CC-7"),
    ]
)
HIRED = span(start="2026-03-10", trigger=Trigger.NEW_HIRE, recorded_at=HR_EVENT)
CELLS = {
    "ANA": cell(
        who=person("ANA", shift="N"), records=[record(3, "2025-05-27 22:40"), record(4, "2026-03-12 22:30")]
    ),
    "BEN": cell(who=person("BEN"), records=[record(3, "2025-05-28 10:00")]),
    "CHI": cell(
        who=person("CHI", leaves=[days("2026-03-01", "2026-04-16")]),
        records=[record(3, "2025-05-28 11:00")],
    ),
    "DEV": cell([HIRED], who=person("DEV", [days("2026-03-10")]), records=[record(4, "2026-03-12 10:00")]),
    "FAY": cell(
        [span(end="2026-03-20")],
        who=person("FAY", [days("2020-01-01", "2026-03-20")], shift="E"),
        records=[record(3, "2025-05-29 15:00")],
    ),
    "GIL": cell(
        [span(zone=NEW_YORK)],
        who=person("GIL"),
        records=[record(3, "2025-05-30 09:00", zone=NEW_YORK)],
        place=US1,
        timeline=AT_US1,
    ),
}
NAMES = ("ANA", "BEN", "CHI", "DEV", "FAY", "GIL")
Q, W, S, N, U, X = "QUALIFIED", "IN_WINDOW", "SUSPENDED", "NOT_REQUIRED", "NEVER_TRAINED", "SUPERSEDED"
TABLE = [
    ("2026-03-02 10:59:59", AMSTERDAM, (Q, Q, S, N, Q, Q)),
    ("2026-03-02 11:00", AMSTERDAM, (W, W, S, N, W, W)),
    ("2026-03-02 05:00", NEW_YORK, (W, W, S, N, W, W)),
    ("2026-03-09 23:59:59", AMSTERDAM, (W, W, S, N, W, W)),
    ("2026-03-10 00:00", AMSTERDAM, (W, W, S, U, W, W)),
    ("2026-03-12 09:59:59", AMSTERDAM, (W, W, S, U, W, W)),
    ("2026-03-12 10:00", AMSTERDAM, (W, W, S, U, W, W)),
    ("2026-03-12 22:29:59", AMSTERDAM, (W, W, S, U, W, W)),
    ("2026-03-12 22:30", AMSTERDAM, (Q, W, S, U, W, W)),
    ("2026-03-15 23:59:59", AMSTERDAM, (Q, W, S, U, W, W)),
    ("2026-03-16 00:00", AMSTERDAM, (Q, X, S, Q, X, W)),
    ("2026-03-19 23:59:59", AMSTERDAM, (Q, X, S, Q, X, W)),
    ("2026-03-20 00:00", AMSTERDAM, (Q, X, S, Q, N, W)),
    ("2026-03-22 23:59:59", NEW_YORK, (Q, X, S, Q, N, W)),
    ("2026-03-23 00:00", NEW_YORK, (Q, X, S, Q, N, X)),
    ("2026-04-15 23:59:59", AMSTERDAM, (Q, X, S, Q, N, X)),
    ("2026-04-16 00:00", AMSTERDAM, (Q, X, X, Q, N, X)),
]


@pytest.mark.req("C-01", "C-02")
@pytest.mark.part("R-01", "every status of the fixture at its instant")
@pytest.mark.part("R-02", "every status of the fixture at its instant")
@pytest.mark.part("R-03", "every status of the fixture at its instant")
@pytest.mark.part("R-05", "the governing version differs between two sites on one day")
@pytest.mark.part("R-13", "every status of the fixture at its instant")
@pytest.mark.part("R-16", "every status of the fixture at its instant")
@pytest.mark.part("C-03", "every status of the fixture at its instant")
@pytest.mark.part("C-06", "every status of the fixture at its instant")
@pytest.mark.part("QM-01", "every status of the fixture at its instant")
@pytest.mark.parametrize(("when", "zone", "expected"), TABLE)
def test_statuses(when: str, zone: str, expected: tuple[str, ...]) -> None:
    assert tuple(status(CELLS[name], when, zone) for name in NAMES) == expected


@pytest.mark.req("R-02", "C-10")
@pytest.mark.part("C-04", "dev has trained the next version only")
def test_dev_has_trained_the_next_version_only() -> None:
    before, on, after = (
        answer(CELLS["DEV"], when) for when in ("2026-03-12 09:59:59", "2026-03-12 10:00", "2026-03-16 00:00")
    )
    assert Flag.PRETRAINED_NEXT not in before.flags
    assert Flag.PRETRAINED_NEXT in on.flags
    assert (on.governing_version, on.completed_version) == (3, None)
    assert (after.governing_version, after.completed_version) == (4, 4)
    assert after.expires_at == at("2027-03-13")


@pytest.mark.req("C-13")
def test_ana_rests_on_v3_until_v4_governs() -> None:
    assert answer(CELLS["ANA"], "2026-03-12 22:30").completed_version == 3
    assert answer(CELLS["ANA"], "2026-03-16 00:00").completed_version == 4


@pytest.mark.req("R-01", "R-40", "AE-04")
@pytest.mark.part("R-05", "a revision is due by the effective instant of each site")
@pytest.mark.part("C-20", "a revision is due at the last shift before it takes effect")
@pytest.mark.part("C-21", "a revision is due at the last shift before it takes effect")
@pytest.mark.parametrize(
    ("name", "due"),
    [
        ("ANA", "2026-03-15T06:00+01:00"),
        ("BEN", "2026-03-15T14:00+01:00"),
        ("FAY", "2026-03-15T22:00+01:00"),
        ("GIL", "2026-03-22T14:00-04:00"),
    ],
)
def test_revision_is_due_at_the_last_shift_before_it_takes_effect(name: str, due: str) -> None:
    (task,) = outcome(CELLS[name], "2026-03-02 12:00").assignments
    assert (task.target_version, task.trigger, task.state) == (4, Trigger.REVISION, AssignmentState.OPEN)
    assert task.opened_at == at("2026-03-02T10:00:00+00:00")
    assert task.due_at == at(due)
    assert task.cause.change == "CC-7"
    assert outcome(CELLS[name], "2026-03-02 10:59:59").assignments == ()


@pytest.mark.part("C-20", "without a shift it is due when v4 takes effect")
@pytest.mark.part("C-21", "without a shift it is due when v4 takes effect")
def test_without_a_shift_it_is_due_when_v4_takes_effect() -> None:
    nobody = cell(who=person(shift=None), records=[record(3, "2025-05-27 22:40")])
    task = tasks(nobody, "2026-03-02 12:00")[4]
    assert task.due_at == at("2026-03-16T00:00+01:00")
    assert task.due_on == date(2026, 3, 15)


@pytest.mark.req("R-13", "C-22", "AE-10")
@pytest.mark.part("C-24", "chi is paused and resumes on return")
def test_chi_is_paused_and_resumes_on_return() -> None:
    paused = tasks(CELLS["CHI"], "2026-03-02 12:00")
    assert set(paused) == {4}
    assert (paused[4].trigger, paused[4].state) == (Trigger.REVISION, AssignmentState.PAUSED)
    assert paused[4].opened_at == at("2026-03-02T10:00:00+00:00")
    assert paused[4].due_at is None
    still = tasks(CELLS["CHI"], "2026-04-15 23:59")
    assert still == paused
    resumed = tasks(CELLS["CHI"], "2026-04-16 00:00")
    assert set(resumed) == {4}
    assert (resumed[4].id, resumed[4].state) == (paused[4].id, AssignmentState.OPEN)
    assert resumed[4].due_at == at("2026-04-24T00:00+02:00")


@pytest.mark.part("R-16", "a new hire inside a window has both versions open")
@pytest.mark.part("AE-01", "a new hire inside a window has both versions open")
@pytest.mark.part("AE-03", "a new hire inside a window has both versions open")
@pytest.mark.part("C-21", "a new hire inside a window has both versions open")
@pytest.mark.part("C-24", "a new hire inside a window has both versions open")
def test_dev_has_both_versions_open_as_new_hire() -> None:
    upcoming = tasks(CELLS["DEV"], "2026-03-01 12:00")
    assert upcoming[3].state is AssignmentState.UPCOMING
    untrained = cell([HIRED], who=person("DEV", [days("2026-03-10")]))
    opened = tasks(untrained, "2026-03-10 00:00")
    assert {number: (one.trigger, one.due_at) for number, one in opened.items()} == {
        3: (Trigger.NEW_HIRE, at("2026-04-10T00:00+02:00")),
        4: (Trigger.NEW_HIRE, at("2026-03-15T14:00+01:00")),
    }
    assert opened[3].id == upcoming[3].id


@pytest.mark.part("C-25", "dev v4 is completed and v3 superseded")
@pytest.mark.part("R-06", "dev v4 is completed and v3 superseded")
@pytest.mark.part("AE-16", "dev v4 is completed and v3 superseded")
def test_dev_v4_is_completed_and_v3_superseded() -> None:
    untrained = cell([HIRED], who=person("DEV", [days("2026-03-10")]))
    opened = derive(untrained, at("2026-03-11"))
    signed = derive(CELLS["DEV"], at("2026-03-12 10:00"))
    (done,) = reconcile(CELLS["DEV"], signed, opened.assignments, at("2026-03-12 10:00"))
    assert isinstance(done, Closed)
    assert (done.assignment.target_version, done.reason) == (4, ClosingReason.COMPLETED)
    effective = derive(CELLS["DEV"], at("2026-03-16"))
    (closed,) = reconcile(CELLS["DEV"], effective, signed.assignments, at("2026-03-16"))
    assert isinstance(closed, Closed)
    assert (closed.assignment.target_version, closed.reason) == (3, ClosingReason.SUPERSEDED_BY)
    assert (closed.detail, closed.at) == ("4", at("2026-03-16"))


@pytest.mark.part("C-25", "the open assignments of a leaver close SEPARATED")
@pytest.mark.part("AE-11", "the open assignments of a leaver close SEPARATED")
def test_fay_is_closed_separated() -> None:
    opened = derive(CELLS["FAY"], at("2026-03-02 12:00"))
    gone = derive(CELLS["FAY"], at("2026-03-20"))
    assert gone.assignments == ()
    (closed,) = reconcile(CELLS["FAY"], gone, opened.assignments, at("2026-03-20"))
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.at) == (ClosingReason.SEPARATED, at("2026-03-20"))


@pytest.mark.part("C-21", "ben stays overdue with the same assignment after v4 governs")
@pytest.mark.part("R-03", "ben stays overdue with the same assignment after v4 governs")
def test_ben_stays_overdue_with_the_same_assignment_after_v4_governs() -> None:
    before = tasks(CELLS["BEN"], "2026-03-02 12:00")[4]
    after = tasks(CELLS["BEN"], "2026-04-01 12:00")
    assert after == {4: before}


@pytest.mark.part("C-02", "the place gives the zone of a day")
def test_the_place_gives_the_zone() -> None:
    assert NL1.zone != US1.zone
    assert SOP_101.governing_at(at("2026-03-15T23:59:59.999999+01:00")) is SOP_101.versions[3]
    assert SOP_101.governing_at(at("2026-03-16T00:00+01:00")) is SOP_101.versions[4]
