"""Fixtures of the qms service; what they are made of is in `qms_testing.py`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from qms_svc.main import SPEC
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import in_process

sys.path.insert(0, str(Path(__file__).parent))

from qms_testing import Qms, prepare


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(databases: DatabaseFactory) -> AsyncIterator[Qms]:
    """The service in the states that the tests of a module begin with."""
    async with in_process(SPEC, databases, of=Qms) as found:
        found.keep("bare")
        await prepare(found)
        found.keep("plant")
        yield found


@pytest.fixture
def bare(world: Qms) -> Qms:
    """An empty database: no site is known."""
    return world.put_back("bare")


@pytest.fixture
def qms(world: Qms) -> Qms:
    """Sites NL1 and US1, the clock at 1 January 2027, SOP-101 v3 imported."""
    return world.put_back("plant")
