"""Section "Where two rules meet": cell R12, site NL1."""

from dataclasses import replace
from datetime import date

import pytest
from assignment_given import (
    NEW_YORK,
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
from assignment_svc.domain.facts import CellFacts, Equivalence, RetrainingOrder, TrainingRecord, Waiver
from assignment_svc.domain.qualification import derive, reconcile
from assignment_svc.domain.vocabulary import AssignmentState, ClosingReason, Trigger
from plantkit.governing import prepare

CHI_LEAVE = [days("2026-03-01", "2026-04-16")]
ONLY_V3 = prepare([version(3, "2025-01-01", "2025-01-15")])


MOVED = at("2026-03-10T00:00-04:00")
"""From NL1 to US1, where v4 takes effect a week later; told on 1 March."""
AT_US1 = prepare(
    [
        version(3, "2025-05-18", "2025-06-01", zone=NEW_YORK),
        version(4, "2026-03-02T10:00:00+00:00", "2026-03-23", zone=NEW_YORK),
    ]
)


def moved(*trained: TrainingRecord) -> tuple[CellFacts, CellFacts]:
    """The cells of one person at the site that she leaves and at the one that she comes to."""
    left = span(start="2025-01-01")
    came = span(
        start="2026-03-10",
        zone=NEW_YORK,
        trigger=Trigger.MATRIX_ENROLMENT,
        recorded_at=at("2026-03-01 09:00"),
        spell_from=date(2026, 3, 10),
    )
    return (
        cell([replace(left, valid_to=at("2026-03-10"))], trained),
        cell([came], trained, timeline=AT_US1, place=US1),
    )


@pytest.mark.req("R-43")
@pytest.mark.part("C-21", "a site move while a revision is due")
@pytest.mark.part("C-09", "a site move while a revision is due")
def test_16_site_move_with_a_revision_due() -> None:
    old, new = moved(record(3, "2025-05-27 22:40"))
    open_there = outcome(old, "2026-03-09").assignments
    assert [(a.target_version, a.due_at) for a in open_there] == [(4, at("2026-03-15 14:00"))]
    (closed,) = reconcile(old, derive(old, MOVED), open_there, MOVED)
    assert isinstance(closed, Closed)
    assert closed.reason is ClosingReason.NO_LONGER_REQUIRED
    assert status(new, "2026-03-10", NEW_YORK) == "IN_WINDOW"
    # The revision follows the new place: its effective instant, its shifts, its zone; never into the past.
    (task,) = derive(new, MOVED).assignments
    assert (task.target_version, task.state) == (4, AssignmentState.OPEN)
    assert (task.due_at, task.due_zone) == (at("2026-03-22 14:00", NEW_YORK), NEW_YORK)
    assert not task.first_due_was_past
    assert status(new, "2026-03-22 23:59:59", NEW_YORK) == "IN_WINDOW"
    assert status(new, "2026-03-23", NEW_YORK) == "SUPERSEDED"


@pytest.mark.req("R-43")
@pytest.mark.part("C-09", "an expiry keeps the zone of the place of the record")
def test_16_an_expiry_keeps_the_zone_of_the_place_of_the_record() -> None:
    _, new = moved(record(3, "2025-05-27 22:40"), record(4, "2026-03-08 10:00"))
    there = answer(new, "2026-03-23", NEW_YORK)
    assert (there.status, there.expires_at) == ("QUALIFIED", at("2027-03-09"))
    assert there.expires_at != at("2027-03-09", NEW_YORK)
    (task,) = outcome(new, "2027-02-20", NEW_YORK).assignments
    assert (task.trigger, task.due_at) == (Trigger.RECURRENCE, at("2027-03-09"))


@pytest.mark.req("R-13", "C-13")
@pytest.mark.part("C-03", "a leave that is longer than the interval")
def test_2_leave_and_expiry() -> None:
    facts = cell(records=[record(3, "2025-03-20 10:00")], timeline=ONLY_V3, who=person(leaves=CHI_LEAVE))
    assert status(facts, "2026-03-25") == "SUSPENDED"
    back = answer(facts, "2026-04-16")
    assert (back.status, back.expires_at) == ("LAPSED", at("2026-03-21T00:00+01:00"))


@pytest.mark.req("R-73")
def test_3_expiry_before_the_revision_takes_effect() -> None:
    facts = cell(records=[record(3, "2025-03-10 10:00")])
    assert status(facts, "2026-03-10 23:59:59") == "IN_WINDOW"
    assert [status(facts, f"2026-03-{day}") for day in (11, 15)] == ["LAPSED", "LAPSED"]
    both = tasks(facts, "2026-03-05")
    assert {number: one.trigger for number, one in both.items()} == {
        3: Trigger.RECURRENCE,
        4: Trigger.REVISION,
    }
    assert both[3].opened_at == at("2026-02-08")
    assert both[3].due_at == at("2026-03-11")
    early = cell(records=[record(3, "2025-03-10 10:00"), record(4, "2026-03-05 10:00")])
    assert status(early, "2026-03-12") == "LAPSED"
    assert status(early, "2026-03-16") == "QUALIFIED"
    redone = cell(records=[record(3, "2025-03-10 10:00"), record(3, "2026-03-08 10:00")])
    assert status(redone, "2026-03-12") == "IN_WINDOW"


@pytest.mark.req("R-73")
def test_3_expiry_after_the_revision_takes_effect_asks_for_the_new_version_only() -> None:
    facts = cell(records=[record(3, "2025-03-20 10:00")])
    assert set(tasks(facts, "2026-03-01")) == {3}
    assert set(tasks(facts, "2026-03-05")) == {4}
    opened = outcome(facts, "2026-03-01").assignments
    later = derive(facts, at("2026-03-05"))
    closed = [c for c in reconcile(facts, later, opened, at("2026-03-05")) if isinstance(c, Closed)]
    assert [(c.reason, c.detail, c.at) for c in closed] == [
        (ClosingReason.SUPERSEDED_BY, "4", at("2026-03-02T10:00Z"))
    ]


@pytest.mark.req("R-15")
@pytest.mark.part("MX-04", "removing one of two sources closes nothing")
@pytest.mark.part("C-05", "one of two roles is removed")
def test_4_two_roles_one_removed() -> None:
    sup = span("job_function/SUP", start="2025-01-01", end="2026-05-01")
    both = cell([span(), sup], [record(3, "2025-06-02 10:00")], timeline=ONLY_V3)
    before, after = answer(both, "2026-04-30 23:59"), answer(both, "2026-05-01 00:00")
    assert before[2:11] == after[2:11]
    assert (before.sources, after.sources) == (
        ("job_function/OPR", "job_function/SUP"),
        ("job_function/OPR",),
    )
    open_before = outcome(both, "2026-05-05").assignments
    assert reconcile(both, derive(both, at("2026-05-06")), open_before, at("2026-05-06")) == []
    ended = cell([span(end="2026-05-20"), sup], [record(3, "2025-06-02 10:00")], timeline=ONLY_V3)
    assert status(ended, "2026-05-20") == "NOT_REQUIRED"
    (closed,) = reconcile(ended, derive(ended, at("2026-05-20")), open_before, at("2026-05-20"))
    assert isinstance(closed, Closed)
    assert closed.reason is ClosingReason.NO_LONGER_REQUIRED


@pytest.mark.part("AE-02", "a role change inside a window opens both versions")
@pytest.mark.part("C-21", "a role change inside a window opens both versions")
@pytest.mark.part("C-24", "a role change inside a window opens both versions")
def test_5_role_change_inside_a_window() -> None:
    move = span(start="2026-03-05", trigger=Trigger.ROLE_CHANGE, recorded_at=at("2026-03-05 09:00"))
    opened = tasks(cell([move]), "2026-03-06")
    assert {number: one.trigger for number, one in opened.items()} == {
        3: Trigger.ROLE_CHANGE,
        4: Trigger.ROLE_CHANGE,
    }
    assert opened[3].due_at == at("2026-04-05")
    assert opened[4].due_at == at("2026-03-15 14:00")


@pytest.mark.part("AE-03", "a role change that is known before is due before it starts")
@pytest.mark.part("C-21", "a role change that is known before is due before it starts")
def test_5_a_role_change_known_before_is_due_before_it_starts() -> None:
    move = span(start="2026-05-01", trigger=Trigger.ROLE_CHANGE, recorded_at=at("2026-04-01 09:00"))
    (task,) = outcome(cell([move]), "2026-04-02").assignments
    assert (task.target_version, task.state) == (4, AssignmentState.UPCOMING)
    assert task.due_at == at("2026-04-30 14:00")
    assert outcome(cell([move]), "2026-05-01").assignments[0].id == task.id


@pytest.mark.req("R-74")
@pytest.mark.part("R-07", "an editorial version while overdue keeps the old due")
@pytest.mark.part("QM-05", "an editorial version while overdue keeps the old due")
def test_6_editorial_while_overdue_keeps_the_old_due() -> None:
    hire = span(start="2025-09-01", trigger=Trigger.NEW_HIRE)
    timeline = prepare(
        [version(3, "2025-05-18", "2025-06-01"), version(4, "2025-11-01", "2025-11-10", "none")]
    )
    facts = cell([hire], timeline=timeline, who=person(employed=[days("2025-09-01")]))
    old = tasks(facts, "2025-11-05")
    new = tasks(facts, "2025-11-10")
    assert (set(old), set(new)) == ({3}, {4})
    assert (new[4].trigger, new[4].due_at) == (Trigger.NEW_HIRE, old[3].due_at)
    assert new[4].opened_at == old[3].opened_at
    changes = reconcile(facts, derive(facts, at("2025-11-10")), old.values(), at("2025-11-10"))
    closed = [change for change in changes if isinstance(change, Closed)]
    assert [(c.reason, c.detail) for c in closed] == [(ClosingReason.SUPERSEDED_BY, "4")]


@pytest.mark.part("R-07", "an editorial version takes effect inside a leave")
@pytest.mark.part("C-11", "an editorial version takes effect inside a leave")
def test_8_editorial_effective_inside_a_leave() -> None:
    timeline = prepare(
        [version(3, "2025-05-18", "2025-06-01"), version(4, "2026-03-10", "2026-03-20", "none")]
    )
    facts = cell(records=[record(3, "2025-06-02 10:00")], timeline=timeline, who=person(leaves=CHI_LEAVE))
    assert status(facts, "2026-03-20") == "SUSPENDED"
    back = answer(facts, "2026-04-16")
    assert (back.status, back.governing_version, back.completed_version) == ("CARRIED_FORWARD", 4, 3)


@pytest.mark.part("R-08", "a date is moved during a leave")
@pytest.mark.part("C-22", "a date is moved during a leave")
@pytest.mark.part("C-23", "a date is moved during a leave")
@pytest.mark.part("AE-09", "a date is moved during a leave")
def test_9_date_moved_and_leave() -> None:
    moved = version(4, "2026-03-02T10:00:00+00:00", "2026-04-30", moved_at="2026-03-10 09:00", change="CC-7")
    timeline = prepare([version(3, "2025-05-18", "2025-06-01"), moved])
    facts = cell(records=[record(3, "2025-05-28 11:00")], timeline=timeline, who=person(leaves=CHI_LEAVE))
    back = answer(facts, "2026-04-16")
    assert (back.status, back.governing_version) == ("IN_WINDOW", 3)
    assert tasks(facts, "2026-04-16")[4].due_at == at("2026-04-29 14:00")


@pytest.mark.part("R-12", "a waiver ends with the version it was written for")
@pytest.mark.part("AE-12", "a waiver ends with the version it was written for")
def test_10_waiver_ends_with_the_version_it_was_written_for() -> None:
    waiver = Waiver("W-1", 3, at("2026-03-01"), at("2026-05-01"), "works under supervision")
    facts = cell(waivers=(waiver,))
    assert status(facts, "2026-03-01") == "WAIVED"
    assert answer(facts, "2026-03-01").verdict == "ALLOW_WITH_CONDITION"
    assert status(facts, "2026-02-28 23:59:59") == "NEVER_TRAINED"
    assert status(facts, "2026-03-16") == "NEVER_TRAINED"
    opened = outcome(facts, "2026-02-28").assignments
    changes = reconcile(facts, derive(facts, at("2026-03-01")), opened, at("2026-03-01"))
    assert [(c.reason, c.detail) for c in changes if isinstance(c, Closed)] == [(ClosingReason.WAIVED, "W-1")]


def capa(**more: object) -> RetrainingOrder:
    values: dict = {
        "id": "CAPA-12",
        "trigger": Trigger.CAPA,
        "start": at("2026-01-10"),
        "due_on": date(2026, 3, 10),
    }
    return RetrainingOrder(**{**values, **more})


@pytest.mark.part("R-26", "an order and a revision")
@pytest.mark.parametrize(
    ("number", "when", "only", "satisfied"),
    [
        (3, "2026-01-09 10:00", False, False),
        (3, "2026-01-11 10:00", False, True),
        (4, "2026-03-01 10:00", False, False),
        (4, "2026-03-05 10:00", False, True),
        (4, "2026-03-05 10:00", True, False),
    ],
    ids=["before the action", "named", "later, not yet next", "later, next when signed", "this only"],
)
def test_11_order_and_revision(number: int, when: str, only: bool, satisfied: bool) -> None:
    facts = cell(
        records=[record(3, "2025-06-02 10:00"), record(number, when)],
        orders=(capa(version=3, this_version_only=only),),
    )
    assert (status(facts, "2026-03-11 00:00") != "SUSPENDED") is satisfied
    assert status(facts, "2026-03-10 23:59:59") != "SUSPENDED"


@pytest.mark.part("R-72", "an order is a need beside a valid record")
@pytest.mark.part("C-24", "an order is a need beside a valid record")
@pytest.mark.part("AE-05", "an order is a need beside a valid record")
def test_11_an_order_is_a_need_beside_a_valid_record() -> None:
    facts = cell(records=[record(3, "2025-09-02 10:00")], timeline=ONLY_V3, orders=(capa(),))
    (task,) = outcome(facts, "2026-02-01").assignments
    assert (task.trigger, task.due_at) == (Trigger.CAPA, at("2026-03-11"))
    done = cell(
        records=[record(3, "2025-09-02 10:00"), record(3, "2026-02-03 10:00")],
        timeline=ONLY_V3,
        orders=(capa(),),
    )
    (closed,) = reconcile(done, derive(done, at("2026-02-04")), [task], at("2026-02-04"))
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.at) == (ClosingReason.COMPLETED, at("2026-02-03 10:00"))


