"""Announcing: events are written in the transaction that makes them true, and leave by the relay.

    await claim(tx, [("store.part", "P1")])     # locks, then the record time of everything this transaction writes
    ... read, decide, write ...
    await announce(tx, [Announcement(...)])

The lock on `bus.subject` is held before an outbox id is drawn, so that for one subject the order of ids is the order
of causes. Ids of different subjects may commit in any order: nothing reads the outbox with a cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, Protocol

from opentelemetry import trace

from servicekit.bus.envelope import SOURCE_PREFIX, Event, encode
from servicekit.bus.kafka_settings import MAX_EVENT_BYTES
from servicekit.bus.partitioner import partition_of
from servicekit.bus.topics import TopicSpec
from servicekit.context import Context
from servicekit.db.database import Tx
from servicekit.ids import new_id

type Validate = Callable[[str, dict[str, Any]], None]

CHANNEL = "bus_outbox"
_BULK = 32
_COPY_BLOCK = 5_000

_CLAIM_MISSING = """
    INSERT INTO bus.subject (topic, subject)
    SELECT t, s FROM unnest(%s::text[], %s::text[]) AS wanted(t, s) ORDER BY t, s
    ON CONFLICT DO NOTHING"""
_CLAIM_LOCK = """
    SELECT b.topic, b.subject, b.sequence, b.at FROM bus.subject b
    JOIN unnest(%s::text[], %s::text[]) AS wanted(t, s) ON b.topic = t AND b.subject = s
    ORDER BY b.topic, b.subject FOR UPDATE OF b"""
# The transaction id first, then the clock: the relay's watermark relies on that order.
# An announced event must be on disk before the relay can see it, even where the caller asked for less durability:
# otherwise a crash could lose the event after it was sent, and it would be made a second time.
_STAMP = """
    WITH tx AS MATERIALIZED (SELECT pg_current_xact_id() AS id)
    SELECT tx.id::text, app.clock(), (SELECT epoch FROM bus.epoch),
        set_config('synchronous_commit', coalesce(nullif(current_setting('attest.durability', true), ''),
            current_setting('synchronous_commit')), true)
    FROM tx"""
_MOVE_SUBJECTS = """
    UPDATE bus.subject b SET sequence = n.sequence, at = %s
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS n(topic, subject, sequence)
    WHERE b.topic = n.topic AND b.subject = n.subject"""
_WRITE_FEW = """
    WITH written AS (
        INSERT INTO bus.outbox (event_id, topic, partition, key, type, subject, epoch, sequence, envelope, at)
        SELECT r.event_id, r.topic, r.partition, r.key, r.type, r.subject, r.epoch, r.sequence, r.envelope, r.at
        FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::int[],
            %s::bigint[], %s::text[], %s::timestamptz[]) WITH ORDINALITY
            AS r(event_id, topic, partition, key, type, subject, epoch, sequence, envelope, at, position)
        ORDER BY r.position
        RETURNING id, topic, partition
    )
    INSERT INTO bus.outbox_pending (topic, partition, id) SELECT topic, partition, id FROM written"""
_COLUMNS = "id, event_id, topic, partition, key, type, subject, epoch, sequence, envelope, at"


class ClaimError(RuntimeError):
    """Announced without a claim of its subject: the order of its events would not be sure."""


class StampError(RuntimeError):
    """A later claim met a subject whose last record time is after this transaction's. Retry the transaction."""

    retryable = True


class EventTooLargeError(ValueError):
    """Key and envelope exceed what a topic takes."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event to be: the complete `state` of the subject after the change, JSON-ready, and what happened.

    type: `<owner>.<aggregate>-<past participle>.v<major>`. key: chooses the partition alone. context: instead of the
    transaction's, for a batch in which each event has its own cause.
    """

    topic: str
    type: str
    subject: str
    key: str
    state: dict[str, Any]
    change: dict[str, Any]
    context: Context | None = None


