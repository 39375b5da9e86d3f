"""Two worker processes, one of them killed half-way: nothing is lost and nothing is done twice."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest
from servicekit.db import Database
from servicekit.db.testing import ServiceDatabase
from servicekit.lanes import BULK, Mark

from .conftest import put, scalar
from .test_lanes import until

pytestmark = pytest.mark.infra
LANES, KEYS = 600, 3


async def start(url: str, how: str) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("work.py")), url, how, stdout=PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"started\n"
    return process


async def kill_one_of_two(db: Database, toil: ServiceDatabase, how: str) -> tuple[int, int]:
    """The marks that were worked, and the lanes that two workers had at the same time."""
    first, second = await start(toil.app_url, how), await start(toil.app_url, how)
    try:
        before = await scalar(db, "SELECT coalesce(sum(times), 0) FROM app.done")
        await put(db, [Mark(f"l{n}", f"k{k}", priority=BULK) for n in range(LANES) for k in range(KEYS)])

        async def begun() -> bool:
            return await scalar(db, "SELECT coalesce(sum(times), 0) FROM app.done") > before + 50

        await until(begun)
        first.kill()
        await first.wait()
        assert await scalar(db, "SELECT count(*) FROM app.dirty") > 0

        async def empty() -> bool:
            return await scalar(db, "SELECT count(*) FROM app.dirty") == 0

        await until(empty, 60)

        async def settled() -> bool:
            return await scalar(db, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%'"
                                    " AND state = 'active' AND pid <> pg_backend_pid()") == 0  # fmt: skip

        await until(settled)
    finally:
        for process in (first, second):
            if process.returncode is None:
                process.kill()
                await process.wait()
    return await scalar(db, "SELECT sum(times) FROM app.done"), await scalar(
        db, "SELECT count(*) FROM app.overlap"
    )


async def test_a_killed_worker_loses_nothing(db: Database, toil: ServiceDatabase) -> None:
    assert await kill_one_of_two(db, toil, "lanes") == (LANES * KEYS, 0)
    assert await scalar(db, "SELECT count(*) FROM app.done WHERE times <> 1") == 0


async def test_the_control_that_takes_marks_first_loses_some(db: Database, toil: ServiceDatabase) -> None:
    """The kill has to hit between the taking and the work: where it did not, once more."""
    lost, overlap = 0, 0
    for round_number in range(1, 9):
        done, overlap = await kill_one_of_two(db, toil, "careless")
        lost = round_number * LANES * KEYS - done
        if lost and overlap:
            break
    assert lost > 0
    assert overlap > 0