@pytest.mark.part("R-72", "an order whose due passes on leave")
@pytest.mark.part("R-13", "an order whose due passes on leave")
def test_12_order_due_on_leave() -> None:
    facts = cell(
        records=[record(3, "2025-09-02 10:00")],
        timeline=ONLY_V3,
        orders=(capa(),),
        who=person(leaves=CHI_LEAVE),
    )
    on_leave, back = answer(facts, "2026-04-15"), answer(facts, "2026-04-16")
    assert [reason.code for reason in on_leave.reasons] == ["ON_LEAVE", "RETRAINING_OVERDUE"]
    assert (back.status, [reason.code for reason in back.reasons]) == ("SUSPENDED", ["RETRAINING_OVERDUE"])


@pytest.mark.part("R-14", "records of before count after a rehire while version, interval and gap allow")
@pytest.mark.part("AE-11", "records of before count after a rehire while version, interval and gap allow")
def test_13_rehire() -> None:
    spells = [span(end="2026-02-01"), span(start="2026-06-01", trigger=Trigger.NEW_HIRE)]
    trained = [record(3, "2025-09-10 10:00")]
    soon = cell(
        spells, trained, ONLY_V3, person(employed=[days("2020-01-01", "2026-02-01"), days("2026-06-01")])
    )
    assert status(soon, "2026-05-31 23:59") == "NOT_REQUIRED"
    assert status(soon, "2026-06-01") == "QUALIFIED"
    assert status(soon, "2026-09-11 00:00") == "LAPSED"
    late = cell(
        [span(asks="R36", end="2026-02-01"), span(asks="R36", start="2027-03-01")],
        trained,
        ONLY_V3,
        person(employed=[days("2020-01-01", "2026-02-01"), days("2027-03-01")]),
    )
    assert status(late, "2026-01-31") == "QUALIFIED"
    assert status(late, "2027-03-01") == "NEVER_TRAINED"


