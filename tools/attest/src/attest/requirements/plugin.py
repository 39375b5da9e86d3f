"""The pytest plugin: the collection fails at a test whose mark names no requirement, or whose `part` names no piece."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from attest.requirements.catalogue import CatalogueError, load
from attest.requirements.marks import mark_problem

_KNOWN = pytest.StashKey[frozenset[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Read the ids of the repository's requirements."""
    try:
        config.stash[_KNOWN] = frozenset(load(config.rootpath).requirements)
    except CatalogueError as error:
        raise pytest.UsageError(f"requirements: {error}") from error


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> Generator[None, object, object]:
    """Look at the marks of what was collected; a fault becomes an error of the collection with the test's name."""
    made = yield
    for item in made if isinstance(made, list) else ():
        if isinstance(item, pytest.Item) and (faults := _faults(item, collector.config.stash[_KNOWN])):
            raise collector.CollectError("\n".join(f"{item.nodeid}: {fault}" for fault in faults))
    return made


def _faults(item: pytest.Item, known: frozenset[str]) -> list[str]:
    faults: list[str] = []
    for mark in item.iter_markers():
        if mark.name not in ("req", "part"):
            continue
        if problem := mark_problem(mark.name, mark.args, bool(mark.kwargs)):
            faults.append(problem)
            continue
        ids = mark.args if mark.name == "req" else mark.args[:1]
        faults += [f"{mark.name} names {each}, which is no requirement" for each in ids if each not in known]
    return faults
