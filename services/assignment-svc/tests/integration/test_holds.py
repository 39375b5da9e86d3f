"""Holds: put and released by QA, in force at once, whether or not a worker has come by (R-71)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import assignment_fixture_f as fixture_f
import attest_contracts
import httpx
import pytest
from assignment_svc.db.base import LANES
from assignment_svc.handlers import holds
from assignment_svc.handlers.derive import derive_chunk
from servicekit.context import Context
from servicekit.db.audit import announce_audit, trail
from servicekit.ids import new_id
from servicekit.lanes import Lanes, Mark, mark
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
ITEMS = ["SOP-101", "WI-145"]
REASON = "failed process simulation of line 2"


async def given(service: RunningService) -> None:
    """Fixture F, and WI-145, which ANA owes and has met beside SOP-101; every cell derived."""
    await fixture_f.import_fixture(service, time=BEGIN)
    item = {"item": "WI-145"}
    await service.feed(
        "qms.document",
        "qms.document-registered.v1",
        "WI-145",
        {**fixture_f.document(fixture_f.V3), "document": "WI-145"},
        time=BEGIN,
    )
    await service.feed(
        "records.training-record",
        "records.training-record-imported.v1",
        "ANA-wi",
        fixture_f.record("ANA", 3, "2025-05-27T22:40:00+02:00", "ANA-wi") | item,
        key="ANA",
        time=BEGIN,
    )
    await service.feed(
        "matrix.obligation",
        "matrix.obligation-changed.v1",
        "ANA/WI-145",
        fixture_f.obligation("ANA") | item,
        key="ANA",
        time=BEGIN,
    )
    await service.settled()
    async with service.database.transaction(Context("system/test", "derives all", new_id())) as tx:
        await mark(tx, LANES, [Mark(person, "*") for person in fixture_f.PEOPLE])
    await Lanes(service.database, LANES).drain(derive_chunk)
    await service.beat(BEGIN + timedelta(hours=1))
    await service.settled()


@pytest.fixture
async def service(empty: RunningService) -> RunningService:
    return await empty.in_state("given", given)


def eva(service: RunningService) -> httpx.AsyncClient:
    return service.client("qa_approver", subject="EVA")


async def hold(service: RunningService, items: list[str] | None, **more: Any) -> dict[str, Any]:
    body = {"person": "ANA", "items": items, "reason": REASON, **more}
    answer = await eva(service).post("/api/holds", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def release(service: RunningService, hold: str) -> httpx.Response:
    body = {"reason": "requalified, QA signed"}
    return await eva(service).post(f"/api/holds/{hold}/release", json=body)


async def verdicts(service: RunningService, person: str = "ANA") -> dict[str, str]:
    """What the check says of each item alone, and of the task."""
    asked: dict[str, dict[str, Any]] = {item: {"items": [item]} for item in ITEMS}
    asked["RUN-FILL"] = {"task": "RUN-FILL"}
    found = {}
    for name, question in asked.items():
        answer = await eva(service).post("/api/authorizations/check", json={"person": person, **question})
        assert answer.status_code == 200, answer.text
        found[name] = answer.json()["verdict"]
    return found


async def count(service: RunningService, table: str) -> int:
    async with service.database.read() as tx:
        return await tx.scalar(f"SELECT count(*) FROM {table}")


FREE = {"SOP-101": "ALLOW", "WI-145": "ALLOW", "RUN-FILL": "ALLOW"}


@pytest.mark.part("R-71", "a hold denies at once and its release allows again")
@pytest.mark.part("PL-22", "a hold denies at once and its release allows again")
@pytest.mark.parametrize("workers", [True, False], ids=["workers", "workers held"])
@pytest.mark.parametrize(
    ("items", "denied"),
    [
        (None, {"SOP-101": "DENY", "WI-145": "DENY", "RUN-FILL": "DENY"}),
        (["SOP-101"], {"SOP-101": "DENY", "WI-145": "ALLOW", "RUN-FILL": "DENY"}),
        (["WI-145"], {"SOP-101": "ALLOW", "WI-145": "DENY", "RUN-FILL": "ALLOW"}),
    ],
    ids=["everything", "an item of the task", "another item"],
)
async def test_a_hold_denies_at_once_and_its_release_allows_again(
    service: RunningService,
    items: list[str] | None,
    denied: dict[str, str],
    *,
    workers: bool,
) -> None:
    """The workers are held when nobody calls `settled`."""
    assert await verdicts(service) == FREE
    put = await hold(service, items)
    assert put["items"] == items
    assert await verdicts(service) == denied
    if workers:
        await service.settled()
        assert await verdicts(service) == denied
    else:
        assert await count(service, "app.dirty") > 0
    assert (await verdicts(service, "BEN"))["RUN-FILL"] == "ALLOW"
    released = await release(service, put["id"])
    assert released.status_code == 200, released.text
    assert await verdicts(service) == FREE


@pytest.mark.part("R-71", "control: a hold that marks nothing is not seen")
async def test_control_a_hold_that_marks_nothing_is_not_seen(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(holds, "_mark", nothing)
    await hold(service, None)
    assert await verdicts(service) == FREE


@pytest.mark.part("R-71", "it holds from the time of the event and what was suspended stays so")
async def test_it_holds_from_the_time_of_the_event_and_what_was_suspended_stays_so(
    service: RunningService,
) -> None:
    put = await hold(service, None, from_at="2026-02-20T10:00:00+01:00")
    await service.settled()
    released = await release(service, put["id"])
    await service.settled()

    async def row(at: str) -> dict[str, Any]:
        asked = {"person": "ANA", "item": "SOP-101", "at": at}
        answer = await service.client("auditor").get("/api/qualification/cells", params=asked)
        (found,) = answer.json()["items"]
        return found

    assert (await row("2026-02-20T09:59:59+01:00"))["status"] == "QUALIFIED"
    held = await row("2026-02-20T10:00:00+01:00")
    assert (held["status"], held["verdict"]) == ("SUSPENDED", "DENY")
    assert held["reasons"] == [{"code": "HOLD", "detail": put["id"]}]
    assert held["completed_version"] == 3
    ended = datetime.fromisoformat(released.json()["to_at"])
    assert datetime.fromisoformat(held["until"]) == ended
    assert (await row(ended.isoformat()))["status"] == "QUALIFIED"


@pytest.mark.part("R-71", "it is audited and announced")
@pytest.mark.part("PL-07", "it is audited and announced")
async def test_it_is_audited_and_announced(service: RunningService) -> None:
    before = len(await service.announced("assignment.qualification"))
    put = await hold(service, ["SOP-101"])
    await service.settled()
    suspended = (await service.announced("assignment.qualification"))[before:]
    assert [event["subject"] for event in suspended] == ["ANA/SOP-101/NL1"]
    last = suspended[0]["data"]["state"]["segments"][-1]
    assert (last["status"], last["reasons"]) == ("SUSPENDED", [{"code": "HOLD", "detail": put["id"]}])
    await release(service, put["id"])
    await service.settled()
    freed = (await service.announced("assignment.qualification"))[before + 1 :]
    statuses = [segment["status"] for segment in freed[0]["data"]["state"]["segments"]]
    assert "SUSPENDED" in statuses[:-1]
    assert statuses[-1] != "SUSPENDED"

    async with service.database.transaction(Context("system/test", "announces the trail", "test")) as tx:
        entries = {name: await trail(tx, name, put["id"]) for name in ("hold", "hold_release")}
        await announce_audit(tx)
    for name, reason in (("hold", REASON), ("hold_release", "requalified, QA signed")):
        (entry,) = entries[name]
        assert (entry.actor, entry.values["op"], entry.values["reason"]) == ("account/EVA", "INSERT", reason)
    told = await service.announced("assignment.audit")
    assert {e["data"]["state"]["entity"] for e in told} >= {"hold", "hold_release"}
    for event in (*suspended, *freed):
        attest_contracts.validate_outgoing("assignment.qualification", event["data"])


@pytest.mark.part("R-71", "a bad field is named and nothing is held")
@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"items": ["SOP-101", "SOP-1O1"]}, 422, "items.1"),
        ({"items": []}, 422, "body.items"),
        ({"from_at": "2026-03-01T08:00:00"}, 422, "body.from_at"),
        ({"reason": ""}, 422, "body.reason"),
        ({"until": "2026-04-01"}, 422, "body.until"),
        ({"person": "NOBODY"}, 404, None),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_held(
    service: RunningService, change: dict[str, Any], status: int, field: str | None
) -> None:
    answer = await eva(service).post("/api/holds", json={"person": "ANA", "reason": REASON, **change})
    assert answer.status_code == status, answer.text
    if field is None:
        assert "NOBODY" in answer.json()["detail"]
    else:
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await count(service, "app.hold") == 0
    assert await verdicts(service) == FREE


@pytest.mark.part("R-71", "who may not hold may not release either")
@pytest.mark.part("PL-06", "who may not hold may not release either")
async def test_who_may_not_hold_may_not_release_either(service: RunningService) -> None:
    put = await hold(service, None)
    body = {"person": "BEN", "reason": REASON}
    us = service.client("qa_approver", subject="UMA", scope={"site": "US1"})
    others = [
        (service.client(role, subject="BEN"), 403)
        for role in ("operator", "supervisor", "trainer", "coordinator", "auditor", "administrator")
    ]
    for client, status in [*others, (us, 404)]:
        assert (await client.post("/api/holds", json=body)).status_code == status
        answer = await client.post(f"/api/holds/{put['id']}/release", json={"reason": "mine"})
        assert answer.status_code == status
    assert (await count(service, "app.hold"), await count(service, "app.hold_release")) == (1, 0)
    assert (await release(service, new_id())).status_code == 404


@pytest.mark.part("R-71", "the same command twice acts once")
@pytest.mark.part("R-54", "the same command twice acts once")
async def test_the_same_command_twice_acts_once(service: RunningService) -> None:
    client = eva(service)
    body = {"person": "ANA", "reason": REASON}
    asked = [await client.post("/api/holds", json=body, headers={"Idempotency-Key": "h"}) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [201, 201]
    assert asked[0].json() == asked[1].json()
    assert await count(service, "app.hold") == 1
    url = f"/api/holds/{asked[0].json()['id']}/release"
    ended = [
        await client.post(url, json={"reason": "done"}, headers={"Idempotency-Key": "r"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in ended] == [200, 200]
    assert ended[0].json() == ended[1].json()
    again = await client.post(url, json={"reason": "done"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:attest:problem:released")


@pytest.mark.part("R-71", "of two who release at once one does")
async def test_of_two_who_release_at_once_one_does(service: RunningService) -> None:
    put = await hold(service, None)
    answers = await asyncio.gather(*(release(service, put["id"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert await count(service, "app.hold_release") == 1


@pytest.mark.part("R-71", "of two holds one is enough")
async def test_of_two_holds_one_is_enough(service: RunningService) -> None:
    first, second = await hold(service, None), await hold(service, ["SOP-101"])
    await release(service, first["id"])
    assert await verdicts(service) == {**FREE, "SOP-101": "DENY", "RUN-FILL": "DENY"}
    await release(service, second["id"])
    assert await verdicts(service) == FREE
