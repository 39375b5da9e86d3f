"""Dead letters: an event that fails for good parks its subject; what comes later of it queues behind, all else flows.

Rows stay when they are resolved: who decided what, and why, is evidence. Retry and discard lock the partition's
position first, so that they may be used while the consumer runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from servicekit.bus import positions
from servicekit.bus.envelope import DecodeError, Event
from servicekit.bus.errors import described
from servicekit.bus.intake import Intake, Received
from servicekit.bus.queue import Part
from servicekit.bus.seen import note_seen
from servicekit.bus.subscription import Subscription
from servicekit.context import Context
from servicekit.db.database import Database, Tx

_MESSAGE_LENGTH = 2_000
_COLUMNS = 'id, topic, partition, "offset", subject, epoch, sequence, event_id, error_class, error, attempts, parked_at'


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An open dead letter. error is None when it only waits behind a parked event of its subject."""

    id: int
    topic: str
    partition: int
    offset: int
    subject: str | None
    epoch: int | None
    sequence: int | None
    event_id: str
    error_class: str | None
    error: str | None
    attempts: int
    parked_at: datetime


@dataclass(slots=True)
class Retried:
    """applied: folded now. superseded: not folded, since something newer was. failed: still parked."""

    applied: int = 0
    superseded: int = 0
    failed: int = 0


async def parked_subjects(tx: Tx, consumer: str, topic: str, subjects: Collection[str]) -> set[str]:
    """Those of the subjects that are parked."""
    driver = await tx.driver()
    cursor = await driver.execute(
        "SELECT DISTINCT subject FROM bus.dead_letter"
        " WHERE consumer = %s AND topic = %s AND subject = ANY(%s) AND resolved_at IS NULL",
        [consumer, topic, list(subjects)],
    )
    return {row[0] for row in await cursor.fetchall()}


async def park(tx: Tx, consumer: str, records: Sequence[Received], *, attempts: int = 1) -> int:
    """Stores the records whose outcome is `parked` or `queued`; returns how many were parked for what they are.

    What was seen already, or is parked already, becomes a duplicate.
    """
    chosen = [r for r in records if r.outcome in ("parked", "queued")]
    rows = [_row(consumer, record, attempts) for record in chosen]
    driver = await tx.driver()
    cursor = await driver.execute(
        'INSERT INTO bus.dead_letter (consumer, topic, partition, "offset", subject, epoch, sequence, event_id,'
        " key, value, error_class, error, attempts, parked_at, tried_at)"
        " SELECT n.*, clock_timestamp(), CASE WHEN n.error IS NOT NULL THEN clock_timestamp() END"
        " FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::text[], %s::int[], %s::bigint[],"
        "  %s::text[], %s::bytea[], %s::bytea[], %s::text[], %s::text[], %s::int[])"
        '  AS n(consumer, topic, partition, "offset", subject, epoch, sequence, event_id, key, value,'
        "   error_class, error, attempts)"
        " WHERE NOT EXISTS (SELECT FROM bus.seen s WHERE s.consumer = n.consumer AND s.topic = n.topic"
        "  AND s.subject = n.subject AND (s.epoch, s.sequence) >= (n.epoch, n.sequence))"
        ' ORDER BY n."offset" ON CONFLICT DO NOTHING RETURNING "offset", error IS NOT NULL',
        [list(column) for column in zip(*rows, strict=True)],
    )
    stored = dict(await cursor.fetchall())
    for record in chosen:
        if record.offset not in stored:
            record.outcome = "duplicate"
    return sum(stored.values())


def _row(consumer: str, record: Received, attempts: int) -> tuple[Any, ...]:
    event, problem = record.event, record.problem
    return (
        consumer,
        record.topic,
        record.partition,
        record.offset,
        event and event.subject,
        event and event.epoch,
        event and event.sequence,
        record.id,
        record.key,
        record.value,
        None if problem is None else type(problem).__name__,
        None if problem is None else described(problem)[:_MESSAGE_LENGTH],
        0 if problem is None else attempts,
    )