class Announceable(Protocol):
    """An event to announce: an `Announcement`, or an object from a constructor of the contracts."""

    @property
    def topic(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def state(self) -> dict[str, Any]: ...
    @property
    def change(self) -> dict[str, Any]: ...
    @property
    def context(self) -> Context | None: ...


class _Catalogue:
    """The topics that a process knows; one set of contracts is valid for the whole installation."""

    def __init__(self) -> None:
        self.topics: dict[str, TopicSpec] = {}
        self.validate: Validate | None = None


_catalogue = _Catalogue()


def configure(
    topics: Mapping[str, TopicSpec] | Iterable[TopicSpec], *, validate: Validate | None = None
) -> None:
    """Once a process, before the first announcement: the topics, and what checks {state, change} of each.

    `validate(topic, data)` raises; its exception is the caller's.
    """
    found = topics.values() if isinstance(topics, Mapping) else topics
    _catalogue.topics = {spec.name: spec for spec in found}
    _catalogue.validate = validate


async def claim(tx: Tx, subjects: Iterable[tuple[str, str]], caused_at: datetime | None = None) -> datetime:
    """Locks (topic, subject) rows in key order and stamps the record time of the transaction, once.

    The stamp is the clock, read after the locks; never lower than the last stamp of a subject or than `caused_at`,
    the `time` of the event that led here. A further claim keeps it. Raises StampError (retry the transaction) when a
    later claim meets a subject that was stamped after it.
    """
    wanted = sorted({pair for pair in subjects if pair not in tx.claimed})
    if tx.stamped and not wanted:
        return tx.recorded_at
    columns = [[topic for topic, _ in wanted], [subject for _, subject in wanted]]
    driver = await tx.driver()
    async with driver.cursor() as cursor:
        latest = caused_at
        if wanted:
            await cursor.execute(_CLAIM_MISSING, columns)
            await cursor.execute(_CLAIM_LOCK, columns)
            for topic, subject, sequence, at in await cursor.fetchall():
                tx.claimed[topic, subject] = sequence
                if at is not None and (latest is None or at > latest):
                    latest = at
        if not tx.stamped:
            await cursor.execute(_STAMP)
            row = await cursor.fetchone()
            assert row is not None
            _, now, tx.epoch, _ = row
            return tx.stamp(now if latest is None else max(now, latest))
        if latest is not None and latest > tx.recorded_at:
            raise StampError("a subject claimed late was recorded after this transaction's record time")
    return tx.recorded_at


async def claim_once(tx: Tx, subjects: Iterable[tuple[str, str]]) -> datetime:
    """As `claim`, for subjects that are announced once, now and never again, by whoever has made them: nothing is to
    be locked, and no row is kept for each. A second announcement would bear the same sequence and be taken for the
    first."""
    recorded_at = await claim(tx, [])
    for subject in subjects:
        tx.claimed[subject] = 0
        tx.once.add(subject)
    return recorded_at


async def announce(
    tx: Tx, announcements: Iterable[Announceable], *, context: Context | None = None
) -> list[str]:
    """Writes events for subjects that this transaction has claimed; returns their ids, in order.

    context: whose correlation, cause and actor they bear, by default the transaction's; an announcement's own wins.
    Raises ClaimError, EventTooLargeError, LookupError (unknown topic), or what the validator raises.
    """
    events = _events(tx, announcements, context or tx.context)
    if not events:
        return []
    driver = await tx.driver()
    async with driver.cursor() as cursor:
        if len(events) <= _BULK:
            rows = [_row(event) for event in events]
            await cursor.execute(_WRITE_FEW, [list(column) for column in zip(*rows, strict=True)])
        else:
            for block in batched(events, _COPY_BLOCK, strict=False):
                await _copy(cursor, block)
        moved = {(event.topic, event.subject): event.sequence for event in events}
        for subject in tx.once & moved.keys():
            del moved[subject]
        if moved:
            await cursor.execute(
                _MOVE_SUBJECTS,
                [tx.recorded_at, [t for t, _ in moved], [s for _, s in moved], list(moved.values())],
            )
        # Several of one transaction are one.
        await cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return [event.id for event in events]


async def announce_with(tx: Tx, announcements: Sequence[tuple[Announceable, Context]]) -> list[str]:
    """As `announce`, each with a context of its own: consequences of a batch name their own causes."""
    return await announce(
        tx,
        [
            Announcement(a.topic, a.type, a.subject, a.key, a.state, a.change, context)
            for a, context in announcements
        ],
    )


def _events(tx: Tx, announcements: Iterable[Announceable], default: Context) -> list[Event]:
    at, source = tx.recorded_at, SOURCE_PREFIX + tx.source
    span = _traceparent()
    validate = _catalogue.validate
    events: list[Event] = []
    for a in announcements:
        spec = _catalogue.topics.get(a.topic)
        if spec is None:
            raise LookupError(f"topic {a.topic!r} is not configured (servicekit.bus.outbox.configure)")
        sequence = tx.claimed.get((a.topic, a.subject))
        if sequence is None:
            raise ClaimError(f"{a.topic}: a subject is announced that was not claimed")
        tx.claimed[a.topic, a.subject] = sequence = sequence + 1
        context = a.context or default
        event = Event(
            id=new_id(),
            source=source,
            type=a.type,
            topic=a.topic,
            subject=a.subject,
            key=a.key,
            time=at,
            epoch=tx.epoch,
            sequence=sequence,
            correlation=context.correlation,
            cause=context.cause,
            actor=context.actor,
            # The span in which it was written, else the one that its cause bears.
            traceparent=span if a.context is None and span else context.traceparent or span,
            dataschema=spec.dataschema,
            state=a.state,
            change=a.change,
        )
        if validate is not None:
            validate(a.topic, event.data)
        events.append(event)
    return events


def _row(event: Event) -> tuple[Any, ...]:
    envelope = encode(event)
    size = len(envelope.encode()) + len(event.key.encode())
    if size > MAX_EVENT_BYTES:
        raise EventTooLargeError(f"{event.type}: {size} bytes, at most {MAX_EVENT_BYTES} can be announced")
    return (
        event.id,
        event.topic,
        _partition(event),
        event.key,
        event.type,
        event.subject,
        event.epoch,
        event.sequence,
        envelope,
        event.time,
    )


async def _ids(cursor: Any, count: int) -> list[int]:
    """Drawn after the subjects were claimed: only then is the order of ids that of causes."""
    await cursor.execute(
        "SELECT nextval('bus.outbox_id_seq') FROM generate_series(1, %s) ORDER BY 1", [count]
    )
    return [row[0] for row in await cursor.fetchall()]


async def _copy(cursor: Any, events: Sequence[Event]) -> None:
    ids = await _ids(cursor, len(events))
    # Each is made while the database stores the one before.
    async with cursor.copy(f"COPY bus.outbox ({_COLUMNS}) FROM STDIN") as out:
        for number, event in zip(ids, events, strict=True):
            await out.write_row((number, *_row(event)))
    async with cursor.copy("COPY bus.outbox_pending (topic, partition, id) FROM STDIN") as out:
        for number, event in zip(ids, events, strict=True):
            await out.write_row((event.topic, _partition(event), number))


def _partition(event: Event) -> int:
    return partition_of(event.key, _catalogue.topics[event.topic].partitions)


def _traceparent() -> str | None:
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{int(span.trace_flags):02x}"
