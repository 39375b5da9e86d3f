"""The timeline of a cell: statuses by precedence (C-03), tiling time.

The sweep walks the regimes of the obligation and, within them, the stretches of the governing timeline;
inside one stretch the answer can only change at a handful of instants, and it is judged at each of them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from plantkit.governing import Stretch
from plantkit.time import NEVER

from .credits import Credit, CreditBook, CreditKind, best
from .facts import CellFacts, Version
from .regimes import Regime, instants
from .vocabulary import Flag, Status, SuspendPolicy, TrainingDecision, Verdict


class Reason(NamedTuple):
    """Why, as a code and the id it speaks of."""

    code: str
    detail: str | None = None


class Segment(NamedTuple):
    """One answer over ``[start, end)``, instants in UTC; ``end`` None: for ever.

    ``completed_version`` is that of the record it rests on (C-13); ``expires_at`` the first instant at which
    the credit counts no more, None: never, or no credit (C-09). ``sources`` are the active sources and
    ``spans`` the ids of the obligation spans.
    """

    start: datetime
    end: datetime | None
    status: Status
    verdict: Verdict
    flags: tuple[Flag, ...]
    governing_version: int | None
    completed_version: int | None
    completed_at: datetime | None
    expires_at: datetime | None
    records: tuple[str, ...]
    reasons: tuple[Reason, ...]
    sources: tuple[str, ...]
    spans: tuple[str, ...]


class Moment(NamedTuple):
    """The facts that hold over ``[start, end)``, before they are turned into a status and reasons.

    ``credit`` is that for the governing version, over or not; ``met`` what the version of ``completed`` was met by
    when there is none (row 10). ``status`` leaves suspension aside.
    """

    start: datetime
    end: datetime
    regime: Regime
    stretch: Stretch[Version]
    credit: Credit | None
    valid: bool
    expiring: bool
    next_met: bool
    pretrained: bool
    waiver: str | None
    status: Status
    completed: int | None
    met: Credit | None
    suspensions: tuple[Reason, ...]


class Sweep:
    """The moments of one cell."""

    def __init__(self, facts: CellFacts, regimes: Sequence[Regime]) -> None:
        self._facts = facts
        self._regimes = regimes
        self._timeline = facts.timeline
        self._suspensions = [
            (start, end, Reason("ON_LEAVE", spell or None))
            for start, end, spell in instants(facts.person.leaves, facts.place.zone)
        ]
        for hold in sorted(facts.holds, key=lambda hold: hold.id):
            self._suspensions.append((hold.start, hold.end or NEVER, Reason(hold.code, hold.id)))
        self._order_suspensions: dict[int, list[tuple[datetime, datetime, Reason]]] = {}

    def moments(self) -> Iterator[Moment]:
        """Every moment, ascending; they tile time from the first regime on."""
        for regime in self._regimes:
            if regime.book is None:
                stretch = self._timeline.at(regime.start)
                yield Moment(
                    regime.start,
                    regime.end,
                    regime,
                    stretch,
                    None,
                    False,
                    False,
                    False,
                    False,
                    None,
                    Status.NOT_REQUIRED,
                    None,
                    None,
                    (),
                )
                continue
            suspensions = self._suspensions_of(regime.book)
            for stretch in self._timeline.stretches:
                if stretch.end <= regime.start:
                    continue
                if stretch.start >= regime.end:
                    break
                yield from self._within(regime, regime.book, stretch, suspensions)

    def _suspensions_of(self, book: CreditBook) -> list[tuple[datetime, datetime, Reason]]:
        if not self._facts.orders:
            return self._suspensions
        found = self._order_suspensions.get(id(book))
        if found is None:
            found = list(self._suspensions)
            for order in sorted(self._facts.orders, key=lambda order: order.id):
                if order.suspend is SuspendPolicy.NEVER:
                    continue
                now = order.suspend is SuspendPolicy.NOW
                start = order.start if now else order.due_at(self._facts.place.zone)
                satisfied = book.order_satisfied_from(order) or NEVER
                end = min(satisfied, order.ended_at or NEVER)
                if start < end:
                    due = order.due_at(self._facts.place.zone)
                    if now and start < due < end:
                        found.append((start, due, Reason("RETRAINING_ORDERED", order.id)))
                        start = due
                    found.append((start, end, Reason("RETRAINING_OVERDUE", order.id)))
            self._order_suspensions[id(book)] = found
        return found

    def _within(
        self,
        regime: Regime,
        book: CreditBook,
        stretch: Stretch[Version],
        suspensions: list[tuple[datetime, datetime, Reason]],
    ) -> Iterator[Moment]:
        """The moments of one stretch: judged at each instant at which an answer can change."""
        begin = regime.start if regime.start > stretch.start else stretch.start
        end = regime.end if regime.end < stretch.end else stretch.end
        governing, upcoming = stretch.governing, stretch.upcoming
        credits: Sequence[Credit] = ()
        hypothetical: Sequence[Credit] = ()
        edges: list[datetime | None] = []
        for start, finish, _ in suspensions:
            edges += (start, finish)
        if governing is not None:
            credits = book.all_credits(governing.number)
            for credit in credits:
                edges += (credit.start, credit.lead_from, credit.expires)
            for waiver in self._facts.waivers:
                edges += (waiver.start, waiver.end)
            hypothetical = book.supervised(governing.number)
            for credit in hypothetical:
                edges += (credit.start, credit.expires)
            if not credits or credits[0].start > begin:
                self._untrained_edges(book, edges)
                # What is still missing changes with every part.
                edges += [one.at for one in book.by_version.get(governing.number, ())]
        asked = upcoming is not None and upcoming.decision is not TrainingDecision.NONE
        met: datetime | None = None
        by_credit = False
        if upcoming is not None and asked:
            met = book.next_met_from(upcoming, None)
            edges.append(met)
            edges += [one.at for one in book.by_version.get(upcoming.number, ())]
            by_credit = not upcoming.voids_all
            if by_credit:
                edges += [book.next_met_from(upcoming, credit) for credit in credits]
        pretrained = self._pretrained_from(book, end, begin)
        edges.append(pretrained)
        inner = {edge for edge in edges if edge is not None and begin < edge < end}
        ordered = [begin, *sorted(inner), end] if inner else [begin, end]
        for at, until in pairwise(ordered):
            credit = best(credits, at) if credits else None
            valid = credit is not None and at < credit.expires
            if upcoming is not None and by_credit:
                met = book.next_met_from(upcoming, credit if valid else None)
            next_met = met is not None and met <= at
            status, completed, waiver, rests = Status.NOT_REQUIRED, None, None, None
            suspended: tuple[Reason, ...] = ()
            if governing is not None:
                if suspensions:
                    suspended = tuple([reason for start, to, reason in suspensions if start <= at < to])
                if self._facts.waivers:
                    waiver = self._waiver(governing.number, at)
                if credit is not None and valid:
                    completed = credit.version
                    if asked and not next_met:
                        status = Status.IN_WINDOW
                    elif credit.lead_from <= at:
                        status = Status.EXPIRING
                    elif credit.kind is CreditKind.CARRIED:
                        status = Status.CARRIED_FORWARD
                    else:
                        status = Status.QUALIFIED
                elif waiver is not None:
                    status = Status.WAIVED
                elif hypothetical and any(one.valid_at(at) for one in hypothetical):
                    status = Status.SUPERVISED_ONLY
                elif credit is not None:
                    status, completed = Status.LAPSED, credit.version
                else:
                    status, completed, rests = self._untrained(book, governing, at)
            yield Moment(
                at,
                until,
                regime,
                stretch,
                credit,
                valid,
                credit is not None and valid and credit.lead_from <= at,
                next_met,
                pretrained is not None and pretrained <= at,
                waiver,
                status,
                completed,
                rests,
                suspended,
            )

    @staticmethod
    def _pretrained_from(book: CreditBook, end: datetime, begin: datetime) -> datetime | None:
        """The first passing record on a version that is still to come (C-03 row 12)."""
        found: datetime | None = None
        for version, first, _, _ in book.trained():
            if first is None or (version.effective_at is not None and version.effective_at < end):
                continue
            if version.withdrawn_at is not None and version.withdrawn_at <= begin:
                continue
            if found is None or first < found:
                found = first
        return found

    @staticmethod
    def _untrained_edges(book: CreditBook, edges: list[datetime | None]) -> None:
        for version, first, met, _ in book.trained():
            edges += (met, first, version.withdrawn_at)
            if met is not None:
                edges += [credit.start for credit in book.earned(version.number)]

    def _waiver(self, number: int, at: datetime) -> str | None:
        ids = [w.id for w in self._facts.waivers if w.version == number and w.start <= at < w.end]
        return min(ids, default=None)

    @staticmethod
    def _untrained(
        book: CreditBook, governing: Version, at: datetime
    ) -> tuple[Status, int | None, Credit | None]:
        """Rows 10 to 12: there was never a credit for the governing version."""
        superseded: int | None = None
        partial = False
        for version, first, met, since in book.trained():
            governed = since is not None and since <= at
            if version is not governing and met is not None and met <= at:
                withdrawn = version.withdrawn_at is not None and version.withdrawn_at <= at
                if governed or withdrawn:
                    superseded = version.number
            if governed and first is not None and first <= at:
                partial = True
        if superseded is not None:
            return Status.SUPERSEDED, superseded, best(book.earned(superseded), at)
        return (Status.INCOMPLETE if partial else Status.NEVER_TRAINED), None, None
