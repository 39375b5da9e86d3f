"""Fixtures of the matrix service; what they are made of is in `matrix_testing.py`."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from matrix_svc.main import SPEC
from servicekit.testing.harness import RunningService, running

sys.path.insert(0, str(Path(__file__).parent))

from matrix_testing import organisation

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
async def service(database_factory: Any, kafka: str, topic_prefix: str) -> AsyncIterator[RunningService]:
    """The service on 1 March 2026, so that what begins later in the tests begins after the signed rule."""
    async with running(SPEC, database_factory, kafka, topic_prefix, clock=BEGIN) as found:
        await organisation(found)
        yield found
