"""Before a matrix version is signed it is shown whom it touches (MX-08, R-75)."""

from __future__ import annotations

from typing import Any

import pytest
from matrix_testing import HIRE
from servicekit.testing.harness import RunningService


async def preview(service: RunningService, *cells: dict[str, Any], effective: str | None) -> dict[str, Any]:
    author = service.client("coordinator", subject="QUE")
    body = {"title": "next", "cells": cells, "effective_at": effective, "reason": "after the review"}
    drafted = await author.post("/api/matrix/versions", json=body)
    assert drafted.status_code == 201, drafted.text
    answer = await author.get(f"/api/matrix/versions/{drafted.json()['number']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def hire(service: RunningService, person: str, **more: Any) -> None:
    terms = {**HIRE, "person": person, **more}
    answer = await service.client("coordinator", subject="COR").post("/api/people", json=terms)
    assert answer.status_code == 201, answer.text


@pytest.mark.req("R-75")
@pytest.mark.part("MX-08", "a shorter interval names whom it concerns")
async def test_a_shorter_interval_names_whom_it_concerns(service: RunningService) -> None:
    client = service.client("coordinator", subject="COR")
    await hire(service, "DEV")
    await hire(service, "ANA")
    await hire(service, "QCA1", job_function="QCA")
    # Leaves before it takes effect; changes the function after it.
    await hire(service, "FAY")
    left = await client.post("/api/people/FAY/end", json={"ended_on": "2026-05-01", "reason": "leaves"})
    assert left.status_code == 200, left.text
    move = {"job_function": "QCA", "from": "2026-05-02", "ends": "current", "reason": "moves on"}
    moved = await client.post("/api/people/ANA/functions", json=move)
    assert moved.status_code == 200, moved.text
    cell = {"source_kind": "job_function", "source": "OPR", "item": "SOP-101", "methods": ["R"]}
    shorter = await preview(service, cell | {"interval_months": 6}, effective="2026-05-01T00:00:00Z")
    (change,) = shorter["differences"]
    assert (change["change"], change["stricter"], change["people"]) == ("changed", True, ["ANA", "DEV"])
    assert shorter["people_affected"] == 2
    longer = await preview(service, cell | {"interval_months": 24}, effective="2026-05-03T00:00:00Z")
    (change,) = longer["differences"]
    assert (change["stricter"], change["people"]) == (False, ["DEV"])


@pytest.mark.part("R-75", "the preview names people by their place too")
@pytest.mark.part("MX-08", "the preview names people by their place too")
async def test_by_the_place_too(service: RunningService) -> None:
    await hire(service, "DEV")
    cells = [
        {"source_kind": kind, "source": source, "item": "SOP-222", "methods": ["R"]}
        for kind, source in (
            ("site", "NL1"),
            ("area", "NL1/GA"),
            ("department", "Production"),
            ("overlay", "TRN"),
        )
    ]
    shown = await preview(service, *cells, effective=None)
    assert [c["people"] for c in shown["differences"]] == [["DEV"], ["DEV"], ["DEV"], []]
