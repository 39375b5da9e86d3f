"""Dead letters: a bad event stops nobody but its subject, and comes back in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import bus_toy as toy
import pytest
from aiokafka import AIOKafkaProducer
from bus_toy import folding
from servicekit.bus import Event, deadletter, positions
from servicekit.bus.health import consumer_health
from servicekit.bus.inbox import Inbox
from servicekit.bus.intake import Intake, Received
from servicekit.bus.queue import Part
from servicekit.context import Context
from servicekit.db import Tx
from servicekit.testing import eventually

pytestmark = pytest.mark.part("PL-24", "a bad event stops its subject alone and comes back in order")

QA = Context(actor="user/A2", reason="looked into it", correlation="c-2")


async def poisoned(tx: Tx, events: Sequence[Event]) -> None:
    for event in events:
        if event.state.get("poison"):
            raise LookupError("nobody knows what this refers to")
    await toy.record_effects(tx, events)


async def poison(world) -> None:
    await toy.write_many(world.store, 100, subjects=10)
    await toy.write(world.store, [toy.change("P3", 1_000, poison=True)])
    await toy.write_many(world.store, 100, subjects=10, start=100)


def open_letters(world) -> list[tuple[Any, ...]]:
    return world.sql(
        "SELECT subject, sequence, error_class FROM bus.dead_letter WHERE resolved_at IS NULL ORDER BY sequence"
    )


async def test_poison_parks_its_subject_and_nothing_else(world) -> None:
    async with world.relay(), world.consumer(folding(poisoned)) as consumer:
        await poison(world)
        await eventually(lambda: world.effects() == 190, 60)
        world.check_order()
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        letters = open_letters(world)
        assert letters[0] == ("P3", 11, "LookupError")
        assert [row[2] for row in letters[1:]] == [None] * 10
        assert {row[0] for row in letters} == {"P3"}
        assert consumer.readiness() == []
        # Parked and queued events are in the archive as well.
        outcomes = dict(world.sql("SELECT outcome, count(DISTINCT event_id) FROM app.archive GROUP BY 1"))
        assert outcomes == {"new": 190, "parked": 1, "queued": 10}
        async with consumer.database.read() as tx:
            health = await consumer_health(tx, "sales")
        assert (health.parked, health.parked_subjects) == (11, 1)


async def test_control_without_parking_a_poison_event_holds_up_everybody_behind_it(world) -> None:
    tries = 0

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        nonlocal tries
        try:
            await poisoned(tx, events)
        except LookupError:
            tries += 1
            raise

    async with world.relay(), world.consumer(folding(fold), attempts=1_000_000):
        await poison(world)
        await eventually(lambda: tries > 6, 60)
        assert open_letters(world) == []
        assert world.effects() < 190


async def test_parked_events_are_retried_while_the_consumer_runs(world) -> None:
    known = asyncio.Event()

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        await (toy.record_effects if known.is_set() else poisoned)(tx, events)

    async with world.relay(), world.consumer(folding(fold)) as consumer:
        await poison(world)
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        failed = await consumer.dead_letters.retry(QA)
        assert (failed.applied, failed.failed) == (0, 1)
        known.set()
        writing = asyncio.create_task(toy.write_many(world.store, 300, subjects=10, start=200))
        while open_letters(world):
            await consumer.dead_letters.retry(QA)
        await writing
        await eventually(lambda: world.distinct_effects() == world.announced() or None, 60)
        while open_letters(world):
            await consumer.dead_letters.retry(QA)
        await world.all_arrived()
    resolved = world.sql("SELECT DISTINCT resolution, resolved_by, resolution_reason FROM bus.dead_letter")
    assert resolved == [("retried", "user/A2", "looked into it")]


async def test_latest_applies_only_the_newest_of_each_subject(world) -> None:
    async with world.relay(), world.consumer(folding(poisoned)) as consumer:
        await poison(world)
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        result = await consumer.dead_letters.retry(QA, latest=True)
        assert (result.applied, result.superseded, result.failed) == (1, 10, 0)
        assert open_letters(world) == []
        assert world.sql("SELECT count FROM app.stock WHERE subject = 'P3'") == [(193,)]
        await toy.write(world.store, [toy.change("P3", 7)])
        await eventually(lambda: world.sql("SELECT count FROM app.stock WHERE subject = 'P3'") == [(7,)], 60)


async def test_discarding_needs_a_reason_and_lets_the_queue_go_on(world) -> None:
    async with world.relay(), world.consumer(folding(poisoned)) as consumer:
        await poison(world)
        await eventually(lambda: len(open_letters(world)) == 11, 60)
        head, behind, *_ = await consumer.dead_letters.list()
        with pytest.raises(ValueError, match="reason"):
            await consumer.dead_letters.discard(QA, head.id, " ")
        with pytest.raises(ValueError, match="older"):
            await consumer.dead_letters.discard(QA, behind.id, "a wrong one")
        result = await consumer.dead_letters.discard(QA, head.id, "test data of the supplier")
        assert result.applied == 10
        with pytest.raises(LookupError):
            await consumer.dead_letters.discard(QA, head.id, "again")
    row = world.sql("SELECT resolution, resolution_reason FROM bus.dead_letter WHERE error IS NOT NULL")
    assert row == [("discarded", "test data of the supplier")]


async def test_what_is_no_event_is_parked_alone(world) -> None:
    async with world.relay(), world.consumer() as consumer:
        await toy.write_many(world.store, 30)
        await world.all_arrived()
        async with AIOKafkaProducer(bootstrap_servers=world.kafka) as producer:
            for value in (
                b"\xff\x00",
                b'{"specversion":"1.0"}',
                b"[1]",
                b'{"specversion":"1.0","sequence":NaN}',
            ):
                await producer.send_and_wait(world.prefix + "store.part", value, partition=0)
        await toy.write_many(world.store, 30, start=30)
        await world.all_arrived()
        await eventually(lambda: len(open_letters(world)) == 4, 60)
        assert {row[0] for row in open_letters(world)} == {None}
        assert consumer.readiness() == []


@dataclass(frozen=True)
class _Data:
    state: dict[str, Any]
    change: dict[str, Any]


class LaterRelease:
    """Contracts of a release that knows every major version and keeps its JSON."""

    def read(self, topic: str, major: int, data: dict[str, Any]) -> tuple[dict[str, Any], _Data]:
        return data, _Data(**data)

    def major(self, topic: str) -> int:
        return 2


async def test_a_later_major_is_parked_and_read_again_by_a_later_release(world) -> None:
    async with world.relay(), world.consumer() as consumer:
        await toy.write(world.store, [toy.change("P1", 1)])
        newer = replace(toy.change("P1", 2), type="store.part-changed.v2")
        await toy.write(world.store, [newer, toy.change("P2", 1)])
        await toy.write(world.store, [toy.change("P1", 3)])
        await eventually(lambda: len(open_letters(world)) == 2, 60)
        assert open_letters(world)[0] == ("P1", 2, "UnknownMajorError")
        await eventually(lambda: world.effects() == 2, 60)
        consumer.dead_letters._intake = Intake(LaterRelease())
        await consumer.dead_letters.retry(QA)
        await world.all_arrived()


async def test_ten_parked_in_a_row_stop_the_consumer(world) -> None:
    async def bad_release(_tx: Tx, _events: Sequence[Event]) -> None:
        raise TypeError("a defect")

    async with world.relay(), world.consumer(folding(bad_release), attempts=1, concurrency=1) as consumer:
        await toy.write_many(world.store, 200)
        await eventually(lambda: consumer.halted, 60)
        assert any("parked in a row" in reason for reason in consumer.readiness())
    letters = world.sql("SELECT count(*) FROM bus.dead_letter WHERE error IS NOT NULL")[0][0]
    assert letters == 10
    # The release is put right: nothing was lost.
    async with world.consumer() as consumer:
        await eventually(lambda: world.distinct_effects() + len(open_letters(world)) == world.announced(), 60)
        while open_letters(world):
            await consumer.dead_letters.retry(QA)
        await world.all_arrived()


async def test_a_statement_timeout_of_one_event_parks_it(world) -> None:
    async def slow(tx: Tx, events: Sequence[Event]) -> None:
        if any(event.state.get("poison") for event in events):
            await tx.execute("SET LOCAL statement_timeout = 100")
            await tx.execute("SELECT pg_sleep(5)")
        await toy.record_effects(tx, events)

    async with world.relay(), world.consumer(folding(slow)):
        await poison(world)
        await eventually(lambda: world.effects() == 190, 60)
        assert open_letters(world)[0][2] == "OperationalError"


async def test_control_without_the_stop_a_bad_release_drains_the_topic(world) -> None:
    async def bad_release(_tx: Tx, _events: Sequence[Event]) -> None:
        raise TypeError("a defect")

    unlimited = {"attempts": 1, "parked_in_a_row": 10**6}
    async with world.relay(), world.consumer(folding(bad_release), **unlimited) as consumer:
        await toy.write_many(world.store, 200)
        await eventually(lambda: len(open_letters(world)) == 200, 60)
        # Nothing was applied, and nobody is told.
        assert world.effects() == 0
        assert consumer.readiness() == []


# A retry and the consumer at the same time


class Gate:
    """A place at which whoever comes is stopped until the test lets them go on."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def pass_by(self) -> None:
        self.reached.set()
        await self.opened.wait()


