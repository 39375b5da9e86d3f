"""All sources of facts, found in the package `assignment_svc.sources`, sorted by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from servicekit.bus import Event, Fold
from servicekit.db import Tx

from assignment_svc import sources
from assignment_svc.domain.facts import CellFacts
from assignment_svc.source import Cell, Snapshot, Source


def _found() -> dict[str, Source]:
    names = sorted(module.name for module in iter_modules(sources.__path__))
    return {name: import_module(f"{sources.__name__}.{name}").SOURCE for name in names}


SOURCES = _found()
"""Name of the module -> its source."""

REPLICAS = sorted(
    table.fullname
    for source in SOURCES.values()
    for table in source.tables
    if table.info["kind"] == "replica"
)
"""Tables that hold what other services announced."""

OWN_FACTS = sorted(
    table.fullname for source in SOURCES.values() for table in source.tables if table.info["kind"] == "fact"
)
"""Tables of the facts that this service owns."""


def folds_by_topic() -> dict[str, Fold]:
    """Topic -> one fold, which calls that of every source that listens to the topic."""
    found: dict[str, list[Fold]] = defaultdict(list)
    for source in SOURCES.values():
        for topic, fold in source.folds.items():
            found[topic].append(fold)
    return {topic: _together(folds) for topic, folds in sorted(found.items())}


def _together(folds: Sequence[Fold]) -> Fold:
    if len(folds) == 1:
        return folds[0]

    async def fold(tx: Tx, events: Sequence[Event]) -> None:
        for one in folds:
            await one(tx, events)

    return fold


def loads() -> str:
    """The rows of every source as one query of (what, key, key2, body, at); each source explains its own."""
    parts = [
        f"SELECT '{name}' AS what, facts.* FROM ({query}) AS facts (key, key2, body, at)"  # noqa: S608 - own text
        for source in SOURCES.values()
        for name, query in source.loads.items()
    ]
    return "\nUNION ALL ".join(parts)


def cell_facts(cell: Cell, found: Snapshot) -> CellFacts:
    """The facts of a cell, from all sources."""
    fields: dict[str, Any] = {}
    for source in SOURCES.values():
        for name, value in source.facts(cell, found).items():
            fields[name] = fields[name] + value if name in fields else value
    return CellFacts(item=cell.item, place=cell.place, **fields)
