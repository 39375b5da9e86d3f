"""The relay: from `bus.outbox_pending` to Kafka, in order, by one leader a service.

A partition has one batch in flight; the next goes when the last was acknowledged and taken off the queue. Partitions
are independent: one that is blocked waits alone. Whatever fails, rows stay in the queue until Kafka has them, so a
failure costs duplicates, which consumers drop, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import secrets
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    BrokerResponseError,
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    RecordListTooLargeError,
)

from servicekit.bus import queue
from servicekit.bus.envelope import encode_heartbeat
from servicekit.bus.errors import named
from servicekit.bus.faults import crash
from servicekit.bus.kafka_log import LogReader, surviving_ends
from servicekit.bus.kafka_settings import PRODUCER
from servicekit.bus.outbox import CHANNEL
from servicekit.bus.queue import Ack, Batch, Part, Reader
from servicekit.bus.topics import TopicSpec, ensure_topics
from servicekit.retries import keep_running, until_it_succeeds
from servicekit.tasks import end_all

log = structlog.get_logger(__name__)

SESSION_HEADER = "relay"
"""Kafka header with the relay's connection: where it changes, a consumer looks whether the log is still the same."""

_LOCK = 0x6275735F72656C61
_HEARTBEAT_KEY = b"heartbeat"
# Seconds without an acknowledgement after which a partition counts as blocked.
_SLOW = 5.0
# Seconds until the first new try.
_PAUSE = 0.2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LogLostError(Exception):
    """Kafka gave an offset that was given before: the log has lost something."""


class StalledError(Exception):
    """Batches are with Kafka's client and none was acknowledged for long."""


