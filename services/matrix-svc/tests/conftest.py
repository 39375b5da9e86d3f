"""Fixtures of the matrix service; what they are made of is in `matrix_testing.py`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from matrix_svc.main import SPEC
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import RunningService, in_process

sys.path.insert(0, str(Path(__file__).parent))

from matrix_testing import organisation, sign_first_matrix

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant(databases: DatabaseFactory) -> AsyncIterator[RunningService]:
    """The service on 1 March 2026, so that what begins later in the tests begins after the signed rule."""
    async with in_process(SPEC, databases, clock=BEGIN) as found:
        found.keep("empty")
        await organisation(found)
        found.keep("organisation")
        await sign_first_matrix(found)
        found.keep("plant")
        yield found


@pytest.fixture
def service(plant: RunningService) -> RunningService:
    """Two sites, two documents and the first signed matrix."""
    return plant.put_back("plant")


@pytest.fixture
def day_one(plant: RunningService) -> RunningService:
    """As `service`, without a matrix."""
    return plant.put_back("organisation")


@pytest.fixture
def empty(plant: RunningService) -> RunningService:
    """Nothing is known."""
    return plant.put_back("empty")
