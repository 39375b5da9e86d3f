"""Training history (C-33): the order of reasons, zones, warnings."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from plantfiles.kinds.training_history import HistoryRecord

FILE = "training_history.csv"


def record(plan, source_record: str) -> HistoryRecord:
    (found,) = [
        row
        for row in plan.taken(FILE)
        if isinstance(row, HistoryRecord) and row.source_record == source_record
    ]
    return found


@pytest.mark.req("C-33")
@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("P9,SOP-9,9,yesterday,tell,140,P9,L-9", "employee_no", "PERSON_UNKNOWN"),
        ("P1,SOP-9,9,yesterday,tell,140,P1,L-9", "document", "DOCUMENT_UNKNOWN"),
        ("P1,SOP-1,9,yesterday,tell,140,P1,L-9", "version", "VERSION_UNKNOWN"),
        ("P1,SOP-1,01,yesterday,tell,140,P1,L-9", "version", "VERSION_UNKNOWN"),
        ("P1,SOP-1,1,yesterday,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,45321,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,2025-02-30T10:00:00+01:00,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,2025-02-30T10:00:00,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,2025-02-20,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,2025-02-20T10:00:60+01:00,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,2025-02-20T10:00:00-00:00,tell,140,P1,L-9", "completed_at", "NOT_A_DATE_TIME"),
        ("P1,SOP-1,1,2023-02-20T10:00:00,tell,140,P1,L-9", "completed_at", "NO_OFFSET"),
        ("P1,SOP-1,1,2024-01-09T23:59:59+01:00,tell,140,P1,L-9", "completed_at", "BEFORE_APPROVAL"),
        ("P1,SOP-1,1,2026-11-02T00:00:00+01:00,tell,140,P1,L-9", "completed_at", "AFTER_EXPORT"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,tell,140,P1,L-9", "evaluator_no", "EVALUATOR_IS_TRAINEE"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,tell,140,P3,L-9", "score", "SCORE_INVALID"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,quiz,-1,,L-9", "score", "SCORE_INVALID"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,quiz,100.01,,L-9", "score", "SCORE_INVALID"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,quiz,1e1,,L-9", "score", "SCORE_INVALID"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,tell,80,,L-9", "method", "METHOD_UNKNOWN"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,read+read,,,L-9", "method", "METHOD_UNKNOWN"),
        ("P1,SOP-1,1,2025-02-20T10:00:00+01:00,read,,,", "source_record", "VALUE_MISSING"),
    ],
)
def test_the_first_reason_in_the_order_of_the_rule_is_the_only_one(plant, told, row, column, reason) -> None:
    plant.add(FILE, row)
    plan = plant.check()
    assert told(plan) == [f"R {FILE}:4 {column} {reason}"]
    assert (plan.counts(FILE).taken, plan.counts(FILE).refused) == (2, 1)


@pytest.mark.req("C-33")
@pytest.mark.part("C-02", "days are those of the persons site")
def test_days_are_those_of_the_persons_site(plant, told) -> None:
    """P2 is in New York: 10 January begins there at 05:00 UTC, and 1 November ends at 05:00 UTC on the 2nd."""
    plant.add(
        FILE,
        "P2,EHS-1,1,2024-01-10T04:59:59Z,read,,,L-3",
        "P2,EHS-1,1,2024-01-10T05:00:00Z,read,,,L-4",
        "P2,EHS-1,1,2026-11-02T04:59:59Z,read,,,L-5",
        "P2,EHS-1,1,2026-11-02T05:00:00Z,read,,,L-6",
    )
    plan = plant.check()
    refused = [line for line in told(plan) if line.startswith("R")]
    assert refused == [f"R {FILE}:4 completed_at BEFORE_APPROVAL", f"R {FILE}:7 completed_at AFTER_EXPORT"]


@pytest.mark.req("C-33")
def test_an_offset_that_is_not_the_zones_is_warned_and_the_instant_stands_as_written(plant, told) -> None:
    plant.add(FILE, "P1,SOP-1,1,2024-07-05T09:00:00+01:00,read,,,L-3")
    plan = plant.check()
    assert told(plan) == [f"W {FILE}:4 completed_at OFFSET_NOT_OF_ZONE"]
    assert record(plan, "L-3").completed_at == datetime(2024, 7, 5, 8, tzinfo=UTC)
    assert record(plan, "L-3").completed_at.isoformat() == "2024-07-05T09:00:00+01:00"


@pytest.mark.req("C-33")
@pytest.mark.part("C-08", "a doubtful record is taken with a warning")
@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("P2,SOP-1,1,2026-06-01T00:00:00-04:00,read,,,L-3", "completed_at", "AFTER_EMPLOYMENT"),
        ("P2,SOP-1,1,2024-02-29T23:59:59-05:00,read,,,L-3", "completed_at", "BEFORE_HIRE"),
        ("P1,SOP-1,1,2024-07-05T09:00:00+02:00,ojt,,,L-3", "evaluator_no", "OJT_WITHOUT_EVALUATOR"),
        ("P1,SOP-1,1,2024-07-05T09:00:00+02:00,read+ojt,,,L-3", "evaluator_no", "OJT_WITHOUT_EVALUATOR"),
        ("P1,SOP-1,1,2024-07-05T09:00:00+02:00,quiz,,,L-3", "score", "QUIZ_WITHOUT_SCORE"),
        ("P1,SOP-1,1,2024-07-05T09:00:00+02:00,ojt,,P99,L-3", "evaluator_no", "EVALUATOR_UNKNOWN"),
    ],
)
def test_a_doubtful_record_is_taken_with_a_warning(plant, told, row, column, reason) -> None:
    plant.add(FILE, row)
    plan = plant.check()
    assert told(plan) == [f"W {FILE}:4 {column} {reason}"]
    assert plan.counts(FILE).taken == 3


@pytest.mark.part("C-33", "the last day of employment is no doubt")
def test_the_last_day_of_employment_is_no_doubt(plant, told) -> None:
    plant.add(FILE, "P2,SOP-1,1,2026-05-31T23:59:59-04:00,read,,,L-3")
    assert told(plant.check()) == []


@pytest.mark.req("C-33")
@pytest.mark.parametrize(
    ("rule", "zone", "at"),
    [
        ("site", "Europe/Amsterdam", datetime(2024, 7, 5, 7, tzinfo=UTC)),
        ("America/New_York", "America/New_York", datetime(2024, 7, 5, 13, tzinfo=UTC)),
    ],
)
def test_a_named_zone_rule_takes_a_time_without_offset_and_the_record_says_so(
    plant, told, rule, zone, at
) -> None:
    plant.add(FILE, "P1,SOP-1,1,2024-07-05T09:00:00,read,,,L-3")
    plan = plant.check(zone_rule=rule)
    assert told(plan) == []
    assert record(plan, "L-3").completed_at == at
    assert record(plan, "L-3").zone_rule == zone
    assert record(plan, "L-1").zone_rule is None


@pytest.mark.part("C-33", "a zone rule guesses no time that existed never or twice")
def test_a_zone_rule_guesses_no_time_that_existed_never_or_twice(plant, told) -> None:
    plant.add(
        FILE,
        "P1,SOP-1,1,2025-03-30T02:30:00,read,,,L-3",
        "P1,SOP-1,1,2025-10-26T02:30:00,read,,,L-4",
    )
    assert told(plant.check(zone_rule="site")) == [
        f"R {FILE}:4 completed_at TIME_SKIPPED",
        f"R {FILE}:5 completed_at TIME_REPEATED",
    ]


def test_a_zone_rule_must_be_a_zone(plant) -> None:
    with pytest.raises(ValueError, match="Europe/Leiden"):
        plant.check(zone_rule="Europe/Leiden")


@pytest.mark.part("R-62", "a record names its methods score and place")
@pytest.mark.part("C-08", "a record names its methods score and place")
def test_a_record_names_its_methods_score_and_place(plant) -> None:
    plant.add(FILE, "P1,SOP-1,1,2024-07-05T09:00:00.250+02:00,ojt+quiz+read,87.5,P3,L-3")
    taken = record(plant.check(), "L-3")
    assert taken.methods == ("R", "Q", "O")
    assert taken.score == Decimal("87.5")
    assert (taken.site, taken.time_zone) == ("NL1", "Europe/Amsterdam")
    assert taken.completed_at_text == "2024-07-05T09:00:00.250+02:00"
    assert taken.completed_at.microsecond == 250_000
