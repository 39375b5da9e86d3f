"""Clock, health, About, the OpenAPI document: the platform as a whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_testing import PASSWORD, REASON, Browser, Platform, code_of, platform
from servicekit.settings import Mode
from servicekit.testing.databases import DatabaseFactory

pytestmark = pytest.mark.asyncio(loop_scope="module")
OFFSET = "SELECT extract(epoch FROM ahead)::float8 AS ahead FROM app.clock_offset"


async def test_everybody_sees_the_clock(attest: Platform, admin: Browser) -> None:
    shown = (await attest.client().get("/api/clock")).json()
    assert (shown["movable"], shown["mode"]) == (True, "test")
    assert abs(datetime.fromisoformat(shown["now"]) - datetime.now(UTC)) < timedelta(seconds=30)
    assert code_of(await attest.client().post("/api/clock", json={"now": "2099-01-01T00:00:00Z"})) == (
        401,
        "unauthenticated",
    )


async def test_the_clock_moves_everywhere_forward_and_never_back(attest: Platform, admin: Browser) -> None:
    to = datetime.now(UTC) + timedelta(days=30)
    # A service that cannot be reached is named; the others already have the time, and the next try sets the same.
    answer = await admin.post("/api/clock", {"now": to.isoformat(), "reason": REASON})
    assert code_of(answer) == (503, "unavailable")
    assert answer.json()["service"] == "matrix"
    services = attest.app.state.services
    without = {name: url for name, url in attest.services.items() if name == "records"}
    all_urls, services._urls = services._urls, without
    try:
        answer = await admin.post("/api/clock", {"now": to.isoformat(), "reason": REASON})
        assert answer.status_code == 200, answer.text
        now = datetime.fromisoformat(answer.json()["now"])
        assert timedelta(0) <= now - to < timedelta(seconds=60)
        assert attest.sql(OFFSET) == attest.records_sql(OFFSET)
        assert await admin.refused("/api/clock", {"now": (to - timedelta(days=1)).isoformat()}) == (
            409,
            "clock-forward-only",
        )
        assert (
            await admin.post("/api/clock", {"now": "2099-01-01T00:00:00", "reason": REASON})
        ).status_code == 422
        # Sessions and locks do not follow it.
        assert (await admin.get("/api/session")).status_code == 200
        assert len(attest.sql("SELECT * FROM audit.entry WHERE entity = 'clock_move'")) == 2
    finally:
        services._urls = all_urls


async def test_health_tells_of_every_service(attest: Platform, admin: Browser, ana: Browser) -> None:
    assert code_of(await ana.get("/api/health")) == (403, "not-allowed")
    answer = await admin.get("/api/health")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = {each["service"]: each for each in answer.json()["services"]}
    assert set(found) == {"matrix", "qms", "assignment", "records", "reporting", "gateway"}
    assert not found["matrix"]["ready"]
    assert "cannot be reached" in found["matrix"]["reasons"][0]
    assert found["records"]["ready"]
    assert found["records"]["version"] == "1.2.3"
    assert found["gateway"]["pending"] > 0
    assert found["gateway"]["oldest_pending_seconds"] >= 0


async def test_about_names_versions(attest: Platform, ana: Browser) -> None:
    answer = await ana.get("/api/about")
    assert answer.status_code == 200, answer.text
    about = answer.json()
    assert (about["product"], about["mode"], about["tzdata"][:2]) == ("Attest", "test", "20")
    contracts = {each["topic"]: each for each in about["contracts"]}
    assert len(contracts["gateway.account"]["digest"]) == 64
    assert contracts["matrix.audit"]["version"].startswith("1.")
    found = {each["service"]: each for each in about["services"]}
    assert found["matrix"]["version"] == "unknown"
    assert found["records"]["version"] == "1.2.3"
    assert found["records"]["schema"] == found["gateway"]["schema"] != "unknown"


@pytest.mark.part("PL-25", "one document shows what can be called")
async def test_one_document_shows_what_can_be_called(attest: Platform) -> None:
    document = (await attest.client().get("/openapi.json")).json()
    assert {"/api/session", "/api/changes", "/api/qualification/cells"} <= set(document["paths"])
    assert document["paths"]["/api/qualification/cells"]["get"]["x-answered-by"] == "assignment"
    assert document["x-missing-services"] == ["matrix"]
    assert not [path for path in document["paths"] if not path.startswith("/api/")]


async def test_production_refuses_demo_accounts_and_another_clock(
    databases: DatabaseFactory, tmp_path: Path
) -> None:
    async with platform(databases, tmp_path, mode=Mode.PRODUCTION) as running:
        admin = await running.first_administrator()
        wanted = {"accounts": [{"username": "demo", "password": PASSWORD}]}
        assert await admin.refused("/api/demo/accounts", wanted) == (403, "not-in-production")
        assert await admin.refused("/api/clock", {"now": "2099-01-01T00:00:00Z"}) == (
            403,
            "not-in-production",
        )
        assert (await admin.get("/api/clock")).json()["movable"] is False
        assert running.sql("SELECT count(*) AS n FROM app.account") == [{"n": 1}]


async def test_demo_accounts_are_made_once(attest: Platform, admin: Browser, person: str) -> None:
    first = await attest.account(admin, f"demo-{person}", None, "auditor")
    again = await attest.account(admin, f"demo-{person}", None, "auditor")
    assert first == again
    assert first["must_change_password"] is False