@pytest.mark.part("MX-15", "an equivalence and a revision of the target")
@pytest.mark.part("R-11", "an equivalence and a revision of the target")
def test_14_equivalence_and_revision() -> None:
    timeline = prepare([version(5, "2025-01-01", "2025-01-15"), version(6, "2026-04-20", "2026-05-01")])
    rule = Equivalence(
        "EQ-1",
        frozenset({5}),
        at("2026-01-01"),
        at("2026-07-01"),
        "B",
        frozenset({2, 3}),
        (record(2, "2026-02-03 10:00"),),
    )
    until_may = cell(timeline=timeline, equivalences=(rule,))
    assert status(until_may, "2026-02-03 09:59:59") == "NEVER_TRAINED"
    assert status(until_may, "2026-02-03 10:00") == "QUALIFIED"
    assert [reason.code for reason in answer(until_may, "2026-02-04").reasons] == ["EQUIVALENCE"]
    assert status(until_may, "2026-05-01") == "SUPERSEDED"
    no_revision = cell(timeline=prepare([version(5, "2025-01-01", "2025-01-15")]), equivalences=(rule,))
    assert status(no_revision, "2026-06-30 23:59") == "EXPIRING"
    assert status(no_revision, "2026-07-01") == "LAPSED"


@pytest.mark.req("R-75", "MX-05")
@pytest.mark.part("C-21", "a shorter interval by a new source")
@pytest.mark.part("C-24", "a shorter interval by a new source")
def test_15_shorter_interval_by_a_new_source() -> None:
    signed = at("2026-04-10 15:00")
    area = span(
        "area/NL1/GA", "R6", "2026-05-01", "2026-06-01", trigger=Trigger.MATRIX_CHANGE, recorded_at=signed
    )
    facts = cell([span(), area], [record(3, "2025-09-01 10:00")], ONLY_V3)
    assert status(facts, "2026-04-30 23:59:59") == "QUALIFIED"
    assert status(facts, "2026-05-01") == "LAPSED"
    assert status(facts, "2026-06-01") == "QUALIFIED"
    (task,) = outcome(facts, "2026-04-11").assignments
    assert (task.trigger, task.state, task.opened_at) == (
        Trigger.MATRIX_CHANGE,
        AssignmentState.OPEN,
        signed,
    )
    assert task.due_at == at("2026-04-30 14:00")
    assert outcome(facts, "2026-05-02").assignments == (task,)
    (closed,) = reconcile(facts, derive(facts, at("2026-06-01")), [task], at("2026-06-01"))
    assert isinstance(closed, Closed)
    assert closed.reason is ClosingReason.NO_LONGER_REQUIRED


