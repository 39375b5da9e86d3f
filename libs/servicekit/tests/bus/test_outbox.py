"""Claiming and announcing."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import bus_toy as toy
import psycopg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from servicekit.bus import announce, announce_with, claim, configure
from servicekit.bus.outbox import ClaimError, EventTooLargeError, StampError, claim_once
from servicekit.bus.queue import Watermark
from servicekit.context import Context
from servicekit.testing import eventually

pytestmark = pytest.mark.req("PL-24")

TOPIC = "store.part"


def outbox(world) -> list[dict]:
    rows = world.store_sql("SELECT envelope FROM bus.outbox ORDER BY id")
    return [json.loads(row[0]) for row in rows]


async def test_state_and_event_are_one_transaction(world) -> None:
    async def fails() -> None:
        async with world.store.transaction(toy.CONTEXT) as tx:
            await claim(tx, [(TOPIC, "P1")])
            await announce(tx, [toy.change("P1", 1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert outbox(world) == []
    assert world.store_sql("SELECT * FROM bus.outbox_pending") == []
    assert world.store_sql("SELECT * FROM bus.subject") == []


async def test_an_event_says_who_why_and_in_which_order(world) -> None:
    context = Context(
        actor="account/7", reason="moved", correlation="c-9", cause="request/1", traceparent=None
    )
    for count in (1, 2):
        async with world.store.transaction(context) as tx:
            at = await claim(tx, [(TOPIC, "P1"), (TOPIC, "P2")])
            ids = await announce(
                tx, [toy.change("P1", count), toy.change("P2", count), toy.change("P1", count)]
            )
    found = outbox(world)
    assert [(e["subject"], e["sequence"]) for e in found] == [
        ("P1", 1), ("P2", 1), ("P1", 2), ("P1", 3), ("P2", 2), ("P1", 4),
    ]  # fmt: skip
    last = found[-1]
    assert last["id"] == ids[-1]
    assert (last["actor"], last["correlationid"], last["causationid"]) == ("account/7", "c-9", "request/1")
    assert datetime.fromisoformat(last["time"]) == at == tx.recorded_at
    assert len({e["time"] for e in found}) == 2
    assert (last["source"], last["epoch"], last["partitionkey"]) == ("/attest/store", 1, "P1")


async def test_each_consequence_of_a_batch_may_name_its_own_cause(world) -> None:
    own = Context(actor="system/store", reason="because", correlation="c-5", cause="event-5")
    async with world.store.transaction(toy.CONTEXT) as tx:
        await claim(tx, [(TOPIC, "P1"), (TOPIC, "P2")])
        await announce_with(tx, [(toy.change("P1", 1), own)])
        await announce(tx, [toy.change("P2", 1)])
    assert [(e["correlationid"], e.get("causationid")) for e in outbox(world)] == [
        ("c-5", "event-5"),
        ("c-1", None),
    ]


async def test_nothing_is_announced_without_a_claim(world) -> None:
    async with world.store.transaction(toy.CONTEXT) as tx:
        with pytest.raises(RuntimeError, match="claim"):
            await announce(tx, [toy.change("P1", 1)])
        await claim(tx, [(TOPIC, "P1")])
        with pytest.raises(ClaimError):
            await announce(tx, [toy.change("P2", 1)])
        with pytest.raises(LookupError):
            await announce(tx, [toy.change("P1", 1, topic="store.unknown")])


async def test_record_time_never_falls(world) -> None:
    future = datetime.now(UTC) + timedelta(hours=1)
    async with world.store.transaction(toy.CONTEXT) as tx:
        assert await claim(tx, [(TOPIC, "P1")], caused_at=future) == future
        await announce(tx, [toy.change("P1", 1)])
    async with world.store.transaction(toy.CONTEXT) as tx:
        # Not lower than the last stamp of the subject, however the clock stands.
        assert await claim(tx, [(TOPIC, "P1")]) == future
        await announce(tx, [toy.change("P1", 2)])
    async with world.store.transaction(toy.CONTEXT) as tx:
        assert await claim(tx, [(TOPIC, "P2")]) < future
        # One stamp a transaction: a later claim keeps it, or fails when it would be too low.
        with pytest.raises(StampError) as caught:
            await claim(tx, [(TOPIC, "P1")])
        assert caught.value.retryable
        assert await claim(tx, [(TOPIC, "P3")]) == tx.recorded_at
        await announce(tx, [toy.change("P3", 1)])


async def test_the_stamp_is_taken_after_the_lock(world) -> None:
    """Who waits for a subject is recorded after whoever held it."""
    entered, go = asyncio.Event(), asyncio.Event()

    async def first() -> datetime:
        async with world.store.transaction(toy.CONTEXT) as tx:
            at = await claim(tx, [(TOPIC, "P1")])
            entered.set()
            await go.wait()
            await announce(tx, [toy.change("P1", 1)])
            return at

    async def second() -> datetime:
        async with world.store.transaction(toy.CONTEXT) as tx:
            at = await claim(tx, [(TOPIC, "P1")])
            await announce(tx, [toy.change("P1", 2)])
            return at

    one = asyncio.create_task(first())
    await entered.wait()
    two = asyncio.create_task(second())
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    await eventually(lambda: world.store_sql(waiting), 30)
    released = datetime.now(UTC)
    go.set()
    assert await one < released <= await two
    assert [e["state"]["count"] for e in (x["data"] for x in outbox(world))] == [1, 2]


async def test_claims_in_any_order_do_not_deadlock(world) -> None:
    async def some(names: list[str]) -> None:
        async with world.store.transaction(toy.CONTEXT) as tx:
            await claim(tx, [(TOPIC, name) for name in names])
            await announce(tx, [toy.change(name, 1) for name in names])

    names = [f"P{n}" for n in range(12)]
    await asyncio.gather(*(some(names[n:] + names[:n]) for n in range(10)))
    sequences = world.store_sql("SELECT DISTINCT sequence FROM bus.subject")
    assert sequences == [(10,)]


async def test_what_is_announced_once_keeps_no_row_of_its_subject(world) -> None:
    async with world.store.transaction(toy.CONTEXT) as tx:
        await claim_once(tx, [(TOPIC, "P1"), (TOPIC, "P2")])
        await claim(tx, [(TOPIC, "P3")])
        await announce(tx, [toy.change(name, 1) for name in ("P1", "P2", "P3")])
    assert [(e["subject"], e["sequence"]) for e in outbox(world)] == [("P1", 1), ("P2", 1), ("P3", 1)]
    assert world.store_sql("SELECT subject, sequence FROM bus.subject") == [("P3", 1)]


async def test_what_is_too_large_fails_where_it_is_written(world) -> None:
    async with world.store.transaction(toy.CONTEXT) as tx:
        await claim(tx, [(TOPIC, "P1")])
        with pytest.raises(EventTooLargeError):
            await announce(tx, [toy.change("P1", 1, text="ü" * 500_000)])


async def test_the_largest_event_arrives(world) -> None:
    async with world.relay(), world.consumer():
        await toy.write(world.store, [toy.change("P1", n, text="x" * 990_000) for n in range(3)])
        await world.all_arrived()


async def test_the_validator_decides(world) -> None:
    def validate(topic: str, data: dict) -> None:
        if data["state"]["count"] < 0:
            raise ValueError(f"{topic}: /state/count")

    configure([toy.PART], validate=validate)
    async with world.store.transaction(toy.CONTEXT) as tx:
        await claim(tx, [(TOPIC, "P1")])
        with pytest.raises(ValueError, match="/state/count"):
            await announce(tx, [toy.change("P1", -1)])
        await announce(tx, [toy.change("P1", 1)])


async def test_the_span_in_which_it_was_written_travels_with_it(world) -> None:
    provider = TracerProvider()
    with provider.get_tracer("test").start_as_current_span("command") as span:
        await toy.write(world.store, [toy.change("P1", 1)])
    assert outbox(world)[0]["traceparent"].split("-")[1] == f"{span.get_span_context().trace_id:032x}"
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize("number", [10, 3_000])
async def test_few_and_many_are_written_alike(world, number: int) -> None:
    changes = [toy.change(f"P{n % 7}", n) for n in range(number)]
    async with world.store.transaction(toy.CONTEXT) as tx:
        await claim(tx, {(a.topic, a.subject) for a in changes})
        ids = await announce(tx, changes)
    found = outbox(world)
    assert [e["id"] for e in found] == ids
    assert [e["data"]["state"]["count"] for e in found] == list(range(number))
    wrong = world.store_sql(
        "SELECT o.id FROM bus.outbox o FULL JOIN bus.outbox_pending p USING (topic, partition, id)"
        " WHERE o.event_id IS NULL OR p.id IS NULL"
    )
    assert wrong == []
    assert world.store_sql("SELECT sum(sequence)::int FROM bus.subject") == [(number,)]


async def test_one_signal_a_transaction(world) -> None:
    with psycopg.connect(world.given["store"], autocommit=True) as listener:
        listener.execute("LISTEN bus_outbox")
        async with world.store.transaction(toy.CONTEXT) as tx:
            await claim(tx, [(TOPIC, "P1"), (TOPIC, "P2")])
            await announce(tx, [toy.change("P1", 1)])
            await announce(tx, [toy.change("P2", 1)])
        assert len(list(listener.notifies(timeout=1, stop_after=2))) == 1


# Watermarks


async def watermark(world, reader: Watermark) -> datetime:
    async with await psycopg.AsyncConnection.connect(world.given["store"], autocommit=True) as connection:
        return await reader.read(connection)


async def test_the_watermark_waits_for_open_transactions(world) -> None:
    reader = Watermark()
    before = datetime.now(UTC)
    async with world.store.transaction(toy.CONTEXT) as tx:
        at = await claim(tx, [(TOPIC, "P1")])
        assert before - timedelta(seconds=5) < await watermark(world, reader) <= at
        await announce(tx, [toy.change("P1", 1)])
        assert await watermark(world, reader) <= at
    assert await watermark(world, reader) > at


async def test_the_watermark_follows_a_clock_that_is_set_ahead(world) -> None:
    reader = Watermark()
    await watermark(world, reader)
    async with world.store.transaction(toy.CONTEXT) as tx:
        at = await claim(tx, [(TOPIC, "P1")])
        world.store_sql("UPDATE app.clock_offset SET ahead = interval '1 day'")
        # The open transaction has the earlier time: the offset does not count for it.
        assert await watermark(world, reader) <= at
        await announce(tx, [toy.change("P1", 1)])
    assert await watermark(world, reader) > at + timedelta(hours=23)
    async with world.store.transaction(toy.CONTEXT) as tx:
        at = await claim(tx, [(TOPIC, "P1")])
        assert at - timedelta(minutes=1) < await watermark(world, reader) <= at
        await announce(tx, [toy.change("P1", 2)])


async def test_what_is_announced_waits_for_the_disk_whoever_asked_for_less(world) -> None:
    """A consumer's batch can be read again; an event that the relay has sent cannot be made a second time."""
    context = Context(actor="system/store", reason="because", correlation="c-1")
    asked = "SELECT current_setting('synchronous_commit')"
    async with world.store.transaction(context) as tx:
        usual = await tx.scalar(asked)
    async with world.store.transaction(context, repeatable=True) as tx:
        assert await tx.scalar(asked) == "off"
        await claim(tx, [("store.part", "P1")])
        assert await tx.scalar(asked) == usual
    async with world.store.transaction(context) as tx:
        assert await tx.scalar(asked) == usual
