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


@dataclass(frozen=True, slots=True)
class Rule:
    """Cells with this verdict, this status and, if so, a suspension by leave count as `counted`; None: any."""

    counted: Counted
    verdict: Verdict | None = None
    status: Status | None = None
    on_leave: bool = False


RULES = (
    Rule(Counted.EXCLUDED_NOT_REQUIRED, verdict=Verdict.NONE),
    Rule(Counted.EXCLUDED_ON_LEAVE, status=Status.SUSPENDED, on_leave=True),
    Rule(Counted.HELD, status=Status.SUSPENDED),
    Rule(Counted.COMPLIANT, verdict=Verdict.ALLOW),
    Rule(Counted.CONDITIONAL, verdict=Verdict.ALLOW_WITH_CONDITION),
    Rule(Counted.NOT_COMPLIANT),
)
"""The classification, the first rule that fits. It stands here alone; the SQL of the report is made from it."""


def counted(status: str, verdict: str, *, on_leave: bool) -> Counted:
    """The class of a cell. on_leave: a reason of its suspension is leave."""
    return next(
        rule.counted
        for rule in RULES
        if rule.verdict in (None, verdict) and rule.status in (None, status) and on_leave >= rule.on_leave
    )


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


_REQUIRED = frozenset({Counted.COMPLIANT, Counted.CONDITIONAL, Counted.HELD, Counted.NOT_COMPLIANT})

CLASSES: dict[Figure, frozenset[Counted]] = {
    Figure.REQUIRED: _REQUIRED,
    Figure.IN_PLACE: frozenset({Counted.COMPLIANT}),
    Figure.NOT_IN_PLACE: _REQUIRED - {Counted.COMPLIANT},
    Figure.CONDITIONAL: frozenset({Counted.CONDITIONAL}),
    Figure.HELD: frozenset({Counted.HELD}),
    Figure.EXCLUDED: frozenset(Counted) - _REQUIRED,
    Figure.NOT_REQUIRED: frozenset({Counted.EXCLUDED_NOT_REQUIRED}),
    Figure.ON_LEAVE: frozenset({Counted.EXCLUDED_ON_LEAVE}),
}
"""Which classes a figure counts; OVERDUE, APPROACHING and WITHDRAWN count by something else than the class."""


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
    whether or not the cell is in the percentage. withdrawn_assignments: left out of every count. figures: every
    number that is asked back for its rows.
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
    withdrawn_assignments: int = 0
    figures: dict[str, int] = field(default_factory=dict)


def totals(groups: Iterable[Group], withdrawn: int = 0) -> Totals:
    classes: Counter[Counted] = Counter()
    statuses: Counter[str] = Counter()
    overdue = approaching = 0
    for group in groups:
        classes[counted(group.status, group.verdict, on_leave=group.on_leave)] += group.cells
        statuses[group.status] += group.cells
        overdue += group.overdue
        approaching += group.approaching
    figures = {figure: sum(classes[one] for one in counts) for figure, counts in CLASSES.items()} | {
        Figure.OVERDUE: overdue,
        Figure.APPROACHING: approaching,
        Figure.WITHDRAWN: withdrawn,
    }
    numerator, denominator = figures[Figure.IN_PLACE], figures[Figure.REQUIRED]
    return Totals(
        cells=classes.total(),
        numerator=numerator,
        denominator=denominator,
        percent=percent(numerator, denominator),
        conditional=figures[Figure.CONDITIONAL],
        held=figures[Figure.HELD],
        excluded={one.value: figures[one] for one in (Figure.NOT_REQUIRED, Figure.ON_LEAVE)},
        overdue=overdue,
        approaching=approaching,
        by_status={status.value: statuses[status] for status in Status if statuses[status]},
        withdrawn_assignments=withdrawn,
        figures={figure.value: figures[figure] for figure in Figure},
    )


def percent(numerator: int, denominator: int) -> float | None:
    """One decimal, halves up, and never rounded up to 100: a gap stays visible."""
    if denominator == 0:
        return None
    tenths = (2000 * numerator + denominator) // (2 * denominator)
    if numerator < denominator:
        tenths = min(tenths, 999)
    return tenths / 10
