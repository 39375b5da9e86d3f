"""Fixtures of the records service; what they are made of is in `records_testing.py`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from records_svc.main import SPEC
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import in_process

sys.path.insert(0, str(Path(__file__).parent))

from records_testing import Records, prepare


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(databases: DatabaseFactory) -> AsyncIterator[Records]:
    """The service in the states that the tests of a module begin with."""
    async with in_process(SPEC, databases, of=Records) as found:
        found.keep("bare")
        await prepare(found)
        found.keep("plant")
        yield found


@pytest.fixture
def bare(world: Records) -> Records:
    """An empty database: nobody and nothing is known."""
    return world.put_back("bare")


@pytest.fixture
def records(world: Records) -> Records:
    """The people of two sites, SOP-101 with v2 and v3, v4 in its window and v5 in draft; ANA is to train v4."""
    return world.put_back("plant")
