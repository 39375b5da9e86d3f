"""What became of assignments that are no longer wanted, and what to change (C-25, AE-16)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .assignments import Assignment, Closing
from .credits import CreditKind
from .facts import CellFacts, RetrainingOrder
from .needs import index_at, needed, order_target, waived
from .timeline import Moment
from .vocabulary import ClosingReason


@dataclass(frozen=True, slots=True)
class Opened:
    """An assignment to open; one with this id that was closed before is open again (R-34)."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Updated:
    """An open assignment whose due date, state or another field changed."""

    before: Assignment
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Closed:
    """An assignment to close: from ``at`` (valid time), with the reason of C-25 and what it speaks of."""

    assignment: Assignment
    at: datetime
    reason: ClosingReason
    detail: str | None


Change = Opened | Updated | Closed


def changes(
    facts: CellFacts,
    moments: Sequence[Moment],
    previous: Iterable[Assignment],
    wanted: Iterable[Assignment],
    now: datetime,
) -> list[Change]:
    """The changes that lead from the assignments open so far to those wanted; nothing changed: empty."""
    left = {assignment.id: assignment for assignment in previous}
    found: list[Change] = []
    for assignment in wanted:
        before = left.pop(assignment.id, None)
        if before is None:
            found.append(Opened(assignment))
        elif before != assignment:
            found.append(Updated(before, assignment))
    closed: list[Change] = []
    for assignment in sorted(left.values(), key=lambda one: (one.target_version, str(one.id))):
        end = closing(facts, moments, assignment, now)
        closed.append(Closed(assignment, end.at, end.reason, end.detail))
    return closed + found


def closing(facts: CellFacts, moments: Sequence[Moment], assignment: Assignment, now: datetime) -> Closing:
    """Why the assignment is no longer wanted at ``now``, and since when."""
    order = next((order for order in facts.orders if order.id == assignment.cycle), None)
    index = index_at(moments, now)
    if index is None:
        return Closing(now, ClosingReason.NO_LONGER_REQUIRED, None)
    if order is not None:
        return _of_order(moments[index], order, assignment, now)
    version = facts.timeline.versions.get(assignment.target_version)
    if version is None:
        return Closing(now, ClosingReason.WITHDRAWN, None)
    moment = moments[index]
    if needed(moment, version):
        waiver = waived(facts, version, now)
        if waiver is not None:
            return Closing(now, ClosingReason.WAIVED, waiver)
        return Closing(now, ClosingReason.WITHDRAWN, None)
    while index > 0 and moments[index - 1].end > assignment.opened_at:
        if needed(moments[index - 1], version):
            return _turned_false(facts, moments[index - 1], moments[index], assignment)
        index -= 1
    first = moments[index]
    if moment.regime.book is None:
        return _not_owed(moment, max(moment.start, assignment.opened_at))
    if version.withdrawn_at is not None and version.withdrawn_at <= now:
        return Closing(version.withdrawn_at, ClosingReason.WITHDRAWN, None)
    at = max(first.start, assignment.opened_at)
    return Closing(at, ClosingReason.WITHDRAWN, None)


def _not_owed(moment: Moment, at: datetime) -> Closing:
    if moment.regime.why == "NOT_EMPLOYED":
        return Closing(at, ClosingReason.SEPARATED, None)
    return Closing(at, ClosingReason.NO_LONGER_REQUIRED, moment.regime.detail)


def _turned_false(facts: CellFacts, before: Moment, after: Moment, assignment: Assignment) -> Closing:
    """The reason at the instant at which the need turned false."""
    at = after.start
    number = assignment.target_version
    version = facts.timeline.versions[number]
    book = after.regime.book
    if book is None:
        return _not_owed(after, at)
    if version.withdrawn_at is not None and version.withdrawn_at <= at:
        return Closing(at, ClosingReason.WITHDRAWN, None)
    if facts.timeline.retired_at is not None and facts.timeline.retired_at <= at:
        return Closing(at, ClosingReason.NO_LONGER_REQUIRED, "retired")
    governing, upcoming = after.stretch.governing, after.stretch.upcoming
    if governing is version and after.valid and after.credit is not None and after.credit.start >= at:
        if after.credit.kind is CreditKind.OWN:
            records = ",".join(record.id for record in after.credit.records())
            return Closing(at, ClosingReason.COMPLETED, records)
        return Closing(at, ClosingReason.CREDITED, after.credit.origin or str(after.credit.version))
    if upcoming is version and after.next_met and not before.next_met:
        return Closing(at, ClosingReason.COMPLETED, None)
    if governing is version and after.regime is not before.regime:
        return Closing(at, ClosingReason.NO_LONGER_REQUIRED, None)
    if governing is version and upcoming is not None:
        return Closing(at, ClosingReason.SUPERSEDED_BY, str(upcoming.number))
    successor = upcoming if governing is before.stretch.governing else governing
    return Closing(at, ClosingReason.SUPERSEDED_BY, str(successor.number) if successor is not None else None)


def _of_order(moment: Moment, order: RetrainingOrder, assignment: Assignment, now: datetime) -> Closing:
    if order.ended_at is not None and order.ended_at <= now:
        return Closing(order.ended_at, ClosingReason.CANCELLED, order.ended_reason)
    book = moment.regime.book
    if book is None:
        return _not_owed(moment, moment.start)
    satisfied = book.order_satisfied_from(order)
    if satisfied is not None and satisfied <= now:
        return Closing(satisfied, ClosingReason.COMPLETED, None)
    target = order_target(order, moment)
    if target is None:
        return Closing(moment.stretch.start, ClosingReason.NO_LONGER_REQUIRED, None)
    if target != assignment.target_version:
        return Closing(moment.stretch.start, ClosingReason.SUPERSEDED_BY, str(target))
    return Closing(now, ClosingReason.WITHDRAWN, None)
