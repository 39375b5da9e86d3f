"""A person is authorised for an asset by its spell and by what the asset itself requires (MX-03, C-27)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import assignment_fixture_f as fixture_f
import pytest
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
ASSETS = {"WI-202": "NL1/FILL-02", "WI-203": "NL1/FILL-03"}
"""An instruction, and the asset that requires it."""


def owed(item: str, **span: Any) -> dict[str, Any]:
    state: dict[str, Any] = fixture_f.obligation("ANA") | {"item": item}
    of_asset = {"id": f"{item}-span", "source_kind": "equipment", "source": ASSETS[item], **span}
    return state | {"spans": [state["spans"][0] | of_asset]}


async def feed_owed(service: RunningService, item: str, **span: Any) -> None:
    await service.feed(
        "matrix.obligation",
        "matrix.obligation-changed.v1",
        f"ANA/{item}",
        owed(item, **span),
        key="ANA",
        time=BEGIN,
    )


async def two_lines(found: RunningService) -> None:
    """Fixture F; ANA works on two lines and has met the instruction of one of them, and SOP-101."""
    await fixture_f.import_fixture(found, time=BEGIN)
    for item, asset in ASSETS.items():
        unit: dict[str, Any] = {"unit": f"equipment/{asset}", "kind": "equipment", "code": asset}
        unit |= {"title": asset, "site": "NL1", "shifts": [], "active": True}
        await found.feed(
            "matrix.organisation", "matrix.organisation-changed.v1", unit["unit"], unit, time=BEGIN
        )
        document = fixture_f.document(fixture_f.V3) | {"document": item}
        await found.feed("qms.document", "qms.document-registered.v1", item, document, time=BEGIN)
        await feed_owed(found, item)
    ana = fixture_f.person("ANA")
    ana["equipment"] = [
        ana["functions"][0] | {"id": f"ANA-{asset}", "equipment": asset} for asset in ASSETS.values()
    ]
    await found.feed("matrix.person", "matrix.person-changed.v2", "ANA", ana, time=BEGIN)
    met = fixture_f.record("ANA", 3, "2025-05-27T22:40:00+02:00", "ANA-wi") | {"item": "WI-202"}
    await found.feed(
        "records.training-record",
        "records.training-record-imported.v1",
        "ANA-wi",
        met,
        key="ANA",
        time=BEGIN,
    )
    await found.settled()
    await found.beat(BEGIN + timedelta(hours=1))
    await found.settled()


@pytest.fixture
async def service(empty: RunningService) -> RunningService:
    return await empty.in_state("two lines", two_lines)


async def check(service: RunningService, asset: str | None) -> dict[str, Any]:
    body = {"person": "ANA", "task": "RUN-FILL", "asset": asset}
    answer = await service.client("qa_approver", subject="EVA").post("/api/authorizations/check", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.req("MX-03")
@pytest.mark.part("C-27", "what an asset requires is asked for with it")
async def test_what_an_asset_requires_is_asked_for_with_it(service: RunningService) -> None:
    assert (await check(service, None))["verdict"] == "ALLOW"
    assert (await check(service, "NL1/FILL-02"))["verdict"] == "ALLOW"
    other = await check(service, "NL1/FILL-03")
    assert other["verdict"] == "DENY"
    assert [(r["item"], r["code"]) for r in other["reasons"]] == [("WI-203", "NEVER_TRAINED")]


@pytest.mark.part("MX-03", "what an asset requires no more or not yet")
@pytest.mark.part("C-27", "what an asset requires no more or not yet")
async def test_what_an_asset_requires_no_more_or_not_yet(service: RunningService) -> None:
    await feed_owed(service, "WI-203", valid_to="2026-02-28T23:00:00Z")
    await service.settled()
    assert (await check(service, "NL1/FILL-03"))["verdict"] == "ALLOW"
    await feed_owed(service, "WI-203", valid_from="2026-03-20T23:00:00Z")
    await service.settled()
    coming = await check(service, "NL1/FILL-03")
    assert coming["verdict"] == "ALLOW"
    assert datetime.fromisoformat(coming["valid_until"]) == datetime(2026, 3, 20, 23, tzinfo=UTC)
