"""Tests of `docker-compose.yml`: only where `--backend=containers` says that a container engine runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browser import BROWSER


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--backend") == "containers":
        return
    here = Path(__file__).parent
    for test in items:
        if here in test.path.parents:
            test.add_marker(pytest.mark.skip(reason="needs a container engine: make test-containers"))


@pytest.fixture(scope="package", autouse=True)
def browser() -> Iterator[None]:
    """Ends the browser that the tests share."""
    yield
    BROWSER.close()