@pytest.mark.req("R-34")
def test_17_entered_in_error_and_an_earlier_record() -> None:
    timeline = prepare([version(4, "2025-01-01", "2025-01-05")])
    early = record(4, "2026-01-10 10:00")
    late = record(4, "2026-12-05 10:00", entered_in_error=True)
    facts = cell(records=[early, late], timeline=timeline)
    assert answer(facts, "2026-12-06").expires_at == at("2027-01-11")
    assert outcome(facts, "2026-12-10").assignments == ()
    assert outcome(facts, "2026-12-11").assignments[0].trigger is Trigger.RECURRENCE


@pytest.mark.req("R-04")
def test_18_temporary_version() -> None:
    timeline = prepare(
        [
            version(3, "2025-05-18", "2025-06-01"),
            version(4, "2026-02-25", "2026-03-01", ends_at="2026-03-15"),
        ]
    )
    facts = cell(records=[record(3, "2025-06-02 10:00")], timeline=timeline)
    assert status(facts, "2026-02-28 23:59:59") == "IN_WINDOW"
    temporary = answer(facts, "2026-03-01")
    assert (temporary.status, temporary.governing_version, temporary.completed_version) == (
        "SUPERSEDED",
        4,
        3,
    )
    again = answer(facts, "2026-03-15")
    assert (again.status, again.governing_version) == ("QUALIFIED", 3)


