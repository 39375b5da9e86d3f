"""The one place that decides qualification: facts of a cell in, verdicts over all of time out.

Pure: no clock, no input or output. ``now`` decides which assignments should be open, never a due date.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from plantkit.time import NEVER

from .assignments import Assignment
from .closing import Change, changes
from .facts import CellFacts
from .needs import Needs
from .regimes import regimes
from .timeline import Moment, Reason, Segment, Sweep
from .vocabulary import VERDICT_OF, Status
from .wording import segments

RULES = "cells-2"
"""Version of the rules that decided; raised when an answer for the same facts changes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from the facts of one cell.

    ``timeline`` tiles time from the first employment day or source to infinity. ``assignments`` should be
    open at ``now``. ``next_look`` is the next instant at which they may change by the passing of time;
    None: never.
    """

    timeline: tuple[Segment, ...]
    assignments: tuple[Assignment, ...]
    next_look: datetime | None
    _moments: tuple[Moment, ...] = field(repr=False, compare=False)


def derive(facts: CellFacts, now: datetime) -> Outcome:
    """Derive a cell (C-01 to C-25). ``now`` is an aware instant in UTC."""
    moments = tuple(Sweep(facts, regimes(facts)).moments())
    wanted = tuple(Needs(facts, moments).wanted(now))
    return Outcome(segments(facts, moments), wanted, _next_look(facts, moments, wanted, now), moments)


def _next_look(
    facts: CellFacts, moments: Sequence[Moment], wanted: Sequence[Assignment], now: datetime
) -> datetime | None:
    looks = [moment.start for moment in moments if moment.start > now]
    looks += [one.due_at for one in wanted if one.due_at is not None and one.due_at > now]
    # A waiver of a version that does not govern yet changes no status, but what should be open.
    looks += [at for waiver in facts.waivers for at in (waiver.start, waiver.end) if at > now]
    books = {id(m.regime.book): m.regime.book for m in moments if facts.orders and m.regime.book is not None}
    for order in facts.orders:
        ends = [order.start, order.due_at(facts.place.zone), order.ended_at]
        ends += [book.order_satisfied_from(order) for book in books.values()]
        looks += [at for at in ends if at is not None and at > now]
    return min((at for at in looks if at is not NEVER), default=None)


def reconcile(
    facts: CellFacts, outcome: Outcome, previous: Iterable[Assignment], now: datetime
) -> list[Change]:
    """What to open, update and close, given the assignments that are open so far (AE-14, AE-16, C-25).

    ``outcome`` is what `derive` gave for the same facts and ``now``. Nothing changed: empty.
    """
    return changes(facts, outcome._moments, previous, outcome.assignments, now)


def cell_at(timeline: Sequence[Segment], at: datetime) -> Segment:
    """The segment that holds ``at``; before the first one the cell is NOT_REQUIRED."""
    index = bisect_right(timeline, at, key=lambda segment: segment.start) - 1
    if index >= 0:
        return timeline[index]
    end = timeline[0].start if timeline else None
    status = Status.NOT_REQUIRED
    reasons = (Reason("NO_SOURCE"),)
    return Segment(at, end, status, VERDICT_OF[status], (), None, None, None, None, (), reasons, (), ())


UNTRAINED = frozenset({Status.LAPSED, Status.SUPERSEDED, Status.INCOMPLETE, Status.NEVER_TRAINED})
"""Statuses of somebody who has to be trained before the work may be done."""


def unqualified_since(timeline: Sequence[Segment], at: datetime) -> datetime | None:
    """Since when the person is without interruption not trained for what governs; None: is trained, is not asked to
    be, or is suspended. A version that takes the place of a missed one does not begin it anew (R-06, R-74)."""
    index = bisect_right(timeline, at, key=lambda segment: segment.start) - 1
    since: datetime | None = None
    while index >= 0 and timeline[index].status in UNTRAINED:
        since = timeline[index].start
        index -= 1
    return since
