"""Every service has the same names at its top, so that who knows one service finds everything in another."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(ROOT.glob("services/*-svc/src/*_svc"))
NAMES = frozenset(
    {
        "__init__.py",
        "aggregates.py",
        "domain",
        "handlers",
        "handlers.py",
        "inbound.py",
        "outbound.py",
        "projections",
        "api",
        "db",
        "migrations",
        "settings.py",
        "main.py",
    }
)
NEEDED = frozenset(
    {"domain", "inbound.py", "outbound.py", "projections", "api", "db", "migrations", "main.py"}
)
STILL = {
    "assignment_svc": {"wire.py", "marking.py", "registry.py", "source.py", "sources"},
    "gateway_svc": {"front"},
}
"""Names that one service alone has. `front` is the front door: it authenticates, proxies and serves the pages for all
services, so no other service has one. Nothing is added here."""


def names(service: Path) -> set[str]:
    """The files and packages of a service. Left out is what was built (the pages in `static/`) or is left empty."""
    return {
        path.name
        for path in service.iterdir()
        if path.suffix == ".py" or (path.name != "__pycache__" and any(path.rglob("*.py")))
    }


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_has_the_names_of_every_service(service: Path) -> None:
    found = names(service)
    assert found >= NEEDED
    assert found - NAMES <= STILL.get(service.name, set())


def test_there_are_six_services() -> None:
    assert len(SERVICES) == 6
