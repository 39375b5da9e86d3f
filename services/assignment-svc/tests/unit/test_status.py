"""Which status and flags a cell has: what goes before what, and from which instant (C-02 to C-06, C-13)."""

from datetime import date

import pytest
from assignment_given import answer, at, cell, days, person, record, span, status, version
from assignment_svc.domain.facts import Exemption, Hold, OpenQuestion
from assignment_svc.domain.vocabulary import Basis, Flag, SourceClass
from plantkit.governing import prepare
from plantkit.time import start_of_day

V1 = prepare([version(1, "2020-01-01", "2020-01-15")])


@pytest.mark.part("C-03", "suspension goes before everything but not required")
@pytest.mark.part("R-71", "suspension goes before everything but not required")
def test_suspension_goes_before_everything_but_not_required() -> None:
    facts = cell(
        [span(start="2020-01-01", end="2026-06-01")],
        [record(1, "2026-01-10 10:00")],
        V1,
        holds=(Hold("H-1", at("2026-02-01 10:30"), at("2026-07-01")),),
    )
    assert status(facts, "2026-02-01 10:29:59") == "QUALIFIED"
    held = answer(facts, "2026-02-01 10:30")
    assert (held.status, held.verdict, held.completed_version) == ("SUSPENDED", "DENY", 1)
    assert [tuple(reason) for reason in held.reasons] == [("HOLD", "H-1")]
    assert status(facts, "2026-06-01") == "NOT_REQUIRED"


@pytest.mark.part("R-12", "an exemption is not required")
@pytest.mark.part("C-03", "an exemption is not required")
def test_an_exemption_is_not_required() -> None:
    facts = cell(
        [span(start="2020-01-01")],
        [record(1, "2026-01-10 10:00")],
        V1,
        exemptions=(Exemption("X-1", at("2026-02-01"), at("2026-03-01")),),
    )
    exempt = answer(facts, "2026-02-01")
    assert (exempt.status, exempt.governing_version) == ("NOT_REQUIRED", None)
    assert status(facts, "2026-03-01") == "QUALIFIED"


@pytest.mark.req("R-66")
@pytest.mark.part("C-03", "nothing governs before the first version and after retirement")
def test_nothing_governs_before_the_first_version_and_after_retirement() -> None:
    timeline = prepare([version(1, "2025-01-01", "2025-01-15")], at("2026-05-01"))
    facts = cell([span(start="2020-01-01")], [record(1, "2026-01-10 10:00")], timeline)
    assert [status(facts, when) for when in ("2025-01-14", "2025-01-15", "2026-05-01")] == [
        "NOT_REQUIRED",
        "NEVER_TRAINED",
        "NOT_REQUIRED",
    ]


@pytest.mark.part("C-03", "ojt at level supervised")
@pytest.mark.part("MX-13", "ojt at level supervised")
def test_ojt_at_level_supervised() -> None:
    facts = cell(
        [span(asks="RO", start="2020-01-01")],
        [record(1, "2026-01-10 10:00"), record(1, "2026-01-20 10:00", "O", supervised=True)],
        V1,
    )
    assert status(facts, "2026-01-15") == "INCOMPLETE"
    assert answer(facts, "2026-01-20 10:00").verdict == "ALLOW_WITH_CONDITION"
    without_reading = cell(
        [span(asks="RO", start="2020-01-01")],
        [record(1, "2026-01-20 10:00", "O", supervised=True)],
        V1,
    )
    assert status(without_reading, "2026-01-21") == "NEVER_TRAINED"


@pytest.mark.req("C-13")
@pytest.mark.part("C-03", "superseded names the highest fully met version")
def test_superseded_names_the_highest_fully_met_version() -> None:
    timeline = prepare([version(n, f"202{n}-01-01", f"202{n}-02-01", "read+quiz") for n in (1, 2, 3, 4)])
    facts = cell(
        [span(asks="RQ", start="2020-01-01")],
        [
            record(1, "2021-03-01 10:00", "RQ"),
            record(2, "2022-03-01 10:00", "RQ"),
            record(3, "2023-03-01 10:00", "R"),
        ],
        timeline,
    )
    last = answer(facts, "2024-03-01")
    assert (last.status, last.completed_version, last.expires_at) == ("SUPERSEDED", 2, None)


