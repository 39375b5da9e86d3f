"""Workers of lanes: any number of tasks in any number of processes.

A worker claims a chunk of lanes (FOR UPDATE SKIP LOCKED: nobody waits), takes all their marks and calls the handler,
in one transaction: killed at any point, it has done nothing and the marks are there for the next. A chunk that fails
is tried lane by lane, so that one bad lane holds up no other; a lane that fails again and again is parked with its
marks, readiness goes red, and `retry` lets it run once the fault is mended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from servicekit.context import Context
from servicekit.db.database import Database, Tx
from servicekit.ids import new_id
from servicekit.lanes.marks import ONE, LaneTables, Mark
from servicekit.retries import a_few_times, keep_running

type Handler = Callable[[Tx, str, Sequence[Mark]], Awaitable[None]]
type ChunkHandler = Callable[[Tx, Mapping[str, Sequence[Mark]]], Awaitable[None]]

log = logging.getLogger(__name__)

# Not the fault of a lane: lost connections, a server that stops, a full disk or too many sessions, two transactions
# in each other's way. Such a failure is tried again for ever and parks nothing.
_PASSING = ("08", "40", "53", "57P", "58", "55P03", "25P03", "25006")


@dataclass(frozen=True, slots=True)
class Limits:
    """How a worker works.

    chunk: lanes a transaction when they are many, as far as they have not more than chunk_marks; one_chunk: when
    somebody waits for them (priority ONE).
    poll_s: seconds between looks when nothing wakes it, at first; up to ten times that in quiet hours. attempts: failures of a lane until it is parked.
    backoff_s, backoff_max_s: seconds until the second try, doubled each time up to the greatest.
    """

    chunk: int = 100
    chunk_marks: int = 5_000
    one_chunk: int = 20
    poll_s: float = 0.05
    attempts: int = 5
    backoff_s: float = 0.5
    backoff_max_s: float = 60.0


@dataclass(slots=True)
class Stats:
    """Counters since the start, for telemetry."""

    chunks: int = 0
    lanes: int = 0
    marks: int = 0
    failures: int = 0
    parked: int = 0
    passing_failures: int = 0
    handler_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: marks, lanes among them that are parked, and since when the oldest mark that is not parked."""

    marks: int
    parked: int
    oldest: datetime | None


class _NoRows(Exception):
    """Lanes that were marked and never worked: they have no row to be locked."""

    def __init__(self, lanes: list[str]) -> None:
        super().__init__()
        self.lanes = lanes


