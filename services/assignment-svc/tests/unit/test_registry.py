"""The sources of facts: each module is found, and none takes the names of another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from assignment_svc import registry, sources
from assignment_svc.db import tables
from assignment_svc.inbound import INBOUND
from assignment_svc.source import Snapshot
from servicekit.testing.folds import BEGIN


def test_every_module_of_the_package_is_a_source() -> None:
    files = {path.stem for folder in sources.__path__ for path in Path(folder).glob("[!_]*.py")}
    assert set(registry.SOURCES) == files
    assert list(registry.SOURCES) == sorted(files)


def test_no_two_sources_have_the_same_rows_or_tables() -> None:
    every = registry.SOURCES.values()
    rows = Counter(["wanted", "cell", "assignment", *(name for source in every for name in source.loads)])
    assert max(rows.values()) == 1
    assert max(Counter(table.fullname for source in every for table in source.tables).values()) == 1


def test_the_tables_of_the_sources_are_those_of_the_database() -> None:
    kinds = {name: table.info["kind"] for name, table in tables.metadata.tables.items()}
    assert set(registry.REPLICAS) == {name for name, kind in kinds.items() if kind == "replica"}
    assert set(registry.OWN_FACTS) == {name for name, kind in kinds.items() if kind == "fact"}
    assert set(INBOUND) == {topic for source in registry.SOURCES.values() for topic in source.folds}


def test_a_snapshot_keeps_the_latest_record_time_and_makes_what_is_shared_once() -> None:
    found = Snapshot()
    found.add("record", "ANA", "SOP-101", {"record": "1"}, BEGIN)
    found.add("record", "ANA", "SOP-101", {"record": "2"}, BEGIN.replace(hour=7))
    assert (found.latest, len(found.all("record", "ANA", "SOP-101"))) == (BEGIN, 2)
    assert (found.one("record", "BEN", "SOP-101"), found.all("record", "ANA")) == (None, ())
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return 5

    assert [found.once("key", make), found.once("key", make)] == [5, 5]
    assert made == [1]