class Relay:
    """Sends what a service announces. `run()` until cancelled; any number may run, one leads.

    topics: those that the service owns. prefix: of the installation's Kafka names. batch_rows: most rows of a batch.
    Durations are seconds. leader_timeout: after so long without a sign of life a leader is replaced.
    """

    def __init__(
        self,
        database_url: str,
        kafka: str,
        topics: Sequence[TopicSpec],
        *,
        prefix: str = "",
        heartbeat_interval: float = 10.0,
        poll_interval: float = 0.05,
        batch_rows: int = 400,
        leader_timeout: float = 15.0,
        stall_timeout: float = 60.0,
        reader: Reader = queue.read,
    ) -> None:
        self.topics = list(topics)
        self.leading = False
        self.sent = 0
        """Events acknowledged since the start."""
        self.republished = 0
        """Events put back because Kafka had lost them."""
        self.announced = asyncio.Event()
        """Set when a transaction of the service has announced something, while this relay leads."""
        self._url = database_url
        self._kafka = kafka
        self._prefix = prefix
        self._heartbeat_interval = heartbeat_interval
        self._poll_interval = poll_interval
        self._batch_rows = batch_rows
        self._leader_timeout = leader_timeout
        self._stall_timeout = stall_timeout
        self._read = reader
        self._parts = [Part(spec.name, number) for spec in self.topics for number in range(spec.partitions)]
        self._partitions = {spec.name: spec.partitions for spec in self.topics}
        self._compacted = {
            spec.name for spec in self.topics if "compact" in spec.kafka_config().get("cleanup.policy", "")
        }
        self._limits: dict[Part, int] = {}
        self._refused: dict[Part, tuple[float, float]] = {}
        self._wake = asyncio.Event()
        self._trouble: str | None = "relay: has not started"
        self._in_flight: dict[Part, tuple[asyncio.Task[None], float]] = {}
        self._acks: list[Ack] = []
        self._acked = asyncio.Event()
        self._next: dict[Part, int] = {}
        self._heartbeats: dict[Part, float] = {}
        self._progress = 0.0
        self._session = ""

    async def run(self) -> None:
        """Leads, or waits until it may; ends by cancellation alone."""
        await keep_running(self._lead, on=(psycopg.Error, OSError), failed=self._session_lost)

    def _session_lost(self, error: Exception) -> None:
        self._trouble = f"relay: database: {type(error).__name__}"
        log.warning("relay lost its database session", error=named(error))

    def readiness(self) -> list[str]:
        """Why events do not flow; empty when they do, or when another process leads."""
        reasons = [self._trouble] if self._trouble else []
        late = time.monotonic() - min(self._stall_timeout, _SLOW)
        reasons += [
            f"relay: Kafka does not acknowledge {part.topic}/{part.partition}"
            for part, (_, since) in self._in_flight.items()
            if since < late
        ]
        reasons += [f"relay: {part.topic}/{part.partition} is refused by Kafka" for part in self._refused]
        return reasons

    async def replay(self, topic: str) -> int:
        """Publishes a topic again from its beginning, with the same event ids; returns how many events."""
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            return await queue._replay(connection, topic)

    # Leadership

    async def _lead(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            leader = await stack.enter_async_context(self._connect(watched=True))
            while not await _try_lock(leader):
                self._trouble = None
                await asyncio.sleep(min(1.0, self._leader_timeout / 4))
            writer = await stack.enter_async_context(self._connect())
            listener = await stack.enter_async_context(self._connect())
            await listener.execute(f"LISTEN {CHANNEL}")
            self.leading = True
            try:
                log.info("relay leads", topics=[spec.name for spec in self.topics])
                await _first_failure(
                    self._keep_alive(leader),
                    self._listen(listener),
                    self._serve_for_ever(leader, writer),
                )
            finally:
                self.leading = False

    def _connect(self, *, watched: bool = False) -> Any:
        options = queue.SESSION_SETTINGS
        if watched:
            # A leader that was paused, or whose network is gone, loses its lock with its session.
            limit = int(self._leader_timeout * 1000)
            options += (
                f" -c idle_session_timeout={limit} -c idle_in_transaction_session_timeout={limit}"
                f" -c tcp_user_timeout={limit}"
            )
        else:
            # An acknowledgement that a crash of the database loses is only sent again.
            options += " -c synchronous_commit=off"
        return _connection(self._url, options)

    async def _keep_alive(self, leader: queue.Connection) -> None:
        while True:
            await asyncio.sleep(self._leader_timeout / 3)
            await leader.execute("SELECT 1")

    async def _listen(self, listener: queue.Connection) -> None:
        async for _ in listener.notifies():
            self._wake.set()
            self.announced.set()

    # Sending

    async def _serve_for_ever(self, leader: queue.Connection, writer: queue.Connection) -> None:
        while True:
            async for attempt in until_it_succeeds(_is_not_the_database, first=_PAUSE, most=5.0):
                with attempt:
                    await self._serve_once(leader, writer)
            await asyncio.sleep(_PAUSE)

    async def _serve_once(self, leader: queue.Connection, writer: queue.Connection) -> None:
        """Sends until something fails; raises when it could not connect to Kafka, or when the database fails."""
        producer: AIOKafkaProducer | None = None
        connected = False
        try:
            await self._forget()
            producer = AIOKafkaProducer(bootstrap_servers=self._kafka, **PRODUCER)
            await self._open(producer, writer)
            self._trouble = None
            connected = True
            await _first_failure(self._serve(producer, leader), self._settle(writer), self._miss_topics())
        except psycopg.Error:
            raise
        except Exception as error:
            # aiokafka's producer stays broken after some errors, its own bugs included: a new one starts clean.
            self._trouble = f"relay: Kafka: {type(error).__name__}: {error}"
            log.warning("relay connects to Kafka anew", error=self._trouble)
            if not connected:
                raise
        finally:
            await self._forget()
            if producer is not None:
                await asyncio.shield(_stop(producer))

    async def _open(self, producer: AIOKafkaProducer, writer: queue.Connection) -> None:
        """Connects, and compares what was acknowledged with what the logs hold, before anything new is sent."""
        await ensure_topics(self._kafka, self.topics, self._prefix)
        async with asyncio.timeout(self._stall_timeout):
            await producer.start()
            known = await queue.stretches(writer, self._parts)
            async with LogReader(self._kafka, self._prefix) as reader:
                self._next = await reader.ends(self._parts)
                lost = await surviving_ends(reader, known, self._next)
        for part, end in lost.items():
            rows, whole = await queue.publish_lost(writer, part, known[part], end)
            self.republished += rows
            log.error(
                "Kafka has lost acknowledged events; they are published again",
                topic=part.topic, partition=part.partition, end=end, events=rows, whole_history=whole,
            )  # fmt: skip
        self._session = secrets.token_hex(8)
        now = time.monotonic()
        self._progress = now
        self._heartbeats = dict.fromkeys(self._parts, now)

    async def _forget(self) -> None:
        """Drops what is in flight; its rows are still in the queue."""
        tasks = [task for task, _ in self._in_flight.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._in_flight.clear()
        self._acks.clear()

    async def _serve(self, producer: AIOKafkaProducer, leader: queue.Connection) -> None:
        watermark = queue.Watermark()
        looked = 0.0
        pause = self._poll_interval
        while True:
            self._wake.clear()
            idle = [part for part in self._parts if part not in self._in_flight and self._may_send(part)]
            batches = await self._read(leader, idle, self._batch_rows, self._partitions)
            for part, batch in batches.items():
                self._send(producer, part, batch)
            if time.monotonic() - looked > min(1.0, self._heartbeat_interval / 2):
                looked = time.monotonic()
                await self._send_heartbeats(producer, leader, watermark)
            self._check_tasks()
            if batches:
                pause = self._poll_interval
                continue
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
                pause = self._poll_interval
            except TimeoutError:
                # Notifications wake it; the look without one is for what they may miss, and gets rare in quiet hours.
                pause = min(pause * 2, self._poll_interval * 10)

    def _may_send(self, part: Part) -> bool:
        refused = self._refused.get(part)
        return refused is None or refused[0] <= time.monotonic()

    def _send(self, producer: AIOKafkaProducer, part: Part, batch: Batch) -> None:
        rows = batch.rows[: self._limits.get(part, self._batch_rows)]
        headers = [(SESSION_HEADER, self._session.encode())]
        builder = producer.create_batch()
        now_ms = int(time.time() * 1000)
        if batch.history_begins:
            mark = encode_heartbeat(_EPOCH, history_begins=True)
            builder.append(timestamp=now_ms, key=_HEARTBEAT_KEY, value=mark, headers=headers)
        ids: list[int] = []
        append = builder.append
        for number, key, envelope in rows:
            if append(timestamp=now_ms, key=key, value=envelope, headers=headers) is None:
                break
            ids.append(number)
        self._start(producer, part, builder, ids, history_begins=batch.history_begins)

    def _start(
        self, producer: AIOKafkaProducer, part: Part, builder: Any, ids: list[int], *, history_begins: bool
    ) -> None:
        builder.close()
        task = asyncio.create_task(self._deliver(producer, part, builder, ids, history_begins))
        self._in_flight[part] = (task, time.monotonic())

    async def _deliver(
        self, producer: AIOKafkaProducer, part: Part, builder: Any, ids: list[int], history_begins: bool
    ) -> None:
        count = builder.record_count()
        try:
            future = await producer.send_batch(builder, self._prefix + part.topic, partition=part.partition)
            crash.pass_by("before_ack")
            metadata = await future
        except KafkaError as error:
            # The client retries what can pass; what comes here is about this batch, or the end of the producer.
            if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError) and len(ids) > 1:
                self._limits[part] = max(1, len(ids) // 8)
            elif isinstance(error, BrokerResponseError) and not isinstance(error, OutOfOrderSequenceNumber):
                # A partition that Kafka refuses must not keep the others from being sent.
                _, pause = self._refused.get(part, (0.0, 0.5))
                self._refused[part] = (time.monotonic() + pause * 2, min(pause * 2, 30.0))
            raise
        crash.pass_by("after_send")
        base = metadata.offset
        if 0 <= base < self._next[part]:
            raise LogLostError(f"{part.topic}/{part.partition}: offset {base}, expected {self._next[part]}")
        if base >= 0:
            self._next[part] = base + count
        self._progress = time.monotonic()
        self._refused.pop(part, None)
        self._acks.append(Ack(part, ids, base, base + count - 1, history_begins=history_begins))
        self._acked.set()

    def _check_tasks(self) -> None:
        now = time.monotonic()
        oldest = now
        for task, since in self._in_flight.values():
            if task.done() and (error := task.exception()) is not None:
                raise error
            if not task.done():
                oldest = min(oldest, since)
        if now - oldest > self._stall_timeout and now - self._progress > self._stall_timeout:
            raise StalledError(f"no progress for {self._stall_timeout:g} s")

    async def _settle(self, writer: queue.Connection) -> None:
        while True:
            await self._acked.wait()
            self._acked.clear()
            acks, self._acks = self._acks, []
            await queue.settle(writer, acks)
            soon = time.monotonic() + self._heartbeat_interval / 4
            for ack in acks:
                self.sent += len(ack.ids)
                self._in_flight.pop(ack.part, None)
                if ack.ids:
                    # A partition that was busy sends a heartbeat soon, to say that it has caught up.
                    self._heartbeats[ack.part] = min(self._heartbeats[ack.part], soon)
            self._wake.set()

    async def _miss_topics(self) -> None:
        """Where nothing is acknowledged, a topic may be gone with Kafka's data: the client would wait for it for ever."""
        while True:
            await asyncio.sleep(_SLOW / 2)
            now = time.monotonic()
            if now - self._progress < _SLOW or not any(
                now - since > _SLOW for _, since in self._in_flight.values()
            ):
                continue
            try:
                made = await ensure_topics(self._kafka, self.topics, self._prefix)
            except (KafkaError, OSError):
                continue
            if made:
                raise LogLostError(f"topics were gone: {', '.join(made)}")

    async def _send_heartbeats(
        self, producer: AIOKafkaProducer, leader: queue.Connection, watermark: queue.Watermark
    ) -> None:
        now = time.monotonic()
        due = [part for part in self._parts if self._heartbeats[part] <= now]
        if not due:
            return
        # First the watermark, then the queue.
        instant = await watermark.read(leader)
        waiting = await queue.waiting(leader, due)
        headers = [(SESSION_HEADER, self._session.encode())]
        for part in due:
            if part in waiting or part in self._in_flight:
                continue
            self._heartbeats[part] = now + self._heartbeat_interval
            builder = producer.create_batch()
            # A compacted topic refuses records without a key.
            key = _HEARTBEAT_KEY if part.topic in self._compacted else None
            builder.append(timestamp=None, key=key, value=encode_heartbeat(instant), headers=headers)
            self._start(producer, part, builder, [], history_begins=False)


async def _try_lock(connection: queue.Connection) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
    return await cursor.fetchone() == (True,)


@contextlib.asynccontextmanager
async def _connection(url: str, options: str) -> AsyncIterator[queue.Connection]:
    # In pg_stat_activity an administrator finds the machine and the process of the leader, even behind a proxy.
    name = f"relay {platform.node()[:40]} {os.getpid()}"
    connection = await psycopg.AsyncConnection.connect(
        url, autocommit=True, options=options, application_name=name, connect_timeout=10
    )
    try:
        yield connection
    finally:
        await connection.close()


def _is_not_the_database(error: Exception) -> bool:
    return not isinstance(error, psycopg.Error)


async def _first_failure(*parts: Coroutine[Any, Any, None]) -> None:
    """Runs them side by side until one fails, whose error is raised when the others are gone."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end_all(tasks)
    for task in done:
        task.result()


async def _stop(producer: AIOKafkaProducer) -> None:
    # Left to itself, stop() waits until everything is delivered: for ever when the broker is gone.
    producer._message_accumulator.fail_all(ProducerClosed())
    try:
        async with asyncio.timeout(3):
            await producer.stop()
    except Exception as error:
        log.debug("producer did not stop cleanly", error=repr(error))
        await producer.client.close()
