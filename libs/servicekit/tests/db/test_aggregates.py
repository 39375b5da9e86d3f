"""Two writers of one row: the second learns that it decided on an old state."""

from __future__ import annotations

import asyncio

import pytest
from servicekit.context import Context
from servicekit.db import Database
from servicekit.db.aggregates import lock_row, update_versioned
from servicekit.problems import Problem

from .toy_svc.db.tables import device

pytestmark = pytest.mark.infra


@pytest.fixture(autouse=True)
async def _one_device(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        await tx.execute(device.insert().values(id="d1", title="Scale"))


async def test_each_write_is_the_next_version(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        assert await update_versioned(tx, device, {"id": "d1"}, 1, {"title": "A"}) == 2
        assert await update_versioned(tx, device, {"id": "d1"}, 2, {"title": "B"}) == 3
        row = await lock_row(tx, device, {"id": "d1"})
    assert row is not None
    assert (row["title"], row["version"]) == ("B", 3)


async def test_a_stale_writer_is_told_what_is_there(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        await update_versioned(tx, device, {"id": "d1"}, 1, {"title": "A"})
    with pytest.raises(Problem) as caught:
        async with db.transaction(context) as tx:
            await update_versioned(tx, device, {"id": "d1"}, 1, {"title": "B"})
    assert (caught.value.status, caught.value.code) == (409, "stale")
    assert caught.value.extra == {"expected_version": 1, "current_version": 2}


async def test_of_many_writers_at_once_one_wins(db: Database, context: Context) -> None:
    async def write(n: int) -> int:
        async with db.transaction(context) as tx:
            return await update_versioned(tx, device, {"id": "d1"}, 1, {"title": f"t{n}"})

    results = await asyncio.gather(*(write(n) for n in range(8)), return_exceptions=True)
    assert [r for r in results if not isinstance(r, Problem)] == [2]
    assert {r.code for r in results if isinstance(r, Problem)} == {"stale"}


async def test_what_is_not_there_is_not_found(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        assert await lock_row(tx, device, {"id": "none"}) is None
        with pytest.raises(Problem) as caught:
            await update_versioned(tx, device, {"id": "none"}, 1, {"title": "A"})
        assert caught.value.status == 404
        with pytest.raises(ValueError, match="the key of device is id"):
            await update_versioned(tx, device, {"title": "Scale"}, 1, {})
