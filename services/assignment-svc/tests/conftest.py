"""Fixtures of the assignment service; the events of fixture F are in `assignment_fixture_f.py`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from assignment_svc.main import SPEC
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import RunningService, in_process

sys.path.insert(0, str(Path(__file__).parent))

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(databases: DatabaseFactory) -> AsyncIterator[RunningService]:
    """The service of a module, on 1 March 2026."""
    async with in_process(SPEC, databases, clock=BEGIN) as found:
        found.keep("empty")
        yield found


@pytest.fixture
def empty(world: RunningService) -> RunningService:
    """Nothing is known."""
    return world.put_back("empty")


@pytest.fixture
def service(empty: RunningService) -> RunningService:
    """Nothing is known."""
    return empty