class Repaired:
    """A fold that fails until it is `known` what P1 refers to; it stops at the `gate` of a retry, if there is one."""

    def __init__(self) -> None:
        self.known = False
        self.gate: Gate | None = None

    async def __call__(self, tx: Tx, events: Sequence[Event]) -> None:
        await (toy.record_effects if self.known else poisoned)(tx, events)
        if self.gate is not None and any(event.state.get("poison") for event in events):
            await self.gate.pass_by()


async def one_parked(world) -> None:
    await toy.write(world.store, [toy.change("P1", 1, poison=True)])
    await eventually(lambda: len(open_letters(world)) == 1, 60)


async def somebody_waits_for_a_lock(world) -> None:
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: world.sql(waits), 30)


@pytest.fixture
def before_queueing(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The consumer has seen that the subject is parked and has not yet queued what comes behind."""
    gate, look = Gate(), deadletter.parked_subjects

    async def slowly(*where: Any) -> set[str]:
        found = await look(*where)
        if found:
            await gate.pass_by()
        return found

    monkeypatch.setattr(deadletter, "parked_subjects", slowly)
    return gate


async def test_a_retry_sees_what_the_consumer_is_just_queueing(world, before_queueing: Gate) -> None:
    fold = Repaired()
    async with world.relay(), world.consumer(folding(fold)) as consumer:
        await one_parked(world)
        fold.known = True
        await toy.write(world.store, [toy.change("P1", 2)])
        await before_queueing.reached.wait()
        retrying = asyncio.create_task(consumer.dead_letters.retry(QA))
        await somebody_waits_for_a_lock(world)
        before_queueing.opened.set()
        assert (await retrying).applied == 2
        assert open_letters(world) == []
        await world.all_arrived()


async def test_control_without_the_lock_an_event_is_queued_behind_nothing(
    world, before_queueing: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_where: Any) -> None:
        """The position is left to the consumer."""

    monkeypatch.setattr(positions, "hold", nothing)
    fold = Repaired()
    async with world.relay(), world.consumer(folding(fold)) as consumer:
        await one_parked(world)
        fold.known = True
        await toy.write(world.store, [toy.change("P1", 2)])
        await before_queueing.reached.wait()
        assert (await consumer.dead_letters.retry(QA)).applied == 1
        before_queueing.opened.set()
        await toy.write(world.store, [toy.change("P1", 3)])
        await eventually(lambda: len(open_letters(world)) == 2, 60)
        # What is behind the repaired event waits, and nothing is left that would tell why.
        assert open_letters(world) == [("P1", 2, None), ("P1", 3, None)]
        assert world.effects() == 1


@pytest.fixture
def before_the_fence(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The consumer is about to move its position over the second event of P1."""
    gate, fence = Gate(), Inbox._fence

    async def slowly(self: Inbox, tx: Tx, part: Part, records: Sequence[Received], first: int) -> None:
        if any(r.event is not None and (r.event.subject, r.event.sequence) == ("P1", 2) for r in records):
            await gate.pass_by()
        await fence(self, tx, part, records, first)

    monkeypatch.setattr(Inbox, "_fence", slowly)
    return gate


async def test_the_consumer_sees_what_a_retry_has_just_resolved(world, before_the_fence: Gate) -> None:
    fold = Repaired()
    async with world.relay(), world.consumer(folding(fold)) as consumer:
        await one_parked(world)
        fold.known, fold.gate = True, Gate()
        await toy.write(world.store, [toy.change("P1", 2)])
        await before_the_fence.reached.wait()
        retrying = asyncio.create_task(consumer.dead_letters.retry(QA))
        await fold.gate.reached.wait()
        before_the_fence.opened.set()
        await somebody_waits_for_a_lock(world)
        fold.gate.opened.set()
        assert (await retrying).applied == 1
        await world.all_arrived()
        assert open_letters(world) == []
