"""The percentage and what it leaves out."""

from __future__ import annotations

import pytest
from reporting_svc.domain.compliance import Counted, Group, counted, percent, totals

pytestmark = [
    pytest.mark.part("RP-17", "the percentage and what it leaves out"),
    pytest.mark.part("R-59", "excluded classes have their counts"),
    pytest.mark.part("C-28", "the percentage by its numerator and denominator"),
]


@pytest.mark.parametrize(
    ("status", "verdict", "on_leave", "expected"),
    [
        ("QUALIFIED", "ALLOW", False, Counted.COMPLIANT),
        ("IN_WINDOW", "ALLOW", False, Counted.COMPLIANT),
        ("EXPIRING", "ALLOW", False, Counted.COMPLIANT),
        ("WAIVED", "ALLOW_WITH_CONDITION", False, Counted.CONDITIONAL),
        ("SUPERVISED_ONLY", "ALLOW_WITH_CONDITION", False, Counted.CONDITIONAL),
        ("SUSPENDED", "DENY", True, Counted.EXCLUDED_ON_LEAVE),
        ("SUSPENDED", "DENY", False, Counted.HELD),
        ("LAPSED", "DENY", False, Counted.NOT_COMPLIANT),
        ("NOT_REQUIRED", "NONE", False, Counted.EXCLUDED_NOT_REQUIRED),
        ("SOMETHING_LATER", "DENY", False, Counted.NOT_COMPLIANT),
    ],
)
def test_how_a_cell_counts(status: str, verdict: str, on_leave: bool, expected: Counted) -> None:
    assert counted(status, verdict, on_leave=on_leave) is expected


def test_totals_show_every_class() -> None:
    found = totals(
        [
            Group("QUALIFIED", "ALLOW", False, 6, 0, 1),
            Group("IN_WINDOW", "ALLOW", False, 1, 1, 0),
            Group("WAIVED", "ALLOW_WITH_CONDITION", False, 1, 0, 0),
            Group("SUSPENDED", "DENY", False, 1, 0, 0),
            Group("SUSPENDED", "DENY", True, 3, 0, 0),
            Group("LAPSED", "DENY", False, 1, 1, 0),
            Group("NOT_REQUIRED", "NONE", False, 5, 0, 0),
        ]
    )
    assert (found.cells, found.numerator, found.denominator, found.percent) == (18, 7, 10, 70.0)
    assert found.excluded == {"NOT_REQUIRED": 5, "ON_LEAVE": 3}
    assert (found.conditional, found.held, found.overdue, found.approaching) == (1, 1, 2, 1)
    assert sum(found.by_status.values()) == found.cells
    assert found.denominator + sum(found.excluded.values()) == found.cells


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (0, 0, None),
        (0, 3, 0.0),
        (1, 3, 33.3),
        (1, 8, 12.5),
        (1, 2000, 0.1),
        (9999, 10000, 99.9),
        (3, 3, 100.0),
    ],
)
def test_percent(numerator: int, denominator: int, expected: float | None) -> None:
    assert percent(numerator, denominator) == expected
