"""What the rows are made of: literals that COPY and PostgreSQL read as they are meant."""

from __future__ import annotations

from datetime import date

import pytest
from attest_contracts.reading import CONTRACTS
from reporting_svc.domain.differences import difference
from reporting_svc.projections import wire
from reporting_svc.projections.bulk import lines
from reporting_testing import event, qualification, segment, utc
from servicekit.bus import Intake


def test_a_line_is_escaped_where_it_must_be() -> None:
    rows = [("plain", 1, None, True), ("tab\there", 2, None, False), ("back\\slash\nline", 3, "\r", True)]
    assert list(lines(rows, 4)) == [
        "plain\t1\t\x01\tt\n",
        "tab\\there\t2\t\x01\tf\n",
        "back\\\\slash\\nline\t3\t\\r\tt\n",
    ]


def test_arrays_and_stretches() -> None:
    assert wire.array([]) == "{}"
    assert wire.array(["a", 'b"\\']) == '{"a","b\\"\\\\"}'
    assert wire.stretch(utc("2026-01-01T00:00Z"), None) == '["2026-01-01 00:00:00+00:00","infinity")'
    assert wire.days(date(2026, 1, 1), None) == "[2026-01-01,)"
    assert wire.days(date(2026, 1, 2), date(2026, 1, 2)) == "empty"


@pytest.mark.part("RP-17", "leave is distinguished from other suspensions, and an unknown verdict denies")
def test_leave_is_told_from_other_suspensions_and_an_unknown_verdict_denies() -> None:
    begin = "2026-03-01T00:00Z"
    segments = [
        segment(begin, "2026-03-02T00:00Z", "SUSPENDED", reasons=[{"code": "ON_LEAVE", "detail": "l"}]),
        segment("2026-03-02T00:00Z", "2026-03-03T00:00Z", "SUSPENDED", reasons=[{"code": "HOLD"}]),
        segment("2026-03-03T00:00Z", None, "QUALIFIED", verdict="PERHAPS"),
    ]
    found = event(
        "assignment.qualification", qualification("ANA", "SOP-101", segments), utc(begin), check=False
    )
    assert [row[4:7] for row in wire.segments(Intake(CONTRACTS).typed(found))] == [
        ("SUSPENDED", "DENY", True),
        ("SUSPENDED", "DENY", False),
        ("QUALIFIED", "DENY", False),
    ]


@pytest.mark.part("N-02", "a difference names fields and records")
def test_a_difference_names_fields_and_records() -> None:
    before = {"status": "SUPERSEDED", "verdict": "DENY", "flags": [], "records": ["r-3"]}
    after = {"status": "QUALIFIED", "verdict": "ALLOW", "flags": ["LATE_ENTRY"], "records": ["r-4"]}
    found = difference(before, after)
    assert found.changed == ("status", "verdict", "flags")
    assert (found.records_gained, found.records_lost, found.same) == (("r-4",), ("r-3",), False)
    assert difference(before, dict(before)).same
    assert not difference(None, after).same
