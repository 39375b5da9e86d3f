"""The law of folds as a property: any delivery that keeps each subject's order ends in the same tables.

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(databases):
    async with folding(databases, "parts_svc", INBOUND, ["app.part"]) as found:
        yield found

@given(case=cases(Kind(TOPICS["parts.part"], ["a", "b", "c"], vary, variants=5)))
async def test_law(reader, case):
    assert await reader.after(case.batches) == await reader.after(in_order(case.streams))

Hypothesis is a dependency of the workspace's tests; nothing but tests imports this module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import psycopg
from hypothesis import strategies as st
from psycopg import sql

from servicekit.bus import Fold, Subscription
from servicekit.bus.envelope import Event, encode
from servicekit.bus.inbox import Inbox
from servicekit.bus.intake import Contracts, Intake, Received
from servicekit.bus.queue import Part
from servicekit.db.database import Database
from servicekit.db.testing import ServiceDatabase, lent_database
from servicekit.ids import new_id
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.delivery import inbox_of, positions

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)

type Stream = Sequence[Event]
"""All events of one subject on one topic, with rising (epoch, sequence) and record times that never fall."""


class TopicOfStates(Protocol):
    """What is needed of a topic to announce states on it."""

    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def event_types(self) -> Sequence[str]: ...
    @property
    def dataschema(self) -> str: ...
    def subject_of(self, state: Mapping[str, Any]) -> str: ...
    def key_of(self, state: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What one topic delivers in one transaction."""

    topic: str
    events: tuple[Event, ...]

    def __repr__(self) -> str:
        told = " ".join(f"{event.subject}:{event.epoch}.{event.sequence}" for event in self.events)
        return f"<{self.topic} {told}>"


@dataclass(frozen=True, slots=True)
class Case:
    """A history and one of its deliveries. told: of each stream its subject and the variants that were drawn."""

    streams: list[Stream]
    batches: list[Batch]
    told: dict[str, list[int]]

    def __repr__(self) -> str:
        return f"Case({self.told}, {self.batches})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Hypothesis would otherwise tell of every field of every event."""
        printer.text(repr(self))


@dataclass(frozen=True, slots=True)
class Kind:
    """The subjects of a topic.

    vary: (name, variant in 0 .. variants - 1) to the complete state of the subject of that name.
    check: raises for a state that breaks its contract. subjects and versions: fewest and most that are drawn.
    steps: of record time between two versions, in seconds, one of them is drawn.
    """

    topic: TopicOfStates
    names: Sequence[str]
    vary: Callable[[str, int], Mapping[str, Any]]
    variants: int
    check: Callable[[str, dict[str, Any]], None] | None = None
    subjects: tuple[int, int] = (3, 6)
    versions: tuple[int, int] = (2, 4)
    steps: Sequence[int] = (0, 1, 60)


def stream(
    topic: TopicOfStates,
    states: Iterable[Mapping[str, Any]],
    times: Iterable[datetime],
    *,
    restored: int | None = None,
) -> Stream:
    """The events that announce the states of one subject. restored: from this one on they are of the next epoch, and
    their sequence begins anew, as after the producer's database was restored."""
    found: list[Event] = []
    for number, (state, at) in enumerate(zip(states, times, strict=True)):
        later = restored is not None and number >= restored
        found.append(
            Event(
                id=new_id(),
                source=f"/attest/{topic.owner}",
                type=topic.event_types[0],
                topic=topic.name,
                subject=topic.subject_of(state),
                key=topic.key_of(state),
                time=at,
                epoch=2 if later else 1,
                sequence=number - restored + 1 if later and restored is not None else number + 1,
                correlation=new_id(),
                cause=None,
                actor=f"system/{topic.owner}",
                traceparent=None,
                dataschema=topic.dataschema,
                state=dict(state),
                change={"kind": "changed"},
            )
        )
    return found


