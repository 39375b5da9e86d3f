"""The small plant of `plant.py`, made once a module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest_asyncio
from assignment_svc.main import SPEC as ASSIGNMENT
from matrix_svc.main import SPEC as MATRIX
from records_svc.main import SPEC as RECORDS
from reporting_svc.main import SPEC as REPORTING
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import RunningService, in_process

from .plant import NOW, fill_assignment, fill_matrix, fill_records, fill_reporting, follow


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(databases: DatabaseFactory) -> AsyncIterator[dict[str, RunningService]]:
    async with AsyncExitStack() as stack:
        specs = {"matrix": MATRIX, "assignment": ASSIGNMENT, "records": RECORDS, "reporting": REPORTING}
        found = {
            name: await stack.enter_async_context(in_process(spec, databases, clock=NOW))
            for name, spec in specs.items()
        }
        matrix, others = found["matrix"], [s for name, s in found.items() if name != "matrix"]
        await fill_matrix(matrix)
        await follow(matrix, *others)
        fill_assignment(found["assignment"])
        fill_records(found["records"])
        await fill_reporting(found["reporting"])
        yield found
