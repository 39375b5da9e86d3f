"""The consumer: from Kafka into folds, each partition in its order, several at a time.

The position is in the consumer's own database and moves with the effects. Kafka's group only says who reads which
partition; a partition that two read for a moment is kept apart by the fence of each batch. Kafka's own committed
offsets follow for lag tools and are never read.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from servicekit.bus import positions
from servicekit.bus.batches import Batches, ConsumerSettings
from servicekit.bus.beats import Beats
from servicekit.bus.deadletter import DeadLetters
from servicekit.bus.envelope import is_heartbeat
from servicekit.bus.errors import named
from servicekit.bus.inbox import Inbox
from servicekit.bus.intake import Intake, Received
from servicekit.bus.kafka_settings import CONSUMER
from servicekit.bus.partition import Mode, PartitionState, Record, Verdict
from servicekit.bus.positions import FenceError, Position
from servicekit.bus.prompt_reads import read_before_fetching
from servicekit.bus.queue import Part
from servicekit.bus.subscription import Archive, Fold, Subscription
from servicekit.bus.topics import TopicSpec, ensure_topics
from servicekit.context import Context
from servicekit.db.database import Database
from servicekit.retries import keep_running, until_it_succeeds

log = structlog.get_logger(__name__)


class Consumer:
    """Reads topics into folds. `run()` until cancelled; further processes with the same name share the work.

    name: of the consumer, its rows in `bus` and its group in Kafka. subscriptions: topic (without prefix) -> fold.
    archive: gets every record in the transaction of its batch, duplicates and parked ones included, before the
    folds. specs: topics to make when they are missing, so that no owner must have started first.
    """

    def __init__(
        self,
        name: str,
        database: Database,
        kafka: str,
        subscriptions: Mapping[str, Fold | Subscription],
        *,
        prefix: str = "",
        archive: Archive | None = None,
        specs: Iterable[TopicSpec] = (),
        intake: Intake | None = None,
        settings: ConsumerSettings | None = None,
    ) -> None:
        self.name = name
        self.database = database
        self.subscriptions = {
            topic: fold if isinstance(fold, Subscription) else Subscription(fold)
            for topic, fold in subscriptions.items()
        }
        self.intake = intake or Intake()
        self.settings = settings or ConsumerSettings()
        self.inbox = Inbox(name, database, self.subscriptions, archive)
        self.dead_letters = DeadLetters(name, database, self.subscriptions, self.intake)
        self.batches = Batches(name, self.inbox, self.intake, self.settings)
        self.beats = Beats(name, database, self.batches.slots)
        self._kafka = kafka
        self._prefix = prefix
        self._specs = [spec for spec in specs if spec.name in self.subscriptions]
        self._states: dict[TopicPartition, PartitionState] = {}
        self._done = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._commits: dict[TopicPartition, int] = {}
        self._trouble: str | None = f"consumer {name}: has not started"
        self._client: AIOKafkaConsumer | None = None

    @property
    def halted(self) -> str | None:
        """Why it has stopped for good; a restart begins anew."""
        return self.batches.halted

    async def run(self) -> None:
        """Consumes; ends by cancellation alone, after the batches in hand."""
        await keep_running(self._run_once, on=Exception, failed=self._failed)

    def _failed(self, error: Exception) -> None:
        self._trouble = f"consumer {self.name}: {named(error)}"
        log.warning("consumer starts anew", consumer=self.name, error=named(error))

    def readiness(self) -> list[str]:
        """Why what was announced is not folded; empty when it is."""
        reasons = [reason for reason in (self._trouble, self.batches.halted) if reason]
        for state in self._states.values():
            name = f"{state.part.topic}/{state.part.partition}"
            if state.mode is Mode.GAP:
                reasons.append(f"{name}: the log begins after our position: the producer must replay")
            elif state.trouble:
                reasons.append(f"{name}: {state.trouble}")
        return reasons

    def lag(self) -> dict[Part, int]:
        """Records that are in Kafka and not folded yet, of each partition read here."""
        found: dict[Part, int] = {}
        for tp, state in self._states.items():
            end = None if self._client is None else _highwater(self._client, tp)
            if end is not None:
                found[state.part] = max(0, end - state.done_next)
        return found

    # Kafka

    async def _run_once(self) -> None:
        topics = [self._prefix + topic for topic in self.subscriptions]
        if not topics:
            await asyncio.Event().wait()
        await ensure_topics(self._kafka, self._specs, self._prefix)
        client = AIOKafkaConsumer(
            bootstrap_servers=self._kafka,
            group_id=self._prefix + self.name if self.settings.group else None,
            client_id=self.name,
            **{**CONSUMER, **self.settings.kafka},
        )
        try:
            await client.start()
            read_before_fetching(client)
            # Without a group aiokafka assigns every partition.
            client.subscribe(topics, listener=_Listener(self) if self.settings.group else None)
            self._client = client
            self._trouble = None
            async with asyncio.TaskGroup() as group:
                group.create_task(self._commit_for_ever(client))
                group.create_task(self._poll_for_ever(client))
        finally:
            self._client = None
            await asyncio.shield(self._close(client))

    async def _close(self, client: AIOKafkaConsumer) -> None:
        for state in self._states.values():
            state.forget()
        working = [state.worker for state in self._states.values() if state.worker is not None]
        if working:
            _, late = await asyncio.wait(working, timeout=self.settings.stop_timeout)
            for task in late:
                task.cancel()
        for task in [*self._tasks, *working]:
            task.cancel()
        await asyncio.gather(*self._tasks, *working, return_exceptions=True)
        self._states.clear()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(2):
                await self._commit(client)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(5):
                await client.stop()

    async def _poll_for_ever(self, client: AIOKafkaConsumer) -> None:
        while True:
            self._follow_assignment(client)
            if self.batches.halted:
                await asyncio.sleep(0.2)
                continue
            await self._room()
            try:
                delivered = await client.getmany(timeout_ms=200)
            except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
                await self._lost_position(client, error)
                continue
            for tp, records in delivered.items():
                state = self._states.get(tp)
                if state is not None:
                    self._deliver(client, state, records)

    async def _room(self) -> None:
        """Waits while more is buffered than memory is meant for; partitions that wait for something do not count."""
        while sum(len(s.buffer) for s in self._states.values() if not s.trouble) > self.settings.max_buffered:
            self._done.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._done.wait()

    def _follow_assignment(self, client: AIOKafkaConsumer) -> None:
        assigned = client.assignment()
        for tp in [tp for tp in self._states if tp not in assigned]:
            self._states.pop(tp).forget()
        new = [tp for tp in assigned if tp not in self._states]
        for tp in new:
            self._states[tp] = PartitionState(tp, Part(tp.topic.removeprefix(self._prefix), tp.partition))
        if new:
            states = [self._states[tp] for tp in new]
            self._spawn(client, states, self._position(client, states))

    def assigned_again(self) -> None:
        """After a rebalance aiokafka stands at Kafka's offsets, which mean nothing to us."""
        client = self._client
        if client is None:
            return
        assigned = client.assignment()
        for tp, state in self._states.items():
            if tp in assigned and state.mode in (Mode.READ, Mode.VERIFY):
                client.seek(tp, state.look_again())
                self._paused(client, state, state.paused)

    async def _lost_position(self, client: AIOKafkaConsumer, error: KafkaError) -> None:
        """A position that Kafka does not have: either ours was not set yet, or the log is shorter than we knew."""
        found = error.args[0] if error.args else ()
        affected = [found] if isinstance(found, TopicPartition) else list(found)
        lost = [
            state
            for tp in affected
            if (state := self._states.get(tp)) is not None and state.mode is not Mode.NEW
        ]
        for state in lost:
            state.forget()
        if lost:
            self._spawn(client, lost, self._position(client, lost))
        # Those that are being positioned raise this again until they are.
        await asyncio.sleep(0.02)

    def _deliver(self, client: AIOKafkaConsumer, state: PartitionState, records: Sequence[Record]) -> None:
        match state.deliver(records):
            case Verdict.TAKEN:
                if len(state.buffer) > 2 * self.settings.max_batch:
                    self._paused(client, state, True)
                self._work_on(client, state)
            case Verdict.LOOK_AGAIN:
                client.seek(state.tp, state.look_again())
            case Verdict.ANOTHER_LOG:
                state.forget()
                self._spawn(client, [state], self._start_over(client, state, another_log=True))
            case Verdict.HISTORY_BEGINS:
                begin = state.read_next
                state.forget()
                self._spawn(client, [state], self._begin_at(client, state, begin, another_log=False))
            case Verdict.NOTHING:
                pass

    def _paused(self, client: AIOKafkaConsumer, state: PartitionState, paused: bool) -> None:
        state.paused = paused
        with contextlib.suppress(Exception):
            (client.pause if paused else client.resume)(state.tp)

    # Positions

    async def _position(self, client: AIOKafkaConsumer, states: Sequence[PartitionState]) -> None:
        """Reads our positions and holds them against the logs."""
        await self._quiet(states)
        counts = {
            state.part.topic: len(client.partitions_for_topic(state.tp.topic) or ()) for state in states
        }
        async with self.database.transaction(self._context("position")) as tx:
            ours = await positions.positions(tx, self.name, [state.part for state in states], counts)
        tps = [state.tp for state in states]
        begins, ends = await client.beginning_offsets(tps), await client.end_offsets(tps)
        for state in states:
            position = ours.get(state.part, Position(None, None))
            await self._hold_against(client, state, position, begins[state.tp], ends[state.tp])

    async def _hold_against(
        self, client: AIOKafkaConsumer, state: PartitionState, ours: Position, begin: int, end: int
    ) -> None:
        following = ours.next
        if following is None:
            await self._start_over(client, state, another_log=False)
        elif following > end:
            await self._start_over(client, state, another_log=True)
        elif following < begin:
            self._seek(client, state, state.wait_in_gap(begin))
        elif following == begin:
            # Kafka has deleted the earlier records by age, so there is no record before the position to compare with.
            self._seek(client, state, state.begin(following, None, verify=False))
        elif ours.last_id is None:
            await self._start_over(client, state, another_log=False)
        else:
            self._seek(client, state, state.begin(following, ours.last_id, verify=True))

    async def _start_over(
        self, client: AIOKafkaConsumer, state: PartitionState, *, another_log: bool
    ) -> None:
        """At the beginning of the log, if that is the beginning of the history."""
        begin = (await client.beginning_offsets([state.tp]))[state.tp]
        if another_log:
            log.error(
                "another log", consumer=self.name, topic=state.part.topic, partition=state.part.partition
            )
        if begin > 0 and self.subscriptions[state.part.topic].history == "required":
            await self._quiet([state])
            self._seek(client, state, state.wait_in_gap(begin))
        else:
            await self._begin_at(client, state, begin, another_log=another_log)

    async def _begin_at(
        self, client: AIOKafkaConsumer, state: PartitionState, offset: int, *, another_log: bool
    ) -> None:
        await self._quiet([state])
        async with self.database.transaction(self._context("position")) as tx:
            await positions.start_at(tx, self.name, state.part, offset, another_log=another_log)
        self._seek(client, state, state.begin(offset, None, verify=False))

    def _seek(self, client: AIOKafkaConsumer, state: PartitionState, offset: int) -> None:
        if self._states.get(state.tp) is not state or state.tp not in client.assignment():
            return
        client.seek(state.tp, offset)
        self._paused(client, state, False)

    async def _quiet(self, states: Sequence[PartitionState]) -> None:
        """Waits for the batch in hand, whose commit moves the position."""
        current = asyncio.current_task()
        working = [s.worker for s in states if s.worker is not None and s.worker is not current]
        if working:
            await asyncio.wait(working)

    def _spawn(
        self, client: AIOKafkaConsumer, states: Sequence[PartitionState], work: Coroutine[Any, Any, None]
    ) -> None:
        def failed(error: Exception) -> bool:
            for state in states:
                state.trouble = f"no position: {named(error)}"
            log.warning("positioning is tried again", consumer=self.name, error=named(error))
            return True

        async def until_done() -> None:
            async for attempt in until_it_succeeds(failed, first=0.1, most=5.0):
                with attempt:
                    await (work if attempt.num == 1 else self._position(client, states))
            for state in states:
                state.trouble = None

        task = asyncio.create_task(until_done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Batches

    def _work_on(self, client: AIOKafkaConsumer, state: PartitionState) -> None:
        if state.worker is None and state.buffer:
            state.worker = asyncio.create_task(self._work(client, state))

    async def _work(self, client: AIOKafkaConsumer, state: PartitionState) -> None:
        try:
            while state.buffer and not self.batches.halted:
                done = await self._next(state)
                if state.mode is Mode.NEW or done is None:
                    return
                state.done_next = self._commits[state.tp] = done
                self._done.set()
                if state.paused and len(state.buffer) < self.settings.max_batch:
                    self._paused(client, state, False)
        except FenceError as error:
            log.info("a batch was not ours", consumer=self.name, error=str(error))
            if state.mode is not Mode.NEW:
                state.forget()
                self._spawn(client, [state], self._position(client, [state]))
        except Exception as error:
            # A defect of the bus itself: begin again at what the database says.
            state.trouble = f"failed outside of its folds: {named(error)}"
            log.error("a batch failed outside of its folds", consumer=self.name, error=named(error))
            state.forget()
            self._spawn(client, [state], self._position(client, [state]))
        finally:
            state.worker = None

    async def _next(self, state: PartitionState) -> int | None:
        """Applies the next batch; returns the next offset. None: the partition has been taken back meanwhile."""
        if all(is_heartbeat(record.value) for record in state.buffer):
            beats = self._taken(state)
            done = await self.beats.note(state.part, state.done_next, beats)
            if done is not None or state.mode is Mode.NEW:
                return done
            async with self.batches.slots:
                return await self.batches.process(state, beats, state.done_next)
        # The slot first, then the batch: while all are taken it grows, and few large ones cost less than many small.
        async with self.batches.slots:
            if state.mode is Mode.NEW or not state.buffer:
                return None
            return await self.batches.process(state, self._taken(state), state.done_next)

    def _taken(self, state: PartitionState) -> list[Received]:
        number = min(len(state.buffer), self.settings.max_batch)
        return [_received(state.part, state.buffer.popleft()) for _ in range(number)]

    def _context(self, reason: str) -> Context:
        return Context(actor=f"system/{self.database.source}", reason=reason, correlation=self.name)

    # Kafka's own offsets, for lag tools

    async def _commit_for_ever(self, client: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(1.0)
            with contextlib.suppress(KafkaError, IllegalOperation):
                await self._commit(client)

    async def _commit(self, client: AIOKafkaConsumer) -> None:
        commits, self._commits = self._commits, {}
        ours = {tp: offset for tp, offset in commits.items() if tp in client.assignment()}
        if ours and self.settings.group:
            await client.commit(ours)


class _Listener(ConsumerRebalanceListener):
    """A hint that comes early; nothing relies on it."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def on_partitions_revoked(self, revoked: Any) -> None:
        pass

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._consumer.assigned_again()


def _received(part: Part, record: Record) -> Received:
    return Received(part.topic, part.partition, record.offset, record.key, record.value)


def _highwater(client: AIOKafkaConsumer, tp: TopicPartition) -> int | None:
    return client.highwater(tp) if tp in client.assignment() else None
