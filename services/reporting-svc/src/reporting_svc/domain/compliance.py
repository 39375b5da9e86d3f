"""The compliance percentage, with everything that it leaves out (Key figures of the cells page, R-59, RP-17, C-28)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from reporting_svc.domain.vocabulary import Status, Verdict


class Counted(StrEnum):
    """How a cell counts.

    COMPLIANT in numerator and denominator; CONDITIONAL (allowed with a condition), HELD (suspended other than by
    leave) and NOT_COMPLIANT in the denominator only; the last two in neither.
    """

    COMPLIANT = "COMPLIANT"
    CONDITIONAL = "CONDITIONAL"
    HELD = "HELD"
    NOT_COMPLIANT = "NOT_COMPLIANT"
    EXCLUDED_ON_LEAVE = "EXCLUDED_ON_LEAVE"
    EXCLUDED_NOT_REQUIRED = "EXCLUDED_NOT_REQUIRED"


EXCLUDED = (Counted.EXCLUDED_ON_LEAVE, Counted.EXCLUDED_NOT_REQUIRED)


def counted(status: str, verdict: str, *, on_leave: bool) -> Counted:
    """The class of a cell. on_leave: a reason of its suspension is leave."""
    if verdict == Verdict.NONE:
        return Counted.EXCLUDED_NOT_REQUIRED
    if status == Status.SUSPENDED:
        return Counted.EXCLUDED_ON_LEAVE if on_leave else Counted.HELD
    if verdict == Verdict.ALLOW:
        return Counted.COMPLIANT
    if verdict == Verdict.ALLOW_WITH_CONDITION:
        return Counted.CONDITIONAL
    return Counted.NOT_COMPLIANT


class Figure(StrEnum):
    """A number of the totals that is asked back for its rows. WITHDRAWN: cells that have withdrawn assignments; how
    many of them stands in each row."""

    REQUIRED = "REQUIRED"
    IN_PLACE = "IN_PLACE"
    NOT_IN_PLACE = "NOT_IN_PLACE"
    CONDITIONAL = "CONDITIONAL"
    HELD = "HELD"
    OVERDUE = "OVERDUE"
    APPROACHING = "APPROACHING"
    EXCLUDED = "EXCLUDED"
    NOT_REQUIRED = "NOT_REQUIRED"
    ON_LEAVE = "ON_LEAVE"
    WITHDRAWN = "WITHDRAWN"


class Group(NamedTuple):
    """Cells that are alike in everything that counts."""

    status: str
    verdict: str
    on_leave: bool
    cells: int
    overdue: int
    approaching: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all cells of a report. `percent`: 0 to 100, one decimal, halves up; None without a denominator.

    overdue: cells with an open assignment past its due instant. approaching: due or expiring soon. They count
    whether or not the cell is in the percentage.
    """

    cells: int = 0
    numerator: int = 0
    denominator: int = 0
    percent: float | None = None
    conditional: int = 0
    held: int = 0
    excluded: dict[str, int] = field(default_factory=dict)
    overdue: int = 0
    approaching: int = 0
    by_status: dict[str, int] = field(default_factory=dict)


def totals(groups: Iterable[Group]) -> Totals:
    classes: Counter[Counted] = Counter()
    statuses: Counter[str] = Counter()
    overdue = approaching = 0
    for group in groups:
        classes[counted(group.status, group.verdict, on_leave=group.on_leave)] += group.cells
        statuses[group.status] += group.cells
        overdue += group.overdue
        approaching += group.approaching
    numerator = classes[Counted.COMPLIANT]
    denominator = classes.total() - sum(classes[one] for one in EXCLUDED)
    return Totals(
        cells=classes.total(),
        numerator=numerator,
        denominator=denominator,
        percent=percent(numerator, denominator),
        conditional=classes[Counted.CONDITIONAL],
        held=classes[Counted.HELD],
        excluded={
            "NOT_REQUIRED": classes[Counted.EXCLUDED_NOT_REQUIRED],
            "ON_LEAVE": classes[Counted.EXCLUDED_ON_LEAVE],
        },
        overdue=overdue,
        approaching=approaching,
        by_status={status.value: statuses[status] for status in Status if statuses[status]},
    )


def percent(numerator: int, denominator: int) -> float | None:
    """One decimal, halves up, and never rounded up to 100: a gap stays visible."""
    if denominator == 0:
        return None
    tenths = (2000 * numerator + denominator) // (2 * denominator)
    if numerator < denominator:
        tenths = min(tenths, 999)
    return tenths / 10