@st.composite
def histories(
    draw: st.DrawFn, *kinds: Kind, begin: datetime = BEGIN
) -> tuple[list[Stream], dict[str, list[int]]]:
    """Of each kind some subjects, each with some versions; now and then one that went through a restore. Beside them
    the variants that were drawn, by topic and name."""
    found: list[Stream] = []
    told: dict[str, list[int]] = {}
    for kind in kinds:
        fewest, most = kind.subjects
        count = draw(st.integers(min(fewest, len(kind.names)), min(most, len(kind.names))))
        for name in kind.names[:count]:
            fewest, most = kind.versions
            numbers = draw(st.lists(st.integers(0, kind.variants - 1), min_size=fewest, max_size=most))
            states = [dict(kind.vary(name, number)) for number in numbers]
            for state in states:
                if kind.check is not None:
                    kind.check(kind.topic.name, {"state": state, "change": {"kind": "changed"}})
            at, times = begin, []
            for _ in states:
                at += timedelta(seconds=draw(st.sampled_from(kind.steps)))
                times.append(at)
            restored = draw(st.sampled_from((None, None, None, 1)))
            found.append(stream(kind.topic, states, times, restored=restored))
            told[f"{kind.topic.name} {name}"] = numbers
    return found, told


@st.composite
def deliveries(draw: st.DrawFn, streams: Sequence[Stream]) -> list[Batch]:
    """Any order of the events of all streams that keeps each stream's own, cut into batches of one topic, with
    duplicates (an event once more, at once or later) and replays (a subject's or the topic's history from its
    beginning up to some event that has come, once more). Now and then a whole topic comes after all others. Shrinks
    towards each stream after the other, nothing twice.
    """
    by_topic: dict[str, list[Stream]] = {}
    for one in streams:
        if one:
            by_topic.setdefault(one[0].topic, []).append(one)
    chunks = {
        topic: _cut(draw, topic, _repeated(draw, _merged(draw, one))) for topic, one in by_topic.items()
    }
    late = draw(st.sampled_from(list(chunks))) if draw(st.integers(0, 3)) == 3 else ""
    last = chunks.pop(late) if late else []
    return [*_merged(draw, list(chunks.values())), *last]


@st.composite
def cases(draw: st.DrawFn, *kinds: Kind, begin: datetime = BEGIN) -> Case:
    """A history of these kinds and one of its deliveries."""
    streams, told = draw(histories(*kinds, begin=begin))
    return Case(streams, draw(deliveries(streams)), told)


def in_order(streams: Iterable[Stream]) -> list[Batch]:
    """The plainest delivery: each topic's history as one batch, each subject after the other."""
    by_topic: dict[str, list[Event]] = {}
    for one in streams:
        for event in one:
            by_topic.setdefault(event.topic, []).append(event)
    return [Batch(topic, tuple(events)) for topic, events in by_topic.items()]


def _merged[T](draw: st.DrawFn, queues: Sequence[Sequence[T]]) -> list[T]:
    turns = draw(st.permutations([number for number, queue in enumerate(queues) for _ in queue]))
    heads = [iter(queue) for queue in queues]
    return [next(heads[turn]) for turn in turns]


def _repeated(draw: st.DrawFn, order: list[Event]) -> list[Event]:
    last = len(order) - 1
    again = st.tuples(
        st.integers(0, last), st.integers(0, last), st.sampled_from(("event", "subject", "topic"))
    )
    inserts: dict[int, list[Event]] = {}
    for one, other, what in draw(st.lists(again, max_size=4)):
        known, after = sorted((one, other))
        told = order[: known + 1]
        if what == "event":
            told = told[-1:]
        elif what == "subject":
            told = [event for event in told if event.subject == told[-1].subject]
        inserts.setdefault(after, []).extend(told)
    return [event for place, first in enumerate(order) for event in (first, *inserts.get(place, ()))]


def _cut(draw: st.DrawFn, topic: str, order: Sequence[Event]) -> list[Batch]:
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=5)) | {len(order)})
    return [Batch(topic, tuple(order[begin:end])) for begin, end in zip([0, *cuts[:-1]], cuts, strict=True)]


async def deliver(inbox: Inbox, batches: Iterable[Batch], *, intake: Intake | None = None) -> None:
    """Applies batches as they come from Kafka, after whatever was delivered before: encoded and read again, one
    transaction each, begun by the fence. Raises AssertionError when one of the events was parked."""
    intake = intake or Intake()
    batches = list(batches)
    following = await positions(inbox, {batch.topic for batch in batches})
    for batch in batches:
        first = following[batch.topic]
        records = [
            Received(batch.topic, 0, first + number, event.key.encode(), encode(event).encode())
            for number, event in enumerate(batch.events)
        ]
        for record in records:
            intake.read(record)
        parked = await inbox.apply(Part(batch.topic, 0), records, first)
        assert not parked, [record.problem for record in records if record.problem is not None]
        following[batch.topic] = first + len(records)