@dataclass(slots=True)
class _State:
    last_error: str = ""
    trouble: bool = False
    parked: list[str] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Lanes:
    """The worker of one pair of lane tables.

    `run(handler)` calls `handler(tx, lane, marks)` for each lane; `run_chunks(handler)` calls
    `handler(tx, {lane: marks})` once a chunk, for work that reads and writes set-wise. Marks come in the order of
    their ids. A handler must bear to run again: for all lanes of a chunk it runs in one transaction.
    """

    def __init__(
        self,
        database: Database,
        tables: LaneTables,
        *,
        limits: Limits | None = None,
        reason: str = "derive again",
    ) -> None:
        self.database = database
        self.tables = tables
        self.limits = limits or Limits()
        self.reason = reason
        self.stats = Stats()
        self._state = _State()
        self._dirty, self._lane = tables.dirty.fullname, tables.lane.fullname

    @property
    def trouble(self) -> str:
        """Why the worker cannot work just now (the database is away); empty when it can."""
        return self._state.last_error if self._state.trouble else ""

    async def ready(self) -> list[str]:
        """Reasons why readiness is red: parked lanes, a database that is away. Empty: green."""
        self._state.parked = await self._parked()
        return self.readiness()

    def readiness(self) -> list[str]:
        """As `ready`, from what the running worker knows; at most 5 s old."""
        return ([f"lanes: {self.trouble}"] if self.trouble else []) + self._state.parked

    async def backlog(self) -> Backlog:
        """What waits, for telemetry."""
        async with self.database.read() as tx:
            row = await tx.one(
                f"SELECT count(*) AS marks, min(d.at) FILTER (WHERE l.parked_at IS NULL) AS oldest,"  # noqa: S608
                f" (SELECT count(*) FROM {self._lane} WHERE parked_at IS NOT NULL) AS parked"
                f" FROM {self._dirty} d LEFT JOIN {self._lane} l ON l.lane = d.lane AND l.parked_at IS NOT NULL"
            )
        assert row is not None
        return Backlog(row["marks"], row["parked"], row["oldest"])

    async def retry(self, lane: str | None = None) -> int:
        """Lets a parked lane (None: all) run again; returns how many there were."""
        async with self.database.transaction(self._context()) as tx:
            result = await tx.execute(
                f"UPDATE {self._lane} SET attempts = 0, retry_at = NULL, parked_at = NULL, error = NULL"  # noqa: S608
                " WHERE parked_at IS NOT NULL AND (CAST(:lane AS text) IS NULL OR lane = :lane)",
                {"lane": lane},
            )
            await tx.execute("SELECT pg_notify(:channel, '')", {"channel": self.tables.channel})
        self._state.parked = await self._parked()
        return result.rowcount

    def stop(self) -> None:
        """Lets `run` return after the chunk at hand."""
        self._state.stopping.set()
        self._state.wake.set()

    async def run(self, handler: Handler, *, tasks: int = 1) -> None:
        """Works until `stop`, with that many tasks side by side."""
        await self.run_chunks(_each(handler), tasks=tasks)

    async def run_chunks(self, handler: ChunkHandler, *, tasks: int = 1) -> None:
        """As `run`, with a handler for whole chunks."""
        async with self._listening(), asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(self._work(handler))

    async def drain(self, handler: ChunkHandler) -> int:
        """Works until nothing can be claimed, without waiting for retries; returns the lanes that were done.

        For commands and tests that want everything derived when they return.
        """
        before = self.stats.lanes
        while await self.step(handler):
            pass
        return self.stats.lanes - before

    async def step(self, handler: ChunkHandler) -> bool:
        """One chunk. False: nothing to do, or only what others hold or what waits for its next try."""
        claimed: list[str] = []
        try:
            return await self._next_chunk(handler, claimed)
        except Exception as error:
            if _is_passing(error) or not claimed:
                raise
            if len(claimed) == 1:
                await self._failed(claimed[0], error)
                return True
            log.warning("a chunk of %d lanes failed, each is tried alone: %s", len(claimed), error)
        for lane in claimed:
            try:
                await self._chunk(handler, [], lane)
            except Exception as error:
                if _is_passing(error):
                    raise
                await self._failed(lane, error)
        return True

    async def _next_chunk(self, handler: ChunkHandler, claimed: list[str]) -> bool:
        async for attempt in a_few_times(_is_retryable, attempts=3, first=0.01, most=0.1):
            with attempt:
                while True:
                    claimed.clear()
                    try:
                        return await self._chunk(handler, claimed, None)
                    except _NoRows as new:
                        await self._make_rows(new.lanes)
        raise AssertionError("unreachable")

    async def _watch(self) -> None:
        """Keeps what readiness says of parked lanes, which outlive the process that parked them."""
        while True:
            with contextlib.suppress(Exception):
                self._state.parked = await self._parked()
            await asyncio.sleep(5.0)

    async def _parked(self) -> list[str]:
        async with self.database.read() as tx:
            rows = await tx.rows(
                f"SELECT lane, error FROM {self._lane} WHERE parked_at IS NOT NULL ORDER BY parked_at LIMIT 10"  # noqa: S608
            )
        return [f"lane {row['lane']} is parked: {row['error']}" for row in rows]

    async def _work(self, handler: ChunkHandler) -> None:
        state, delay, pause = self._state, self.limits.backoff_s, self.limits.poll_s
        while not state.stopping.is_set():
            state.wake.clear()
            try:
                worked = await self.step(handler)
                state.trouble, delay = False, self.limits.backoff_s
            except Exception as error:
                # No lane's fault (those are counted by `step`): tried again for ever, seen in readiness meanwhile.
                self.stats.passing_failures += 1
                state.trouble, state.last_error = True, f"{type(error).__name__}: {error}".splitlines()[0]
                log.warning("lanes: %s; tried again in %.1f s", state.last_error, delay)
                await self._pause(delay * random.uniform(0.5, 1.0), until=state.stopping)  # noqa: S311
                delay = min(delay * 2, self.limits.backoff_max_s)
                continue
            if worked or state.wake.is_set():
                pause = self.limits.poll_s
            else:
                await self._pause(pause, until=state.wake)
                # Notifications wake it; the look without one is for what they may miss, and gets rare in quiet hours.
                pause = self.limits.poll_s if state.wake.is_set() else min(pause * 2, self.limits.poll_s * 10)

    async def _chunk(self, handler: ChunkHandler, claimed: list[str], only: str | None) -> bool:
        """Claims, takes the marks, handles: one transaction. `claimed` tells the caller which lanes it was."""
        async with self.database.transaction(self._context(), repeatable=True) as tx:
            lanes = await self._claim(tx) if only is None else await self._claim_one(tx, only)
            if not lanes:
                return False
            claimed += lanes
            # A statement of its own: its snapshot is younger than the locks, so no committed mark is missed.
            rows = await tx.rows(
                f"DELETE FROM {self._dirty} WHERE lane = ANY(:lanes)"  # noqa: S608
                " RETURNING id, lane, key, cause, correlation, priority",
                {"lanes": lanes},
            )
            marks: dict[str, list[Mark]] = {}
            for row in sorted(rows, key=lambda r: r["id"]):
                marks.setdefault(row["lane"], []).append(Mark(**row))
            began = time.perf_counter()
            if marks:
                await handler(tx, marks)
            await tx.execute(
                f"UPDATE {self._lane} SET attempts = 0, retry_at = NULL, parked_at = NULL, error = NULL"  # noqa: S608
                " WHERE lane = ANY(:lanes) AND retry_at IS NOT NULL",
                {"lanes": lanes},
            )
        self.stats.chunks += 1
        self.stats.lanes += len(marks)
        self.stats.marks += len(rows)
        self.stats.handler_seconds += time.perf_counter() - began
        return True

    async def _claim(self, tx: Tx) -> list[str]:
        """Locks up to a chunk of lanes, those of the most urgent priority that can be had.

        Marks are looked at in windows, since the first ones may all belong to lanes that others hold. Raises
        _NoRows when a lane has no row yet: it gets one in a transaction of its own, for a row that is not committed
        would make others wait for all of this one.
        """
        window = max(self.limits.chunk, self.limits.one_chunk) * 20
        after = (-(2**15), 0)
        while True:
            seen = await tx.rows(
                "WITH seen AS MATERIALIZED ("  # noqa: S608
                f" SELECT d.lane, d.priority, d.id FROM {self._dirty} d"
                " WHERE (d.priority, d.id) > (:priority, :id) AND d.lane NOT IN (SELECT w.lane"
                f" FROM {self._lane} w WHERE w.retry_at IS NOT NULL AND w.retry_at > clock_timestamp())"
                " ORDER BY d.priority, d.id LIMIT :window)"
                " SELECT s.lane, min(s.priority) AS priority, max(s.priority) AS last_priority,"
                " max(s.id) FILTER (WHERE s.priority = (SELECT max(priority) FROM seen)) AS last_id,"
                " count(*) AS marks,"
                f" EXISTS (SELECT FROM {self._lane} l WHERE l.lane = s.lane) AS known"
                " FROM seen s GROUP BY s.lane ORDER BY min(s.priority), min(s.id)",
                {"priority": after[0], "id": after[1], "window": window},
            )
            if new := [row["lane"] for row in seen if not row["known"]]:
                raise _NoRows(new)
            by_priority: dict[int, list[tuple[str, int]]] = {}
            for row in seen:
                by_priority.setdefault(row["priority"], []).append((row["lane"], row["marks"]))
            for priority, candidates in by_priority.items():
                for part in self._parts(candidates, priority):
                    if lanes := await self._lock(tx, part):
                        return lanes
            if sum(row["marks"] for row in seen) < window:
                return []
            last = max(row["last_priority"] for row in seen)
            after = (last, max(row["last_id"] for row in seen if row["last_id"] is not None))

    def _parts(self, candidates: list[tuple[str, int]], priority: int) -> Iterator[list[str]]:
        """The lanes in their order, as many at a time as a transaction may have; the next where others hold all."""
        size = self.limits.one_chunk if priority <= ONE else self.limits.chunk
        part: list[str] = []
        weight = 0
        for lane, marks in candidates:
            if part and (len(part) == size or weight + marks > self.limits.chunk_marks):
                yield part
                part, weight = [], 0
            part.append(lane)
            weight += marks
        if part:
            yield part

    async def _lock(self, tx: Tx, candidates: list[str]) -> list[str]:
        rows = await tx.rows(
            f"SELECT l.lane FROM {self._lane} l"  # noqa: S608
            " JOIN unnest(CAST(:lanes AS text[])) WITH ORDINALITY c (lane, place) ON c.lane = l.lane"
            " WHERE (l.retry_at IS NULL OR l.retry_at <= clock_timestamp())"
            f" AND EXISTS (SELECT FROM {self._dirty} d WHERE d.lane = l.lane)"
            " ORDER BY c.place FOR UPDATE OF l SKIP LOCKED",
            {"lanes": candidates},
        )
        return [row["lane"] for row in rows]

    async def _make_rows(self, lanes: list[str]) -> None:
        async with self.database.transaction(self._context()) as tx:
            await tx.execute(
                f"INSERT INTO {self._lane} (lane) SELECT unnest(CAST(:lanes AS text[]))"
                " ORDER BY 1 ON CONFLICT DO NOTHING",
                {"lanes": lanes},
            )

    async def _claim_one(self, tx: Tx, lane: str) -> list[str]:
        rows = await tx.rows(
            f"SELECT lane FROM {self._lane} WHERE lane = :lane FOR UPDATE SKIP LOCKED",  # noqa: S608
            {"lane": lane},
        )
        return [row["lane"] for row in rows]

    async def _failed(self, lane: str, error: Exception) -> None:
        """Counts a failure of the lane: it waits for its next try, or is parked."""
        limits = self.limits
        message = f"{type(error).__name__}: {error}"[:2000]
        async with self.database.transaction(self._context()) as tx:
            row = await tx.one(
                f"UPDATE {self._lane} SET attempts = attempts + 1, error = :error,"  # noqa: S608
                " parked_at = CASE WHEN attempts + 1 >= :most THEN clock_timestamp() END,"
                " retry_at = CASE WHEN attempts + 1 >= :most THEN 'infinity' ELSE clock_timestamp()"
                " + make_interval(secs => least(:backoff * 2.0 ^ attempts, :longest)) END"
                " WHERE lane = :lane RETURNING attempts, parked_at IS NOT NULL AS parked",
                {
                    "lane": lane,
                    "error": message.replace("\0", ""),
                    "most": limits.attempts,
                    "backoff": limits.backoff_s,
                    "longest": limits.backoff_max_s,
                },
            )
        self.stats.failures += 1
        if row is not None and row["parked"]:
            self.stats.parked += 1
            self._state.parked = await self._parked()
            log.error("lane %s is parked after %d tries: %s", lane, row["attempts"], message)
        else:
            log.warning("lane %s failed: %s", lane, message)

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        """Sets `wake` at each NOTIFY. Lost or refused, the poll goes on by itself."""

        async def listen() -> None:
            async with await psycopg.AsyncConnection.connect(
                self.database.url, autocommit=True, application_name=f"{self.database.source} lanes"
            ) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.tables.channel)))
                async for _ in connection.notifies():
                    self._state.wake.set()

        def failed(error: Exception) -> None:
            log.warning("lanes: not listening: %s", error)

        await keep_running(listen, on=psycopg.Error, failed=failed, first=1.0)

    @staticmethod
    async def _pause(seconds: float, *, until: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), seconds)

    def _context(self) -> Context:
        return Context(actor=f"system/{self.database.source}", reason=self.reason, correlation=new_id())


def _each(handler: Handler) -> ChunkHandler:
    async def chunk(tx: Tx, lanes: Mapping[str, Sequence[Mark]]) -> None:
        for lane, marks in lanes.items():
            await handler(tx, lane, marks)

    return chunk


def _is_retryable(error: BaseException) -> bool:
    """Two transactions were in each other's way: at once again, both can be had."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
    return bool(getattr(error, "retryable", False)) or state.startswith("40")


def _is_passing(error: BaseException) -> bool:
    if _is_retryable(error):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate is not None:
            return cause.sqlstate.startswith(_PASSING)
        return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
    return isinstance(error, ConnectionError)
