"""Handing the rows of an accepted import over to their owners, stage by stage, until the counts are right.

What is handed over is what was accepted: the kept bytes are checked again and must give the same plan. A block is
sent under a key of its own and remembered when its owner has answered, so that a restart at any point, of this or of
another process, goes on with the first block whose answer is not known.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from plantfiles import Stage, Terms
from plantfiles.handover import Block, blocks
from servicekit.aggregates import handle
from servicekit.bus.outbox import claim
from servicekit.context import Context
from servicekit.db import Database
from servicekit.problems import Problem
from servicekit.retries import a_few_times

from gateway_svc.db import import_rows
from gateway_svc.domain.import_job import Fail, Finish, Job, JobState, Start
from gateway_svc.handlers.imports import jobs
from gateway_svc.handlers.imports.levels import Route, open_work, parked
from gateway_svc.handlers.imports.owners import OwnerRefusedError, Owners, OwnerUnreachableError

log = structlog.get_logger(__name__)

_MUCH_WORK = 200
_TURN = "SELECT pg_try_advisory_lock(hashtextextended('importer', 0))"


class ImportFailedError(Exception):
    """Why a job stops; `failure` is shown with it."""

    def __init__(self, code: str, detail: str, *, in_doubt: bool = False, **more: Any) -> None:
        super().__init__(detail)
        self.failure = {"code": code, "detail": detail, **more}
        self.in_doubt = in_doubt


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. patience: without any progress until a job fails. again: before a block is sent again."""

    patience: float = 600.0
    again: float = 0.5
    look: float = 0.1
    idle: float = 0.5


DEFAULT_PACE = Pace()


