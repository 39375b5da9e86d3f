"""Marks and lanes: every mark is worked, in order, by one worker at a time, and a bad lane holds up no other."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest
from servicekit.db import Database, Tx
from servicekit.db.testing import ServiceDatabase
from servicekit.lanes import BULK, ONE, Lanes, Limits, Mark, mark, open_marks

from .conftest import CONTEXT, admin, put, scalar
from .work import LANES, count

pytestmark = pytest.mark.infra


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline, "not reached in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(lanes: Lanes, handler: Callable, tasks: int = 1) -> AsyncIterator[None]:
    task = asyncio.create_task(lanes.run_chunks(handler, tasks=tasks))
    try:
        yield
    finally:
        lanes.stop()
        await asyncio.wait_for(task, 10)


class Seen:
    """A handler that remembers."""

    def __init__(self) -> None:
        self.calls: list[dict[str, list[Mark]]] = []

    async def __call__(self, tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        self.calls.append({lane: list(marks) for lane, marks in lanes.items()})

    @property
    def lanes(self) -> list[str]:
        return [lane for call in self.calls for lane in call]


async def test_all_marks_of_a_lane_come_together_with_every_cause(db: Database) -> None:
    await put(db, [Mark("a", "k1"), Mark("b", "k1"), Mark("a", "k2", cause="event/9", correlation="c-9")])
    await put(db, [Mark("a", "k1", cause="event/2", priority=BULK)])
    seen = Seen()
    assert await Lanes(db, LANES).drain(seen) == 2
    [call] = seen.calls
    assert [(m.key, m.cause, m.correlation, m.priority) for m in call["a"]] == [
        ("k1", "event/1", "c-1", ONE),
        ("k2", "event/9", "c-9", ONE),
        ("k1", "event/2", "c-1", BULK),
    ]
    assert await scalar(db, "SELECT count(*) FROM app.dirty") == 0
    assert await Lanes(db, LANES).drain(seen) == 0


async def test_a_handler_for_one_lane(db: Database) -> None:
    await put(db, [Mark("a", "k1"), Mark("b", "k2")])
    got: list[tuple[str, str]] = []

    async def handler(tx: Tx, lane: str, marks: Sequence[Mark]) -> None:
        got.extend((lane, m.key) for m in marks)

    lanes = Lanes(db, LANES)
    task = asyncio.create_task(lanes.run(handler))
    await until(lambda: len(got) == 2)
    lanes.stop()
    await task
    assert got == [("a", "k1"), ("b", "k2")]


async def test_what_is_marked_can_be_asked(db: Database) -> None:
    await put(db, [Mark("a", "k1")])
    async with db.read() as tx:
        assert await open_marks(tx, LANES, "a")
        assert await open_marks(tx, LANES, "a", ["k1", "k2"])
        assert not await open_marks(tx, LANES, "a", ["k2"])
        assert not await open_marks(tx, LANES, "b")


async def test_nothing_is_marked_when_the_transaction_fails(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with db.transaction(CONTEXT) as tx:
            await tx.execute("SELECT 1")
            raise ZeroDivisionError
    assert await scalar(db, "SELECT count(*) FROM app.dirty") == 0


async def test_one_goes_before_bulk(db: Database) -> None:
    await put(db, [Mark(f"bulk{n}", "k", priority=BULK) for n in range(250)])
    await put(db, [Mark("one", "k")])
    seen = Seen()
    await Lanes(db, LANES, limits=Limits(chunk=100)).drain(seen)
    assert list(seen.calls[0]) == ["one"]
    assert [len(call) for call in seen.calls] == [1, 100, 100, 50]


async def test_a_lane_that_fails_is_parked_and_the_others_are_done(db: Database) -> None:
    await put(db, [Mark(f"l{n}", "k") for n in range(10)])
    bad, tries = True, 0

    async def handler(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        nonlocal tries
        await count(tx, lanes)
        if "l3" in lanes and bad:
            tries += len(lanes) == 1
            raise ValueError("l3 cannot be")

    lanes = Lanes(db, LANES, limits=Limits(attempts=3, backoff_s=0.01))
    async with running(lanes, handler):
        await until(lambda: lanes.stats.parked == 1)
    assert tries == 3
    assert lanes.stats.lanes == 9
    assert await scalar(db, "SELECT count(*) FROM app.done WHERE times = 1") == 9
    assert lanes.readiness() == ["lane l3 is parked: ValueError: l3 cannot be"]
    assert await Lanes(db, LANES).ready() == lanes.readiness()
    backlog = await lanes.backlog()
    assert (backlog.marks, backlog.parked, backlog.oldest) == (1, 1, None)
    # A new mark waits with the others; nothing is forgotten.
    await put(db, [Mark("l3", "k"), Mark("l4", "k")])
    await lanes.drain(handler)
    assert await scalar(db, "SELECT count(*) FROM app.dirty") == 2
    bad = False
    assert await lanes.retry("other") == 0
    assert await lanes.retry("l3") == 1
    await lanes.drain(handler)
    assert await lanes.ready() == []
    assert await scalar(db, "SELECT times FROM app.done WHERE lane = 'l3'") == 2


async def test_a_lane_that_failed_once_waits_and_is_tried_again(db: Database) -> None:
    await put(db, [Mark("a", "k")])
    times: list[float] = []

    async def handler(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            await tx.execute("SELECT 1 / 0")

    lanes = Lanes(db, LANES, limits=Limits(backoff_s=0.2))
    async with running(lanes, handler):
        await until(lambda: lanes.stats.lanes == 1)
    assert lanes.stats.failures == 2
    assert times[1] - times[0] >= 0.2
    assert times[2] - times[1] >= 0.4
    assert await scalar(db, "SELECT attempts FROM app.lane WHERE lane = 'a'") == 0


async def test_parked_lanes_do_not_hide_those_behind_them(db: Database) -> None:
    """More marks of lanes that cannot be had than are looked at in one go."""
    limits = Limits(chunk=2, one_chunk=2, attempts=1)
    await put(db, [Mark("bad", f"k{n}") for n in range(200)])

    async def fail(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        raise ValueError("no")

    await Lanes(db, LANES, limits=limits).drain(fail)
    await put(db, [Mark("held", f"k{n}") for n in range(200)])
    await put(db, [Mark("good", "k")])
    seen = Seen()
    lanes = Lanes(db, LANES, limits=limits)
    async with db.transaction(CONTEXT) as tx:
        await tx.execute("INSERT INTO app.lane (lane) VALUES ('held')")
    async with db.transaction(CONTEXT) as tx:
        await tx.execute("SELECT FROM app.lane WHERE lane = 'held' FOR UPDATE")
        await lanes.drain(seen)
    assert seen.lanes == ["good"]
    await lanes.drain(seen)
    assert seen.lanes == ["good", "held"]


async def test_a_lost_connection_is_no_fault_of_the_lane(db: Database, toil: ServiceDatabase) -> None:
    await put(db, [Mark("a", "k")])
    tries = 0

    async def handler(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        nonlocal tries
        tries += 1
        await count(tx, lanes)
        if tries <= 3:
            pid = await tx.scalar("SELECT pg_backend_pid()")
            await admin(toil, f"SELECT pg_terminate_backend({pid})")
            await tx.execute("SELECT 1")

    lanes = Lanes(db, LANES, limits=Limits(attempts=1, backoff_s=0.01))
    async with running(lanes, handler):
        await until(lambda: tries == 2)
        assert lanes.trouble
        await until(lambda: lanes.stats.lanes == 1)
    assert (lanes.stats.failures, lanes.stats.parked, lanes.stats.passing_failures) == (0, 0, 3)
    assert not lanes.trouble
    assert await scalar(db, "SELECT times FROM app.done") == 1


async def test_two_in_each_others_way_try_again_at_once(db: Database) -> None:
    await put(db, [Mark("a", "k"), Mark("b", "k")])
    tries = 0

    async def handler(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        nonlocal tries
        tries += 1
        await count(tx, lanes)
        if tries < 3:
            await tx.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")

    lanes = Lanes(db, LANES, limits=Limits(attempts=1))
    assert await lanes.drain(handler) == 2
    assert (tries, lanes.stats.failures) == (3, 0)


@pytest.mark.parametrize(("notified", "least", "most"), [(True, 0.0, 2.5), (False, 2.5, 10.0)])
async def test_a_commit_wakes_the_worker(
    db: Database, toil: ServiceDatabase, notified: bool, least: float, most: float
) -> None:
    """With the poll far away, the notice alone makes it prompt; the control marks without one."""
    lanes = Lanes(db, LANES, limits=Limits(poll_s=5))
    seen = Seen()
    async with running(lanes, seen):
        listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'toil lanes' AND query LIKE 'LISTEN%'"

        async def is_listening() -> bool:
            return await scalar(db, listening) == 1

        await until(is_listening)
        await asyncio.sleep(0.3)
        began = time.monotonic()
        if notified:
            await put(db, [Mark("a", "k")])
        else:
            async with db.transaction(CONTEXT) as tx:
                await tx.execute("INSERT INTO app.dirty (lane, key, priority) VALUES ('a', 'k', 0)")
        await until(lambda: seen.calls)
        assert least <= time.monotonic() - began < most


async def test_workers_and_marks_never_wait_for_each_other(db: Database, toil: ServiceDatabase) -> None:
    """60 transactions mark the same 40 lanes in any order, slowly, while two workers take them."""
    rng = random.Random(7)
    worker_db = Database(toil.app_url, source="toil")
    lanes = Lanes(worker_db, LANES, limits=Limits(chunk=5))
    plans = [rng.sample(range(40), 40) for _ in range(60)]

    async def slowly(plan: list[int]) -> None:
        async with await psycopg.AsyncConnection.connect(toil.app_url) as connection:
            await connection.execute("SET lock_timeout = '1s'")
            for n in plan:
                await connection.execute(
                    "INSERT INTO app.dirty (lane, key, priority) VALUES (%s, 'k', 0)", [f"l{n}"]
                )
                await asyncio.sleep(rng.random() / 500)

    async with running(lanes, count, tasks=2):
        await asyncio.gather(*(slowly(plan) for plan in plans))
        await until(lambda: lanes.stats.marks == 60 * 40)
    await worker_db.close()
    assert lanes.stats.failures == lanes.stats.passing_failures == 0
    assert await scalar(db, "SELECT sum(times) FROM app.done") == 60 * 40
    assert await scalar(db, "SELECT count(*) FROM app.overlap") == 0


async def test_a_mark_waits_neither_for_an_open_mark_nor_for_the_lane_at_work(
    db: Database, toil: ServiceDatabase
) -> None:
    await put(db, [Mark("a", "k")])
    at_work, go_on = asyncio.Event(), asyncio.Event()

    async def handler(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        at_work.set()
        await go_on.wait()
        await count(tx, lanes)

    lanes = Lanes(db, LANES)
    async with running(lanes, handler):
        await at_work.wait()
        async with db.transaction(CONTEXT) as first:
            await mark(first, LANES, [Mark("a", "k")])
            async with db.transaction(CONTEXT) as second:
                await second.execute("SET LOCAL lock_timeout = '200ms'")
                await mark(second, LANES, [Mark("a", "k")])
        assert lanes.stats.marks == 0
        go_on.set()
        await until(lambda: lanes.stats.marks == 3)
    assert await scalar(db, "SELECT times FROM app.done") == 3


async def test_the_control_with_a_unique_key_deadlocks(db: Database, toil: ServiceDatabase) -> None:
    await admin(
        toil,
        "CREATE TABLE app.unique_dirty (lane text PRIMARY KEY); GRANT ALL ON app.unique_dirty TO toil_app",
    )
    rng = random.Random(7)

    async def slowly(plan: list[int]) -> None:
        async with await psycopg.AsyncConnection.connect(toil.app_url) as connection:
            for n in plan:
                await connection.execute(
                    "INSERT INTO app.unique_dirty VALUES (%s) ON CONFLICT (lane) DO UPDATE SET lane = excluded.lane",
                    [f"l{n}"],
                )
                await asyncio.sleep(rng.random() / 500)

    results = await asyncio.gather(
        *(slowly(rng.sample(range(10), 10)) for _ in range(10)), return_exceptions=True
    )
    assert any(isinstance(r, psycopg.errors.DeadlockDetected) for r in results)


async def test_bulk_is_worked_off_a_chunk_at_a_time(db: Database) -> None:
    """A chunk is a transaction: one for each lane would be what an approval for everybody cannot pay."""
    lanes_count, chunk = 5_000, 200
    await put(db, [Mark(f"l{n}", f"k{k}", priority=BULK) for n in range(lanes_count) for k in range(4)])
    lanes = Lanes(db, LANES, limits=Limits(chunk=chunk))
    await lanes.drain(count)
    assert (lanes.stats.lanes, lanes.stats.marks) == (lanes_count, lanes_count * 4)
    assert lanes.stats.chunks <= lanes_count / chunk + 1
