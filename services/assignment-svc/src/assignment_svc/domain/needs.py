"""Needs: since when a version must be trained, and what began it (C-24)."""

from collections.abc import Sequence
from datetime import datetime

from plantkit.time import NEVER

from .assignments import Assignment, Cause, Cycle, assignment_id
from .credits import CreditBook
from .due import REVISIONS, Due, after_leave, at_end_of, at_instant, by_span, by_version, on_leave
from .facts import CellFacts, ObligationSpan, RetrainingOrder, Version
from .timeline import Moment
from .vocabulary import TRIGGER_RANK, AssignmentState, Method, TrainingDecision, Trigger

_UPCOMING = frozenset({Trigger.NEW_HIRE, Trigger.ROLE_CHANGE, Trigger.MATRIX_ENROLMENT})


def asks_for_training(version: Version | None) -> bool:
    """Whether a version still to come must be trained for (its decision is not *none*)."""
    return version is not None and version.decision is not TrainingDecision.NONE


def needed(moment: Moment, version: Version) -> bool:
    """Whether the version must be trained at that moment. Leave and waivers leave a need as it is."""
    if moment.regime.book is None:
        return False
    if moment.stretch.governing is version:
        if not moment.valid:
            return True
        return moment.expiring and not _renewed_by_revision(moment)
    if moment.stretch.upcoming is version and asks_for_training(version):
        return not moment.next_met
    return False


def _renewed_by_revision(moment: Moment) -> bool:
    """Expiry at or after the next version takes effect: only that one is trained (R-73)."""
    upcoming, credit = moment.stretch.upcoming, moment.credit
    if upcoming is None or credit is None or not asks_for_training(upcoming):
        return False
    return upcoming.boundary is not None and upcoming.boundary <= credit.expires


def waived(facts: CellFacts, version: Version, at: datetime) -> str | None:
    """Id of a waiver that meets the version at ``at``; None: no waiver."""
    ids = [w.id for w in facts.waivers if w.version == version.number and w.start <= at < w.end]
    return min(ids, default=None)


def index_at(moments: Sequence[Moment], at: datetime) -> int | None:
    """Index of the moment that holds ``at``; None: before the first."""
    for index in range(len(moments) - 1, -1, -1):
        if moments[index].start <= at:
            return index
    return None


