"""What a row of a cell says beside its status, and which records count, on fixture F."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from servicekit.testing.harness import RunningService


def _story() -> ModuleType:
    path = Path(__file__).with_name("test_fixture_f.py")
    spec = importlib.util.spec_from_file_location("fixture_f_for_rows", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STORY = _story()
F, BEGIN, nl = STORY.fixture_f, STORY.BEGIN, STORY.nl
play, cell, check = STORY.play, STORY.cell, STORY.check


@pytest.mark.part("R-06", "unqualified since of one cell and in the list")
@pytest.mark.part("AE-16", "unqualified since of one cell and in the list")
async def test_unqualified_since_of_one_cell_and_in_the_list(service: RunningService) -> None:
    """The list reads it by SQL, one cell by the rules: the same, over two missed versions."""
    await play(service)
    v5 = F.version(5, approved_at="2026-03-12T08:00:00Z", NL1="2026-04-20", US1="2026-04-20")
    await service.feed("qms.document", "qms.document-changed.v1", "SOP-101", F.document(F.V3, F.V4, v5))
    await service.settled()
    at = nl("2026-05-01T00:00:00")
    listed = await service.client("auditor").get(
        "/api/qualification/cells", params={"at": at.isoformat(), "include": "not_required"}
    )
    found = {row["person"]: row for row in listed.json()["items"]}
    assert {name: row["unqualified_since"] for name, row in found.items()} == {
        "ANA": "2026-04-20T00:00:00+02:00",
        "BEN": "2026-03-16T00:00:00+01:00",
        "CHI": "2026-04-16T00:00:00+02:00",
        "DEV": "2026-04-20T00:00:00+02:00",
        "FAY": None,
        "GIL": "2026-03-23T00:00:00-04:00",
    }
    for name, row in found.items():
        assert await cell(service, name, at) == row


@pytest.mark.req("R-62", "C-36")
async def test_a_migrated_record_that_does_not_count_allows_nothing(service: RunningService) -> None:
    await F.import_fixture(service, time=BEGIN)
    at = nl("2026-03-01T12:00:00")
    for name, counts in (("ANA", False), ("BEN", True)):
        state = F.record(name, 3, F.PEOPLE[name][4]) | {"counts": counts}
        imported = "records.training-record-imported.v1"
        await service.feed("records.training-record", imported, state["record"], state, key=name, time=BEGIN)
    await service.settled()
    await service.beat(BEGIN + timedelta(hours=1))
    await service.settled()
    assert (await cell(service, "ANA", at))["status"] == "NEVER_TRAINED"
    assert ((await check(service, "ANA", at))["verdict"], (await check(service, "BEN", at))["verdict"]) == (
        "DENY",
        "ALLOW",
    )