class Importer:
    """Works off accepted jobs, one at a time over all processes, oldest first."""

    def __init__(
        self, database: Database, owners: Owners, routes: Sequence[Route], *, pace: Pace = DEFAULT_PACE
    ) -> None:
        self._database = database
        self._owners = owners
        self._routes = routes
        self._pace = pace

    async def run(self) -> None:
        """For ever: a database or service that is away for a while ends nothing."""
        while True:
            try:
                async with self._turn() as mine:
                    while mine and await self.step():
                        pass
            except (psycopg.Error, OSError, Problem) as error:
                log.warning("import.interrupted", error=type(error).__name__)
            except Exception as error:
                log.error("import.unexpected", error=type(error).__name__, exc_info=error)
            jobs.latest.forget_old()
            await asyncio.sleep(self._pace.idle)

    async def step(self) -> bool:
        """Works off the oldest job that waits; False when there is none."""
        async with self._database.read() as tx:
            job = await jobs.next_to_do(tx)
        if job is None:
            return False
        try:
            await self._commit(job)
        except ImportFailedError as error:
            log.warning("import.failed", job=job.id, code=error.failure["code"])
            await self._move(job, Fail(error.failure, error.in_doubt))
        except OwnerRefusedError as error:
            failure = {"code": "refused", "detail": str(error), "problem": error.problem}
            await self._move(job, Fail(failure, in_doubt=False))
        return True

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[bool]:
        """The session that holds the lock is the turn: when this process dies, another one has it."""
        connection = await psycopg.AsyncConnection.connect(self._database.url, autocommit=True)
        async with connection:
            row = await (await connection.execute(_TURN)).fetchone()
            yield bool(row and row[0])

    async def _commit(self, job: Job) -> None:
        started = time.monotonic()
        if job.state == JobState.ACCEPTED:
            await self._move(job, Start())
        plan = await self._plan(job)
        async with self._database.read() as tx:
            taken = await import_rows.taken_blocks(tx, job.id)
        self._same_blocks(plan, taken)
        before = ""
        for stage in Stage:
            found = [block for block in plan if block.stage is stage]
            missing = [block for block in found if block.number not in taken]
            if missing and before:
                await self._wait_until_level(job, before)
            for block in missing:
                await self._show(job, stage.value, "sends", {block.file: len(block.items)})
                await self._hand_over(job, block)
            before = stage.value if found else before
        # After the last stage as well: DONE says that the counts are right.
        await self._wait_until_level(job, before)
        await self._show(job, "", "", {})
        await self._move(job, Finish())
        log.info("import.done", job=job.id, seconds=round(time.monotonic() - started, 1))

    async def _plan(self, job: Job) -> list[Block]:
        """The accepted plan, made again from the kept files; without the job's own rows nothing else may be new."""
        async with self._database.read() as tx:
            if await import_rows.count(tx, besides=job.id) != job.known_rows:
                raise ImportFailedError("stale", "another import was taken since these files were checked")
            before = await import_rows.load(tx, besides=job.id)
            try:
                contents = await jobs.contents_of(tx, job)
            except Problem as error:
                raise ImportFailedError(error.code, error.detail) from error
        checked = jobs.latest.take(job.id) or await asyncio.to_thread(
            jobs.examine,
            contents,
            export_date=job.export_date,
            zone_rule=job.zone_rule,
            migrated_counts=job.migrated_counts,
            known=before,
        )
        if checked.plan_digest != job.plan_digest:
            raise ImportFailedError(
                "rules-changed", "the files no longer give what was accepted: upload them again"
            )
        return list(blocks(checked.plan, list(checked.questions)))

    @staticmethod
    def _same_blocks(plan: Sequence[Block], taken: Mapping[int, str]) -> None:
        for number, digest in taken.items():
            if number >= len(plan) or plan[number].digest != digest:
                raise ImportFailedError(
                    "blocks-changed", f"block {number} is not the one that was handed over"
                )

    async def _hand_over(self, job: Job, block: Block) -> None:
        caller = jobs.uploader(job)
        people = [acceptance.person for acceptance in job.accepted_by]
        where: dict[str, Any] = {
            "file": block.file,
            "first_line": block.first_line,
            "last_line": block.last_line,
        }
        try:
            async for attempt in a_few_times(
                OwnerUnreachableError,
                timeout=self._pace.patience,
                first=self._pace.again,
                most=self._pace.again,
            ):
                with attempt:
                    await self._owners.send(
                        caller,
                        block,
                        batch=job.id,
                        accepted_by=people,
                        terms=Terms(job.export_date, job.zone_rule, job.migrated_counts),
                        correlation=job.correlation,
                    )
        except OwnerRefusedError as error:
            raise ImportFailedError(
                "refused",
                f"{block.part.service} refuses {block.file}, lines {block.first_line} to {block.last_line}: {error}",
                problem=error.problem,
                **where,
            ) from error
        except OwnerUnreachableError as error:
            raise ImportFailedError("unreachable", str(error), in_doubt=True, **where) from error
        async with self._database.transaction(self._context(job, f"takes {block.file}")) as tx:
            await claim(tx, [])
            await import_rows.remember(tx, job.id, block)

    async def _wait_until_level(self, job: Job, stage: str) -> None:
        """Until every service has heard and worked off what this stage set in motion."""
        caller = jobs.uploader(job)
        before, end = (0, 0), time.monotonic() + self._pace.patience
        shown: dict[str, int] | None = None
        while True:
            problem, work = "", {}
            try:
                look = await self._owners.look(caller)
            except OwnerUnreachableError as error:
                problem = str(error)
            else:
                if stuck := parked(look):
                    raise ImportFailedError(
                        "parked", f"events wait for a repair: {'; '.join(stuck[:5])}", stage=stage
                    )
                work = open_work(look, self._routes)
                if not work:
                    return
                # Derived cells beget events, so that the work may grow for a while: sent events are progress too.
                now = (
                    sum(work.values()),
                    sum(sum(p.values()) for s in look.values() for p in s.acked.values()),
                )
                if now[0] < before[0] or now[1] > before[1]:
                    end = time.monotonic() + self._pace.patience
                before = now
            if time.monotonic() > end:
                waiting = problem or ", ".join(f"{what}: {number}" for what, number in sorted(work.items()))
                raise ImportFailedError(
                    "not-level", f"no progress for {self._pace.patience:g} s: {waiting}", stage=stage
                )
            if work != shown and not problem:
                shown = work
                await self._show(job, stage, "waits", work)
            # Asking costs the services something, too: seldom while there is much to do.
            much = sum(work.values()) > _MUCH_WORK
            await asyncio.sleep(self._pace.look * (5 if much or problem else 1))

    async def _show(self, job: Job, stage: str, doing: str, waiting_for: Mapping[str, int]) -> None:
        async with self._database.transaction(self._context(job, "shows progress")) as tx:
            await tx.execute(
                "INSERT INTO app.import_progress (job, stage, doing, sent, waiting_for, at)"
                " VALUES (:job, :stage, :doing,"
                " (SELECT coalesce(sum(rows), 0) FROM app.import_block WHERE job = :job),"
                " CAST(:waiting_for AS jsonb), app.clock())"
                " ON CONFLICT (job) DO UPDATE SET stage = excluded.stage, doing = excluded.doing,"
                " sent = excluded.sent, waiting_for = excluded.waiting_for, at = excluded.at",
                {
                    "job": job.id,
                    "stage": stage,
                    "doing": doing,
                    "waiting_for": json.dumps(dict(waiting_for)),
                },
            )

    async def _move(self, job: Job, command: Start | Fail | Finish) -> None:
        reason = f"import: {type(command).__name__.lower()}"
        async with self._database.transaction(self._context(job, reason)) as tx:
            await handle(tx, jobs.JOB, job.id, command)

    @staticmethod
    def _context(job: Job, reason: str) -> Context:
        return Context(
            actor="system/gateway",
            reason=reason,
            correlation=job.correlation,
            on_behalf_of=job.actor,
            cause=f"import/{job.id}",
        )