class Needs:
    """The needs of one cell."""

    def __init__(self, facts: CellFacts, moments: Sequence[Moment]) -> None:
        self._facts = facts
        self._moments = moments

    def wanted(self, now: datetime) -> list[Assignment]:
        """The assignments that should be open at ``now``, by target version and cycle."""
        found: dict[object, Assignment] = {}
        index = index_at(self._moments, now)
        if index is not None:
            moment = self._moments[index]
            for version in (moment.stretch.governing, moment.stretch.upcoming):
                if version is not None and needed(moment, version) and not waived(self._facts, version, now):
                    cycle = self._cycle(index, version)
                    assignment = self._assignment(version.number, cycle, now, moment, upcoming=False)
                    found[assignment.id] = assignment
            if moment.regime.book is not None:
                for order in self._facts.orders:
                    self._of_order(order, moment.regime.book, moment, now, found)
        if any(span.valid_from > now for span in self._facts.obligations):
            self._ahead(0 if index is None else index + 1, now, found)
        return sorted(found.values(), key=lambda one: (one.target_version, str(one.id)))

    def _ahead(self, first: int, now: datetime, found: dict[object, Assignment]) -> None:
        """Needs that a span known now will begin later: a future role, a matrix change (AE-03, R-75)."""
        for index in range(first, len(self._moments)):
            moment = self._moments[index]
            spans = [s for s in moment.regime.spans if s.valid_from == moment.start and s.valid_from > now]
            if not spans:
                continue
            for version in (moment.stretch.governing, moment.stretch.upcoming):
                if version is None or not needed(moment, version):
                    continue
                if index > 0 and needed(self._moments[index - 1], version):
                    continue
                cycle = self._cycle(index, version)
                # The spell that is to come says so, whatever else begins with it and names the trigger.
                begins = min((span.trigger for span in spans), key=TRIGGER_RANK.__getitem__)
                upcoming = begins in _UPCOMING
                assignment = self._assignment(version.number, cycle, now, moment, upcoming=upcoming)
                found.setdefault(assignment.id, assignment)

    def _cycle(self, index: int, version: Version) -> Cycle:
        """The cycle of a need that is true at the moment ``index``."""
        moments = self._moments
        while index > 0 and needed(moments[index - 1], version):
            index -= 1
        moment = moments[index]
        since = moment.start
        previous = moments[index - 1] if index > 0 else None
        inherited = self._inherited(index, version)
        if inherited is not None:
            return inherited
        spans = [span for span in moment.regime.spans if span.valid_from == since]
        candidates: list[tuple[Trigger, Cause]] = []
        lapsing = moment.valid and moment.stretch.governing is version
        if not lapsing:
            candidates.extend((span.trigger, Cause("obligation", span.cause)) for span in spans)
            # A version that takes effect on the day of the hire begins the cycle beside the hire; ties name it first.
            if since in (version.window_opens, version.effective_at) or (
                not spans and previous is not None and previous.regime.book is not None
                and previous.stretch is not moment.stretch
            ):  # fmt: skip
                candidates.append((version.trigger, self._version_cause(version)))
        key = ""
        due: Due | None = None
        if not candidates and moment.credit is not None:
            key = ",".join(record.id for record in moment.credit.records())
            candidates.append((Trigger.RECURRENCE, Cause("training_record", key)))
        if not candidates:
            spans = sorted(moment.regime.spans, key=lambda span: span.valid_from)[-1:]
            candidates.extend((span.trigger, Cause("obligation", span.cause)) for span in spans)
        trigger, cause = min(candidates, key=lambda one: (TRIGGER_RANK[one[0]], one[1]))
        known_at = max((s.recorded_at for s in spans if s.recorded_at is not None), default=None)
        if trigger in REVISIONS and spans == [] and version.window_opens is not None:
            # The revision was due from the opening of its window, but nobody could know that before the obligation was known.
            told = [s.recorded_at for s in moment.regime.spans if s.recorded_at is not None]
            known_at = max(version.window_opens, min(told, default=version.window_opens))
        opened = since
        if known_at is not None and trigger is not Trigger.RECURRENCE and known_at < since:
            opened = known_at
            if version.window_opens is not None and version.window_opens > opened:
                opened = min(version.window_opens, since)
        due = self._due(trigger, spans, version, moment, since, opened)
        return Cycle(since, opened, trigger, cause, key, due, known_at)

    def _inherited(self, index: int, version: Version) -> Cycle | None:
        """A version without training goes on with the cycle of the version before it (R-74)."""
        if index == 0 or version.decision is not TrainingDecision.NONE:
            return None
        before, moment = self._moments[index - 1], self._moments[index]
        governed = before.stretch.governing
        if governed is None or version.effective_at != moment.start or not needed(before, governed):
            return None
        return self._cycle(index - 1, governed)

    def _version_cause(self, version: Version) -> Cause:
        return Cause("document_version", f"{self._facts.item}/{version.number}", version.change)

    def _due(
        self,
        trigger: Trigger,
        spans: Sequence[ObligationSpan],
        version: Version,
        moment: Moment,
        since: datetime,
        opened: datetime,
    ) -> Due | None:
        """The earliest of the due dates that apply to the target (C-21)."""
        if trigger is Trigger.RECURRENCE:
            credit = moment.credit
            if credit is None or credit.expires is NEVER:
                return None
            return at_instant(credit.expires, self._facts.place.zone)
        dues: list[Due] = [] if trigger in REVISIONS and not spans else [
            by_span(self._facts, span, opened) for span in spans
        ]  # fmt: skip
        boundary = version.boundary
        to_come = boundary is None or boundary > since or version.effective_at is None
        if trigger in REVISIONS or to_come:
            again = since if moment.stretch.governing is version else None
            due = by_version(self._facts, version, opened, again)
            if due is not None:
                dues.append(due)
        return min(dues, default=None)

    def _assignment(
        self, target: int, cycle: Cycle, now: datetime, moment: Moment, *, upcoming: bool
    ) -> Assignment:
        facts = self._facts
        first = cycle.due
        due = after_leave(facts, first, cycle.opened, now) if first is not None else None
        state = AssignmentState.OPEN
        if upcoming:
            state = AssignmentState.UPCOMING
        elif on_leave(facts, now):
            state, due = AssignmentState.PAUSED, None
        known = cycle.known_at
        return Assignment(
            id=assignment_id(facts.person.person, facts.item, facts.place.code, target, cycle.key),
            person=facts.person.person,
            item=facts.item,
            place=facts.place.code,
            target_version=target,
            cycle=cycle.key,
            trigger=cycle.trigger,
            cause=cycle.cause,
            state=state,
            opened_at=cycle.opened,
            due_at=due.at if due is not None else None,
            due_on=due.on if due is not None else None,
            due_zone=facts.place.zone,
            first_due_was_past=first is not None and known is not None and first.at <= known,
            methods=self._methods(target, cycle, moment),
        )

    @staticmethod
    def _methods(target: int, cycle: Cycle, moment: Moment) -> frozenset[Method]:
        book = moment.regime.book
        if book is None:
            return frozenset()
        governing = moment.stretch.governing
        if cycle.trigger is Trigger.RECURRENCE and governing is not None and governing.number == target:
            return book.methods
        credit = moment.credit if moment.valid else None
        to_come = governing is None or governing.number != target
        return book.missing(target, moment.start, credit if to_come else None)

    def _of_order(
        self,
        order: RetrainingOrder,
        book: CreditBook,
        moment: Moment,
        now: datetime,
        found: dict[object, Assignment],
    ) -> None:
        """A retraining order is a need of its own, beside a valid record (C-24 c)."""
        if order.start > now or (order.ended_at is not None and order.ended_at <= now):
            return
        satisfied = book.order_satisfied_from(order)
        if satisfied is not None and satisfied <= now:
            return
        target = order_target(order, moment)
        if target is None:
            return
        due = at_end_of(order.due_day(self._facts.place.zone), self._facts.place.zone)
        cause = Cause("order", order.id)
        cycle = Cycle(order.start, order.start, order.trigger, cause, order.id, due, order.start)
        assignment = self._assignment(target, cycle, now, moment, upcoming=False)
        found[assignment.id] = assignment


def order_target(order: RetrainingOrder, moment: Moment) -> int | None:
    """The version that an order asks for at that moment; None: nothing governs."""
    governing = moment.stretch.governing
    if order.version is not None and (
        order.this_version_only or governing is None or governing.number <= order.version
    ):
        return order.version
    return governing.number if governing is not None else None