@pytest.mark.req("R-09", "QM-18")
@pytest.mark.part("C-25", "withdrawn before effective")
def test_withdrawn_before_effective() -> None:
    withdrawn = version(4, "2026-03-02T10:00:00+00:00", "2026-03-16", withdrawn_at="2026-03-09 12:00")
    timeline = prepare([version(3, "2025-05-18", "2025-06-01"), withdrawn])
    facts = cell(records=[record(3, "2025-06-02 10:00")], timeline=timeline)
    assert [status(facts, f"2026-03-{day:02}") for day in (5, 10, 20)] == [
        "IN_WINDOW",
        "QUALIFIED",
        "QUALIFIED",
    ]
    opened = outcome(
        cell(records=[record(3, "2025-06-02 10:00")], timeline=SOP_101), "2026-03-05"
    ).assignments
    (closed,) = reconcile(facts, derive(facts, at("2026-03-09 12:00")), opened, at("2026-03-09 12:00"))
    assert isinstance(closed, Closed)
    assert closed.reason is ClosingReason.WITHDRAWN


@pytest.mark.req("R-04")
def test_withdrawn_while_it_governs_the_one_before_governs_again() -> None:
    timeline = prepare(
        [
            version(4, "2025-05-18", "2025-06-01"),
            version(5, "2026-02-01", "2026-03-01", withdrawn_at="2026-03-20 09:00"),
        ]
    )
    facts = cell(records=[record(4, "2025-06-02 10:00")], timeline=timeline)
    assert answer(facts, "2026-03-01").status == "SUPERSEDED"
    again = answer(facts, "2026-03-20 09:00")
    assert (again.status, again.governing_version, again.completed_version) == ("QUALIFIED", 4, 4)
