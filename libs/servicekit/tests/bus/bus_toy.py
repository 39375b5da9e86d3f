"""Two toy services: `store` announces parts, `sales` keeps what it heard of them.

Every effect is a row without a unique key, so that an effect that happens twice is seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from servicekit.bus import (
    Announcement,
    Consumer,
    ConsumerSettings,
    Event,
    PlainTopic,
    Relay,
    Subscription,
    announce,
    claim,
    configure,
    positions,
)
from servicekit.context import Context
from servicekit.db import Database, Tx

PART = PlainTopic("store.part", partitions=3)
CONTEXT = Context(actor="user/A1", reason="a test", correlation="c-1")

STORE_DDL = "CREATE TABLE app.part (id text PRIMARY KEY, count bigint NOT NULL)"
SALES_DDL = """
CREATE TABLE app.effect (id bigint GENERATED ALWAYS AS IDENTITY, topic text, subject text, epoch int, sequence bigint,
    event_id text, at timestamptz);
CREATE TABLE app.stock (topic text, subject text, count bigint, PRIMARY KEY (topic, subject));
CREATE TABLE app.archive (id bigint GENERATED ALWAYS AS IDENTITY, event_id text, outcome text);
"""


def change(
    subject: str, count: int, *, topic: str = "store.part", key: str | None = None, **more: Any
) -> Announcement:
    return Announcement(
        topic,
        f"{topic}-changed.v1",
        subject,
        key or subject,
        {"part": subject, "count": count, **more},
        {"kind": "changed", "reason": "a test", "valid_from": None, "cause": None},
    )


async def write(database: Database, changes: Sequence[Announcement]) -> None:
    """One transaction: the parts and their announcements."""
    async with database.transaction(CONTEXT) as tx:
        await claim(tx, [(a.topic, a.subject) for a in changes])
        await tx.execute(
            "INSERT INTO app.part (id, count) VALUES (:id, :count)"
            " ON CONFLICT (id) DO UPDATE SET count = excluded.count",
            [{"id": a.subject, "count": a.state["count"]} for a in changes],
        )
        await announce(tx, changes)


async def write_many(
    database: Database,
    total: int,
    *,
    subjects: int = 50,
    each: int = 20,
    start: int = 0,
    topic: str = "store.part",
) -> None:
    """`total` announcements, round robin over the subjects, `each` in a transaction."""
    for numbers in itertools.batched(range(start, start + total), each, strict=False):
        await write(database, [change(f"P{n % subjects}", n, topic=topic) for n in numbers])


async def fold(tx: Tx, events: Sequence[Event]) -> None:
    await record_effects(tx, events)


async def record_effects(tx: Tx, events: Iterable[Event]) -> None:
    driver = await tx.driver()
    events = list(events)
    await driver.execute(
        "INSERT INTO app.effect (topic, subject, epoch, sequence, event_id, at)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::text[], %s::timestamptz[])",
        [
            [e.topic for e in events],
            [e.subject for e in events],
            [e.epoch for e in events],
            [e.sequence for e in events],
            [e.id for e in events],
            [e.time for e in events],
        ],
    )
    latest = {(e.topic, e.subject): e.state["count"] for e in events}
    await driver.execute(
        "INSERT INTO app.stock SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[])"
        " ON CONFLICT (topic, subject) DO UPDATE SET count = excluded.count",
        [[t for t, _ in latest], [s for _, s in latest], list(latest.values())],
    )


def folding(fold: Any, versions: Any = "every") -> Callable[[Consumer], None]:
    """Gives the consumer another fold."""

    def change(consumer: Consumer) -> None:
        consumer.subscriptions["store.part"] = Subscription(fold, versions=versions)

    return change


async def archive(tx: Tx, records: Sequence[Any]) -> None:
    driver = await tx.driver()
    await driver.execute(
        "INSERT INTO app.archive (event_id, outcome) SELECT * FROM unnest(%s::text[], %s::text[])",
        [[r.id for r in records], [r.outcome for r in records]],
    )


def topics(given: dict[str, Any]) -> list[PlainTopic]:
    return [PlainTopic(name, partitions) for name, partitions in given["topics"].items()]


def make_relay(given: dict[str, Any]) -> Relay:
    return Relay(
        given["store"], given["kafka"], topics(given), prefix=given["prefix"], heartbeat_interval=0.5,
        **given.get("relay", {}),
    )  # fmt: skip


def make_consumer(given: dict[str, Any]) -> Consumer:
    return Consumer(
        "sales",
        Database(given["sales"], source="sales"),
        given["kafka"],
        {name: Subscription(fold, versions="every") for name in given["topics"]},
        prefix=given["prefix"],
        archive=archive,
        specs=topics(given),
        settings=ConsumerSettings(**given.get("consumer", {})),
    )


def move_apart(url: str) -> None:
    """Takes a protection away: the position moves in a transaction of its own, not in that of the effects."""
    fence = positions.fence

    async def apart(_tx: Tx, *where: Any) -> None:
        database = Database(url, source="sales")
        async with database.transaction(CONTEXT) as tx:
            await fence(tx, *where)
        await database.close()

    positions.fence = apart


async def main(role: str, given: dict[str, Any]) -> None:
    configure(topics(given))
    if given.get("position_apart"):
        move_apart(given["sales"])
    await (make_relay(given) if role == "relay" else make_consumer(given)).run()
