"""Dated rosters on their own topic: only the months that a file names are announced, and old ones once."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attest_contracts
import pytest
from matrix_svc.handlers.rosters import announce_missing
from matrix_testing import HIRE
from servicekit.testing.harness import RunningService

LARGEST = 5_000
"""Bytes of one announced month; Kafka refuses a message of 1 MB."""


async def import_days(service: RunningService, first: date, count: int, shift: str | None = "D") -> None:
    rows = [
        {"employee_no": "DEV", "day": (first + timedelta(days=n)).isoformat(), "shift": shift}
        for n in range(count)
    ]
    body = {
        "batch": "B-1",
        "file": "roster",
        "sha256": "0" * 64,
        "accepted_by": ["COR", "EVA"],
        "rows": rows,
    }
    answer = await service.client("coordinator", subject="COR").post("/internal/imports/roster", json=body)
    assert answer.status_code == 200, answer.text


async def announced(service: RunningService) -> list[dict[str, Any]]:
    events = await service.announced("matrix.roster")
    for event in events:
        attest_contracts.validate_outgoing("matrix.roster", event["data"])
    return [event["data"]["state"] for event in events]


@pytest.fixture
async def hired(service: RunningService) -> RunningService:
    answer = await service.client("coordinator", subject="COR").post("/api/people", json=HIRE)
    assert answer.status_code == 201, answer.text
    await service.move_clock(datetime(2026, 4, 1, 8, tzinfo=UTC))
    await service.settled()
    return service


@pytest.mark.part("C-20", "ten years of rosters are small events, one a month")
async def test_ten_years_of_rosters_are_small_events_of_a_month_each(hired: RunningService) -> None:
    people = len(await hired.announced("matrix.person"))
    for year in range(2026, 2036):
        await import_days(hired, date(year, 5, 1), 365)
    months = {state["month"] for state in await announced(hired)}
    assert len(months) == 120
    assert max(len(json.dumps(event)) for event in await hired.announced("matrix.roster")) < LARGEST
    before = len(await announced(hired))
    await import_days(hired, date(2026, 6, 10), 2, None)
    (again,) = (await announced(hired))[before:]
    assert (again["month"], len(again["days"])) == ("2026-06", 30), "the month as a whole, and no other month"
    assert [day["shift"] for day in again["days"][8:12]] == ["D", None, None, "D"]
    assert len(await hired.announced("matrix.person")) == people, "the person is not announced again"


async def test_rosters_of_an_earlier_release_are_announced_once(hired: RunningService) -> None:
    """An upgraded database holds days that were announced with the person, and no month of the new topic."""
    await import_days(hired, date(2026, 5, 20), 30)
    states = await announced(hired)
    for table in ("bus.outbox_pending", "bus.outbox", "bus.subject"):
        hired.tamper(f"DELETE FROM {table} WHERE topic = 'matrix.roster'")
    assert await announced(hired) == []
    assert [await announce_missing(hired.database, limit=1) for _ in range(3)] == [1, 1, 0]
    assert await announced(hired) == states
    assert {e["data"]["change"]["kind"] for e in await hired.announced("matrix.roster")} == {"published"}
    assert await announce_missing(hired.database) == 0
