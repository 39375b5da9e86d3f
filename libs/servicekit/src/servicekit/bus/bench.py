"""How fast the bus is: the relay beside the bare client with the same bytes, and the way from commit to fold.

Both need a database with the schema `bus` (runtime role) and a Kafka; topics with names of their own are made.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from aiokafka import AIOKafkaProducer

from servicekit.bus.consumer import Consumer
from servicekit.bus.envelope import Event
from servicekit.bus.kafka_settings import PRODUCER
from servicekit.bus.outbox import Announcement, announce, claim, configure
from servicekit.bus.relay import Relay
from servicekit.bus.subscription import Subscription
from servicekit.bus.topics import PlainTopic, ensure_topics
from servicekit.context import Context
from servicekit.db.database import Database, Tx
from servicekit.ids import new_id

_CONTEXT = Context(actor="system/bench", reason="bench", correlation="bench")


@dataclass(frozen=True, slots=True)
class Drain:
    """rates: rows a second. cpu: seconds of the relay's process for 100,000 rows. memory: its peak, in MB."""

    rows: int
    bytes_each: int
    write_rate: float
    drain_rate: float
    raw_rate: float
    cpu: float
    memory: float

    @property
    def ratio(self) -> float:
        """The relay, reading and clearing its queue included, beside the bare client."""
        return self.drain_rate / self.raw_rate


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from the commit of the announcing transaction until the fold is called."""

    events: int
    p50: float
    p99: float


async def fill(database: Database, topic: str, rows: int, size: int) -> float:
    """Announces `rows` events of about `size` bytes each; returns rows a second."""
    pad = "x" * max(0, size - 480)
    started = time.perf_counter()
    for block in range(0, rows, 10_000):
        numbers = range(block, min(block + 10_000, rows))
        async with database.transaction(_CONTEXT) as tx:
            await claim(tx, [(topic, f"S{n}") for n in numbers])
            await announce(
                tx,
                [
                    Announcement(
                        topic, f"{topic}-made.v1", f"S{n}", f"K{n % 5_000}", {"n": n, "pad": pad}, {}
                    )
                    for n in numbers
                ],
            )
    return rows / (time.perf_counter() - started)


async def drain(
    database_url: str, kafka: str, *, rows: int = 100_000, size: int = 800, partitions: int = 12
) -> Drain:
    """Fills a queue, measures the relay until it is empty, then the bare client with the same rows."""
    topic, raw = (PlainTopic(f"bench.{name}-{new_id()[-8:]}", partitions) for name in ("drain", "raw"))
    configure([topic])
    database = Database(database_url, source="bench", statement_timeout_ms=120_000)
    await ensure_topics(kafka, [topic, raw])
    write_rate = await fill(database, topic.name, rows, size)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        cursor = await connection.execute(
            "SELECT partition, convert_to(key, 'UTF8'), convert_to(envelope, 'UTF8') FROM bus.outbox"
            " WHERE topic = %s ORDER BY partition, id",
            [topic.name],
        )
        same = await cursor.fetchall()
    raw_rate = rows / await _send_raw(kafka, raw, same)
    bytes_each = sum(len(row[2]) for row in same) // rows
    del same
    await database.close()
    job = {
        "database_url": database_url,
        "kafka": kafka,
        "topic": topic.name,
        "partitions": partitions,
        "rows": rows,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "servicekit.bus.bench", json.dumps(job), stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    found = json.loads(out.splitlines()[-1])
    return Drain(
        rows,
        bytes_each,
        write_rate,
        rows / found["seconds"],
        raw_rate,
        found["cpu"] * 100_000 / rows,
        found["memory"],
    )


async def _relay_until_empty(
    database_url: str, kafka: str, topic: str, partitions: int, rows: int
) -> dict[str, float]:
    """What a relay process of its own needs, from the moment when it is connected."""
    relay = Relay(database_url, kafka, [PlainTopic(topic, partitions)])
    task = asyncio.create_task(relay.run())
    try:
        while relay.readiness():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        cpu, started = time.process_time(), time.perf_counter()
        while relay.sent < rows:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "memory": _peak_memory(),
    }


def _peak_memory() -> float:
    """MB. Not from getrusage, whose peak is inherited from the process that started this one."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def _send_raw(kafka: str, topic: PlainTopic, rows: Sequence[tuple[int, bytes, bytes]]) -> float:
    """The bare client: batches of the same rows, each partition one after the other, partitions side by side."""
    by_partition: dict[int, list[tuple[bytes, bytes]]] = {}
    for partition, key, envelope in rows:
        by_partition.setdefault(partition, []).append((key, envelope))
    async with AIOKafkaProducer(bootstrap_servers=kafka, **PRODUCER) as producer:

        async def one(partition: int, left: list[tuple[bytes, bytes]]) -> None:
            at = 0
            while at < len(left):
                batch = producer.create_batch()
                now = int(time.time() * 1000)
                while at < len(left) and batch.append(timestamp=now, key=left[at][0], value=left[at][1]):
                    at += 1
                batch.close()
                await (await producer.send_batch(batch, topic.name, partition=partition))

        started = time.perf_counter()
        await asyncio.gather(*(one(partition, left) for partition, left in by_partition.items()))
        return time.perf_counter() - started


async def latency(
    store_url: str, sales_url: str, kafka: str, *, rate: float = 50.0, events: int = 500, partitions: int = 12
) -> Latency:
    """Announces one event a transaction at a steady rate; from commit until the consumer's fold has it."""
    topic = PlainTopic(f"bench.latency-{new_id()[-8:]}", partitions)
    configure([topic])
    store, sales = Database(store_url, source="bench"), Database(sales_url, source="bench")
    committed: dict[str, float] = {}
    seen: dict[str, float] = {}

    async def fold(_tx: Tx, found: Sequence[Event]) -> None:
        now = time.perf_counter()
        for event in found:
            seen.setdefault(event.subject, now)

    name = f"bench-{os.getpid()}-{datetime.now(UTC):%H%M%S}"
    consumer = Consumer(name, sales, kafka, {topic.name: Subscription(fold, "every")}, specs=[topic])
    tasks = [asyncio.create_task(part.run()) for part in (Relay(store_url, kafka, [topic]), consumer)]

    async def send(number: int) -> None:
        subject = f"S{number}"
        async with store.transaction(_CONTEXT) as tx:
            await claim(tx, [(topic.name, subject)])
            await announce(
                tx, [Announcement(topic.name, f"{topic.name}-made.v1", subject, subject, {"n": number}, {})]
            )
        committed[subject] = time.perf_counter()

    try:
        warm = min(50, events)
        for number in range(-warm, 0):
            await send(number)
        while len(seen) < warm:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        started = time.perf_counter()
        for number in range(events):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            await send(number)
        while len(seen) < warm + events:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.close()
        await sales.close()
    took = sorted((seen[f"S{n}"] - committed[f"S{n}"]) * 1000 for n in range(events))
    return Latency(events, took[events // 2], took[events * 99 // 100])


if __name__ == "__main__":
    # As a service does at its start.
    gc.collect()
    gc.freeze()
    print(json.dumps(asyncio.run(_relay_until_empty(**json.loads(sys.argv[1])))))