class DeadLetters:
    """The parked events of a consumer, and the way back.

    Needs the consumer's folds, hence lives in its service; the command line asks the service.
    """

    def __init__(
        self,
        consumer: str,
        database: Database,
        subscriptions: Mapping[str, Subscription],
        intake: Intake,
    ) -> None:
        self._consumer = consumer
        self._database = database
        self._subscriptions = subscriptions
        self._intake = intake

    async def list(self, topic: str | None = None, limit: int = 500) -> list[DeadLetter]:
        """The open dead letters, oldest first."""
        async with self._database.read() as tx:
            rows = await tx.rows(
                f"SELECT {_COLUMNS} FROM bus.dead_letter WHERE consumer = :consumer AND resolved_at IS NULL"  # noqa: S608
                " AND (CAST(:topic AS text) IS NULL OR topic = :topic) ORDER BY id LIMIT :limit",
                {"consumer": self._consumer, "topic": topic, "limit": limit},
            )
        return [DeadLetter(**row) for row in rows]

    async def retry(self, context: Context, id: int | None = None, *, latest: bool = False) -> Retried:
        """Folds parked events again, each subject in its order until one fails.

        id: the subject of this dead letter alone; without it all. latest: only the newest of each subject, which
        supersedes the others, since its state is complete. Raises LookupError for an id that is not open.
        """
        letters = [await self._open(id)] if id is not None else await self.list(limit=1_000_000)
        subjects = {
            (letter.topic, letter.id if letter.subject is None else letter.subject): letter
            for letter in letters
        }
        result = Retried()
        for letter in subjects.values():
            await self._retry_subject(context, letter, result, latest=latest)
        return result

    async def discard(self, context: Context, id: int, reason: str) -> Retried:
        """Gives up the oldest parked event of a subject; what waits behind it is folded.

        Raises LookupError when it is not open, ValueError without a reason or when an older one is parked.
        """
        if not reason.strip():
            raise ValueError("an event is discarded for a reason")
        letter = await self._open(id)
        async with self._database.transaction(context.because(reason)) as tx:
            await positions.hold(tx, self._consumer, Part(letter.topic, letter.partition))
            oldest = await self._next(tx, letter)
            if oldest is None:
                raise LookupError(f"dead letter {id} is not open")
            if oldest.id != id:
                raise ValueError(f"dead letter {oldest.id} is an older event of the same subject")
            await self._resolve(tx, [id], "discarded", context, reason)
            await self._note(tx, letter)
        result = Retried()
        if letter.subject is not None:
            await self._retry_subject(context, letter, result)
        return result

    async def _open(self, id: int) -> DeadLetter:
        async with self._database.read() as tx:
            row = await tx.one(
                f"SELECT {_COLUMNS} FROM bus.dead_letter WHERE id = :id AND consumer = :consumer"  # noqa: S608
                " AND resolved_at IS NULL",
                {"id": id, "consumer": self._consumer},
            )
        if row is None:
            raise LookupError(f"dead letter {id} is not open")
        return DeadLetter(**row)

    async def _next(self, tx: Tx, letter: DeadLetter, *, newest: bool = False) -> DeadLetter | None:
        """The oldest open one of the letter's subject; the letter itself when nobody knows its subject."""
        order = "DESC" if newest else "ASC"
        row = await tx.one(
            f"SELECT {_COLUMNS} FROM bus.dead_letter WHERE consumer = :consumer AND topic = :topic"  # noqa: S608
            " AND resolved_at IS NULL"
            " AND CASE WHEN CAST(:subject AS text) IS NULL THEN id = :id ELSE subject = :subject END"
            f" ORDER BY epoch {order}, sequence {order} LIMIT 1",
            {
                "consumer": self._consumer,
                "topic": letter.topic,
                "subject": letter.subject,
                "id": letter.id,
            },
        )
        return None if row is None else DeadLetter(**row)

    async def _retry_subject(
        self, context: Context, letter: DeadLetter, result: Retried, *, latest: bool = False
    ) -> None:
        head: DeadLetter | None = letter
        while True:
            try:
                async with self._database.transaction(context) as tx:
                    await positions.hold(tx, self._consumer, Part(letter.topic, letter.partition))
                    head = await self._next(tx, letter, newest=latest)
                    if head is None:
                        return
                    event = await self._event(tx, head)
                    newer = await self._note(tx, head, event)
                    if newer:
                        await self._subscriptions[letter.topic].fold(tx, [event])
                    await self._resolve(tx, [head.id], "retried" if newer else "superseded", context)
                    older = await self._supersede(tx, head, event, context)
            except Exception as error:
                if head is not None:
                    await self._failed(context, head, error)
                    result.failed += 1
                return
            result.applied += int(newer)
            result.superseded += older + int(not newer)

    async def _event(self, tx: Tx, letter: DeadLetter) -> Event:
        """The event, read again, since a later release may be able to. Raises what is wrong with it."""
        row = await tx.one("SELECT key, value FROM bus.dead_letter WHERE id = :id", {"id": letter.id})
        assert row is not None
        received = Received(letter.topic, letter.partition, letter.offset, row["key"], row["value"])
        self._intake.read(received)
        if received.problem is not None:
            raise received.problem
        if received.event is None:
            raise DecodeError("not an event")
        return received.event

    async def _note(self, tx: Tx, letter: DeadLetter, event: Event | None = None) -> bool:
        subject = letter.subject if event is None else event.subject
        if subject is None:
            return False
        version = (
            (letter.epoch or 0, letter.sequence or 0) if event is None else (event.epoch, event.sequence)
        )
        known = await note_seen(tx, self._consumer, letter.topic, {subject: version})
        return known[subject] is not None

    async def _supersede(self, tx: Tx, letter: DeadLetter, event: Event, context: Context) -> int:
        """Closes the parked events that are older than the event just folded: they will never be folded."""
        rows = await tx.rows(
            "SELECT id FROM bus.dead_letter WHERE consumer = :consumer AND topic = :topic AND subject = :subject"
            " AND resolved_at IS NULL AND (epoch, sequence) < (:epoch, :sequence)",
            {
                "consumer": self._consumer,
                "topic": letter.topic,
                "subject": event.subject,
                "epoch": event.epoch,
                "sequence": event.sequence,
            },
        )
        return await self._resolve(tx, [row["id"] for row in rows], "superseded", context)

    async def _resolve(
        self, tx: Tx, ids: Sequence[int], resolution: str, context: Context, reason: str = ""
    ) -> int:
        if not ids:
            return 0
        return (
            await tx.execute(
                "UPDATE bus.dead_letter SET resolved_at = clock_timestamp(), resolution = :resolution,"
                " resolved_by = :actor, resolution_reason = :reason"
                " WHERE id = ANY(:ids) AND consumer = :consumer AND resolved_at IS NULL",
                {
                    "ids": list(ids),
                    "consumer": self._consumer,
                    "resolution": resolution,
                    "actor": context.actor,
                    "reason": reason or context.reason,
                },
            )
        ).rowcount

    async def _failed(self, context: Context, letter: DeadLetter, error: Exception) -> None:
        async with self._database.transaction(context) as tx:
            await tx.execute(
                "UPDATE bus.dead_letter SET attempts = attempts + 1, tried_at = clock_timestamp(),"
                " error_class = :name, error = :error WHERE id = :id AND resolved_at IS NULL",
                {
                    "id": letter.id,
                    "name": type(error).__name__,
                    "error": described(error)[:_MESSAGE_LENGTH],
                },
            )
