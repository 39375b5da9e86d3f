"""One batch of one partition is one transaction: position, what was seen, archive, folds.

Folds get what is newer than what they have had, and never think about duplicates. Whatever was delivered before, in
whatever order, ends in the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from servicekit.bus import deadletter, positions
from servicekit.bus.envelope import Event
from servicekit.bus.faults import crash
from servicekit.bus.intake import Received
from servicekit.bus.queue import Part
from servicekit.bus.seen import note_seen
from servicekit.bus.subscription import Archive, Subscription
from servicekit.context import Context
from servicekit.db.database import Database, Tx
from servicekit.ids import new_id

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counts:
    """What a consumer has done since it started."""

    applied: int = 0
    duplicates: int = 0
    sequence_gaps: int = 0
    parked: int = 0
    transactions: int = 0


@dataclass(frozen=True)
class Inbox:
    """The transactions of a consumer, without Kafka."""

    consumer: str
    database: Database
    subscriptions: Mapping[str, Subscription]
    archive: Archive | None = None
    counts: Counts = field(default_factory=Counts)

    def context(self, part: Part, records: Sequence[Received]) -> Context:
        """The context of the transaction of a batch. Each event has a cause of its own."""
        events = [r.event for r in records if r.event is not None]
        actor, reason = f"system/{self.database.source}", f"events of {part.topic}"
        if len(events) == 1:
            return events[0].context(actor, reason)
        return Context(actor=actor, reason=reason, correlation=new_id())

    async def apply(self, part: Part, records: Sequence[Received], first: int) -> int:
        """Everything that the records mean, once; returns how many of them were parked for what they are.

        first: where the batch begins. Raises FenceError when that is not our position; nothing has happened then.
        """
        counts = Counts()
        async with self.database.transaction(self.context(part, records), repeatable=True) as tx:
            await self._fence(tx, part, records, first)
            subjects = {r.event.subject for r in records if r.event is not None}
            parked = (
                await deadletter.parked_subjects(tx, self.consumer, part.topic, subjects)
                if subjects
                else set()
            )
            good = self._set_aside(records, parked)
            fresh = await self._newer(tx, part.topic, good, counts) if good else []
            if any(r.outcome in ("parked", "queued") for r in records):
                counts.parked = await deadletter.park(tx, self.consumer, records)
            await self._archive(tx, records)
            if fresh:
                await self._fold(tx, part.topic, fresh)
            crash.pass_by("in_tx")
        counts.applied = len(fresh)
        self._count(counts)
        return counts.parked

    async def park(self, part: Part, record: Received, first: int, error: Exception, attempts: int) -> None:
        """Parks the subject of an event that fails for good."""
        async with self.database.transaction(self.context(part, [record])) as tx:
            await self._fence(tx, part, [record], first)
            record.problem, record.outcome = error, "parked"
            parked = await deadletter.park(tx, self.consumer, [record], attempts=attempts)
            await self._archive(tx, [record])
        self._count(Counts(parked=parked))

    async def _fence(self, tx: Tx, part: Part, records: Sequence[Received], first: int) -> None:
        last = records[-1]
        await positions.fence(tx, self.consumer, part, first, last.offset, last.id, _watermark(records))

    def _set_aside(self, records: Sequence[Received], parked: set[str]) -> list[Event]:
        """Marks what cannot be folded, and what must wait behind it; returns the rest."""
        good: list[Event] = []
        behind = set(parked)
        for record in records:
            event = record.event
            if record.problem is not None:
                record.outcome = "parked"
                if event is not None:
                    record.outcome = "queued" if event.subject in behind else "parked"
                    behind.add(event.subject)
            elif event is not None and event.subject in behind:
                record.outcome = "queued"
            elif event is not None:
                record.outcome = "new"
                good.append(event)
        return good

    async def _newer(self, tx: Tx, topic: str, events: Sequence[Event], counts: Counts) -> list[Event]:
        """Notes the newest of each subject, set-wise, and returns what was not known yet, in order."""
        newest: dict[str, tuple[int, int]] = {}
        rising: list[Event] = []
        for event in events:
            version = (event.epoch, event.sequence)
            if version > newest.get(event.subject, (0, 0)):
                newest[event.subject] = version
                rising.append(event)
        known = await note_seen(tx, self.consumer, topic, newest)
        fresh: list[Event] = []
        for event in rising:
            before = known.get(event.subject, (0, 0))
            if before is None or (event.epoch, event.sequence) <= before:
                continue
            if event.epoch == (before[0] or event.epoch) and event.sequence != before[1] + 1:
                counts.sequence_gaps += 1
                log.warning(
                    "a sequence has a gap", topic=topic, subject=event.subject,
                    known=before[1], next=event.sequence,
                )  # fmt: skip
            known[event.subject] = (event.epoch, event.sequence)
            fresh.append(event)
        counts.duplicates = len(events) - len(fresh)
        return fresh

    async def _fold(self, tx: Tx, topic: str, events: list[Event]) -> None:
        subscription = self.subscriptions[topic]
        if subscription.versions == "latest":
            events = list({event.subject: event for event in events}.values())
        await subscription.fold(tx, events)

    async def _archive(self, tx: Tx, records: Sequence[Received]) -> None:
        if self.archive is None:
            return
        kept = [r for r in records if r.event is not None or r.problem is not None]
        if kept:
            await self.archive(tx, kept)

    def _count(self, more: Counts) -> None:
        total = self.counts
        total.applied += more.applied
        total.duplicates += more.duplicates
        total.sequence_gaps += more.sequence_gaps
        total.parked += more.parked
        total.transactions += 1


def _watermark(records: Sequence[Received]) -> datetime | None:
    return max((r.heartbeat.watermark for r in records if r.heartbeat is not None), default=None)