@pytest.mark.part("R-18", "flags of the records behind a credit")
@pytest.mark.part("R-62", "flags of the records behind a credit")
@pytest.mark.part("C-04", "flags of the records behind a credit")
def test_flags_of_the_records_behind_a_credit() -> None:
    late = record(1, "2026-01-10 10:00", source_class=SourceClass.LATE_ENTRY)
    migrated = record(
        1, "2025-01-10 10:00", "Q", source_class=SourceClass.MIGRATED, basis=Basis.GRANDFATHERED
    )
    facts = cell(
        [span(asks="RQ", start="2020-01-01")],
        [late, migrated],
        V1,
        questions=(OpenQuestion(at("2020-01-01"), None),),
    )
    assert answer(facts, "2026-01-11").flags == (
        Flag.GRANDFATHERED,
        Flag.LATE_ENTRY,
        Flag.MATRIX_UNRESOLVED,
        Flag.MIGRATED,
    )


@pytest.mark.part("C-34", "an open question is said while its source holds and changes nothing else")
def test_an_open_question_is_said_while_its_source_holds_and_changes_nothing_else() -> None:
    asked = OpenQuestion(at("2026-02-01"), at("2026-03-01"))
    facts = cell([span(start="2020-01-01")], [record(1, "2026-01-10 10:00")], V1, questions=(asked,))
    said = {
        when: answer(facts, when)
        for when in ("2026-01-31 23:59:59", "2026-02-01", "2026-02-28", "2026-03-01")
    }
    assert [Flag.MATRIX_UNRESOLVED in one.flags for one in said.values()] == [False, True, True, False]
    assert {one.status for one in said.values()} == {"QUALIFIED"}


@pytest.mark.part("C-34", "a cell that only a question speaks of is not required as far as anybody knows")
def test_a_cell_that_only_a_question_speaks_of_is_not_required_as_far_as_anybody_knows() -> None:
    facts = cell([], questions=(OpenQuestion(at("2026-02-01"), None),))
    before, since = answer(facts, "2026-01-31"), answer(facts, "2026-02-01")
    assert (before.status, before.flags) == ("NOT_REQUIRED", ())
    assert (since.status, since.flags) == ("NOT_REQUIRED", (Flag.MATRIX_UNRESOLVED,))


@pytest.mark.part("R-18", "a late entry counts from its own valid from")
def test_a_late_entry_counts_from_its_own_valid_from() -> None:
    facts = cell(
        [span(start="2020-01-01")],
        [record(1, "2026-01-10 10:00", source_class=SourceClass.LATE_ENTRY)],
        V1,
    )
    assert [status(facts, f"2026-01-10 {hour}") for hour in ("09:59:59", "10:00")] == [
        "NEVER_TRAINED",
        "QUALIFIED",
    ]


@pytest.mark.part("QM-06", "a held gate keeps the window open")
@pytest.mark.part("C-03", "a held gate keeps the window open")
def test_a_held_gate_keeps_the_window_open() -> None:
    gated = version(4, "2026-03-02", None, planned_at="2026-03-16")
    timeline = prepare([version(3, "2025-05-18", "2025-06-01"), gated])
    facts = cell(records=[record(3, "2025-06-02 10:00")], timeline=timeline)
    assert [answer(facts, when).status for when in ("2026-03-15", "2026-03-17")] == ["IN_WINDOW", "IN_WINDOW"]


@pytest.mark.req("C-06")
def test_a_tie_goes_to_the_highest_number_and_late_effective_wins() -> None:
    timeline = prepare(
        [
            version(1, "2025-01-01", "2025-02-01"),
            version(3, "2025-01-01", "2025-02-01"),
            version(2, "2025-01-01", "2025-03-01"),
        ]
    )
    governing = timeline.governing_at(at("2025-02-01"))
    assert governing is not None
    assert governing.number == 3
    governing = timeline.governing_at(at("2025-03-01"))
    assert governing is not None
    assert governing.number == 2


@pytest.mark.req("C-02")
@pytest.mark.part("R-41", "a day without midnight begins at its first instant")
def test_a_day_without_midnight_begins_at_its_first_instant() -> None:
    assert start_of_day(date(2018, 11, 4), "America/Sao_Paulo") == at("2018-11-04T03:00:00+00:00")
    assert start_of_day(date(2026, 3, 29), "Europe/Amsterdam") == at("2026-03-28T23:00:00+00:00")
    assert start_of_day(date(2018, 2, 18), "America/Sao_Paulo") == at("2018-02-18T03:00:00+00:00")


@pytest.mark.part("C-03", "not required outside employment whatever the source says")
def test_not_required_outside_employment_whatever_the_source_says() -> None:
    facts = cell(
        [span(start="2024-01-01")],
        [record(1, "2024-01-20 10:00")],
        V1,
        person(employed=[days("2025-01-01", "2026-01-01")]),
    )
    assert [status(facts, when) for when in ("2024-12-31", "2025-01-01", "2026-01-01")] == [
        "NOT_REQUIRED",
        "EXPIRING",
        "NOT_REQUIRED",
    ]
