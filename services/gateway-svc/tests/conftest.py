"""Fixtures of the gateway; what they are made of is in `gateway_testing.py`.

A platform serves all tests of a module; each test has people and accounts of its own.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from gateway_svc.handlers import passwords
from servicekit.testing.databases import DatabaseFactory

sys.path.insert(0, str(Path(__file__).parent))

from gateway_testing import Browser, Platform, platform

_numbers = itertools.count(1)


REAL_COST = dict(passwords.COST)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hashes that take no time; `REAL_COST` is that of the product."""
    passwords.COST["memory_cost"] = 8
    passwords.hasher.cache_clear()
    yield
    passwords.COST.update(REAL_COST)
    passwords.hasher.cache_clear()


@pytest.fixture
def real_passwords() -> Iterator[None]:
    """The hashes of the product."""
    passwords.COST.update(REAL_COST)
    passwords.hasher.cache_clear()
    yield
    passwords.COST["memory_cost"] = 8
    passwords.hasher.cache_clear()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attest(
    databases: DatabaseFactory, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """The gateway and the services behind it, each on a socket of its own."""
    async with platform(databases, tmp_path_factory.mktemp("platform")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(attest: Platform) -> Browser:
    """The first administrator, with a password of their own."""
    return await attest.first_administrator()


@pytest.fixture
def person() -> str:
    """The id of a person whom no other test knows."""
    return f"P{next(_numbers)}"


@pytest_asyncio.fixture(loop_scope="module")
async def ana(attest: Platform, admin: Browser, person: str) -> Browser:
    """Ana Alvarez, an operator, logged in."""
    return await attest.person(admin, person, "operator")
