"""Tests of `docker-compose.yml`: only where `--backend=containers` says that a container engine runs."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--backend") == "containers":
        return
    here = Path(__file__).parent
    for test in items:
        if here in test.path.parents:
            test.add_marker(pytest.mark.skip(reason="needs a container engine: make test-containers"))