async def tables(
    database: Database, names: Iterable[str], without: Collection[str] = ()
) -> dict[str, list[str]]:
    """The rows of each table (`app.part`) as canonical text, sorted. without: columns that may differ between two
    deliveries of the same history: record time of the reader, numbers given in the order of writing."""
    names = list(names)
    found: dict[str, list[str]] = {name: [] for name in names}
    query = " UNION ALL ".join(
        f"SELECT '{name}' AS name, (to_jsonb(t) - CAST(:without AS text[]))::text AS content FROM {name} t"  # noqa: S608
        for name in names
    )
    async with database.read() as tx:
        for row in await tx.rows(query, {"without": list(without)}):
            found[row["name"]].append(row["content"])
    return {name: sorted(rows) for name, rows in found.items()}


def empty(connection: psycopg.Connection[Any], names: Iterable[str]) -> None:
    """Empties tables, and forgets what was consumed. connection: a superuser's. The tables of a test are small, for
    which DELETE is the faster way, and audited tables can be emptied in no other."""
    every = [*names, "bus.seen", "bus.consumed"]
    deletes = sql.SQL("; ").join(
        sql.SQL("DELETE FROM {}").format(sql.Identifier(*name.split("."))) for name in every
    )
    with connection.transaction():
        connection.execute(
            "SELECT set_config('attest.' || name, 'system/test', true)"
            " FROM unnest('{actor,reason,correlation}'::text[]) AS name"
        )
        connection.execute(deletes)


@dataclass(frozen=True, slots=True)
class Reader:
    """The folds of a service on a database of their own, without Kafka.

    names, without: of `tables`. emptied: further tables to empty before a delivery.
    """

    inbox: Inbox
    urls: ServiceDatabase
    superuser: psycopg.Connection[Any]
    intake: Intake
    names: Sequence[str]
    without: Collection[str] = ()
    emptied: Sequence[str] = ()

    @property
    def database(self) -> Database:
        return self.inbox.database

    def empty(self) -> None:
        empty(self.superuser, [*self.names, *self.emptied])

    async def deliver(self, batches: Iterable[Batch]) -> None:
        await deliver(self.inbox, batches, intake=self.intake)

    async def tables(self) -> dict[str, list[str]]:
        return await tables(self.database, self.names, self.without)

    async def after(self, batches: Iterable[Batch]) -> dict[str, list[str]]:
        """The tables after a delivery to an empty database."""
        self.empty()
        await self.deliver(batches)
        return await self.tables()


@asynccontextmanager
async def folding(
    databases: DatabaseFactory,
    package: str,
    inbound: Mapping[str, Fold | Subscription],
    names: Sequence[str],
    *,
    without: Collection[str] = (),
    emptied: Sequence[str] = (),
    contracts: Contracts | None = None,
    clock: datetime | None = None,
    **more: Any,
) -> AsyncIterator[Reader]:
    """A reader until the block ends. databases: the fixture. clock: what the database's clock shows at the beginning;
    None: real time. more: for the inbox, e.g. its archive."""
    source = package.removesuffix("_svc")
    with (
        lent_database(databases, package, clock=clock) as urls,
        psycopg.connect(urls.admin_url, autocommit=True) as superuser,
    ):
        database = Database(urls.app_url, source=source)
        try:
            inbox = inbox_of(source, database, inbound, **more)
            yield Reader(inbox, urls, superuser, Intake(contracts), names, without, emptied)
        finally:
            await database.close()


def replayed(streams: Iterable[Stream]) -> list[Batch]:
    """A delivery that any reader without memory of versions gets wrong: all in order, and then the first version of
    every subject once more."""
    streams = list(streams)
    return [*in_order(streams), *in_order([one[:1] for one in streams])]


async def without_memory(
    _inbox: Inbox, _tx: Any, _topic: str, events: Sequence[Event], _counts: Any
) -> list[Event]:
    """Instead of `Inbox._newer`: the control of the law, a reader that folds whatever comes."""
    return list(events)
