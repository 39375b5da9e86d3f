"""Fixtures of the reporting service; what they are made of is in `reporting_testing.py`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from reporting_svc.main import SPEC
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.harness import in_process

sys.path.insert(0, str(Path(__file__).parent))

from reporting_testing import Reporting


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(databases: DatabaseFactory) -> AsyncIterator[Reporting]:
    """The service of a module."""
    async with in_process(SPEC, databases, of=Reporting) as found:
        found.keep("empty")
        yield found


@pytest.fixture
def reporting(world: Reporting) -> Reporting:
    """The service on an empty database."""
    return world.put_back("empty")
