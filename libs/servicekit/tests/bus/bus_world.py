"""The two toy services with databases of their own, in this process or in others, on one Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import bus_toy as toy
import sqlalchemy
from aiokafka import AIOKafkaConsumer, TopicPartition
from servicekit.bus import Consumer, Event, Relay, configure
from servicekit.bus.envelope import decode
from servicekit.db import Database
from servicekit.db.platform import install
from servicekit.testing import Template, eventually
from servicekit.testing.databases import Database as TestDatabase


class Process:
    """A process of a toy service."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self.pid = pid
        self._zygote = zygote

    def poll(self) -> int | None:
        """None while it lives, else its exit code, negative for a signal."""
        return self._zygote.ask("poll", self.pid)

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


class Zygote:
    """Forks processes of the toy services."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("bus_zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, role: str, given: dict[str, Any], crash: str) -> Process:
        return Process(self, self.ask("start", role, given, crash))

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def template(service: str, ddl: str) -> Template:
    def build(database: TestDatabase) -> None:
        owner, app = f"{service}_owner", f"{service}_app"
        url = database.role(owner)
        database.role(app)
        with database.connect() as connection:
            connection.execute(f'ALTER DATABASE "{database.name}" OWNER TO {owner}'.encode())
        engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
        with engine.begin() as connection:
            install(connection, service=service, app_role=app, owner_role=owner, mode="test")
            connection.exec_driver_sql(ddl)
            connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA app TO {app}")
        engine.dispose()

    return Template(f"bus-{service}", build)


STORE = template("store", toy.STORE_DDL)
SALES = template("sales", toy.SALES_DDL)


class World:
    """The two services on one Kafka."""

    def __init__(
        self,
        zygote: Zygote,
        kafka: str,
        prefix: str,
        store: TestDatabase,
        sales: TestDatabase,
        topics: dict[str, int],
    ) -> None:
        self.zygote = zygote
        self.kafka = kafka
        self.prefix = prefix
        self.store_admin = store
        self.sales_admin = sales
        self.given: dict[str, Any] = {
            "kafka": kafka,
            "prefix": prefix,
            "topics": topics,
            "store": store.role("store_app"),
            "sales": sales.role("sales_app"),
        }
        configure(toy.topics(self.given))
        self.store = Database(self.given["store"], source="store")
        self.processes: list[Process] = []

    # Processes, in which faults strike

    def spawn(self, role: str, crash: str = "", **more: Any) -> Process:
        process = self.zygote.start(role, {**self.given, **more}, crash)
        self.processes.append(process)
        return process

    async def ended(self, process: Process, deadline: float = 60) -> int:
        """The exit code, when it has ended by itself."""
        await eventually(lambda: process.poll() is not None, deadline)
        code = process.poll()
        assert code is not None
        return code

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)

    # Parts in this process

    @contextlib.asynccontextmanager
    async def relay(self, **more: Any) -> AsyncIterator[Relay]:
        relay = toy.make_relay({**self.given, "relay": more})
        async with running(relay.run()):
            yield relay

    @contextlib.asynccontextmanager
    async def consumer(
        self, change: Callable[[Consumer], None] | None = None, **more: Any
    ) -> AsyncIterator[Consumer]:
        consumer = toy.make_consumer({**self.given, "consumer": more})
        if change:
            change(consumer)
        async with running(consumer.run()):
            yield consumer
        await consumer.database.close()

    # What is there

    def sql(
        self, statement: str, *values: Any, database: TestDatabase | None = None
    ) -> list[tuple[Any, ...]]:
        with (database or self.sales_admin).connect() as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def store_sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.sql(statement, *values, database=self.store_admin)

    async def records(self, topic: str = "store.part") -> list[Event]:
        """All events of a topic as they stand in Kafka, partition by partition."""
        found: list[Event] = []
        # From the beginning by setting: a seek right after assign() can lose to the client's own look for the end.
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest") as consumer:
            parts = [TopicPartition(self.prefix + topic, n) for n in range(self.given["topics"][topic])]
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            while any([await consumer.position(part) < ends[part] for part in parts]):
                for delivered in (await consumer.getmany(timeout_ms=200)).values():
                    found += [e for r in delivered if isinstance(e := decode(r.value, topic), Event)]
        return found

    def effects(self) -> int:
        return self.sql("SELECT count(*) FROM app.effect")[0][0]

    def announced(self) -> int:
        return self.store_sql("SELECT count(*) FROM bus.outbox")[0][0]

    async def all_arrived(self, deadline: float = 60) -> None:
        """Everything that was announced had its effect, once and in order; the queue is empty."""

        async def arrived() -> bool:
            return self.distinct_effects() == self.announced()

        await eventually(arrived, deadline, every=0.1)
        self.check()

        async def settled() -> bool:
            return self.store_sql("SELECT count(*) FROM bus.outbox_pending")[0][0] == 0

        await eventually(settled, deadline, every=0.1)

    def distinct_effects(self) -> int:
        return self.sql("SELECT count(DISTINCT event_id) FROM app.effect")[0][0]

    def check(self) -> None:
        """Each effect once, in the order of its subject, and the tables as the owner has them."""
        self.check_order()
        ours = self.sql("SELECT topic, subject, count FROM app.stock ORDER BY 1, 2")
        theirs = self.store_sql(
            "SELECT DISTINCT ON (topic, subject) topic, subject, (envelope::json #>> '{data,state,count}')::bigint"
            " FROM bus.outbox ORDER BY topic, subject, sequence DESC"
        )
        assert ours == theirs

    def check_order(self) -> None:
        twice = self.sql("SELECT event_id, count(*) FROM app.effect GROUP BY 1 HAVING count(*) > 1")
        assert twice == []
        swapped = self.sql(
            "SELECT * FROM (SELECT topic, subject, sequence, lag(sequence) OVER ("
            " PARTITION BY topic, subject ORDER BY id) AS before FROM app.effect) e"
            " WHERE sequence <> coalesce(before, 0) + 1"
        )
        assert swapped == []


@contextlib.asynccontextmanager
async def running(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
