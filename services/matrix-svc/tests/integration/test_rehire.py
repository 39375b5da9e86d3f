"""Who has left comes back: a second employment of the same person (R-14, AE-11)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attest_contracts
import pytest
from matrix_testing import HIRE, announced_spans, sign_matrix
from servicekit.testing.harness import RunningService

AGAIN = {
    "hired_on": "2026-08-01",
    "site": "NL1",
    "department": "Production",
    "area": "GA",
    "job_function": "QCA",
    "shift": "N",
    "supervisor": "SAM",
    "reason": "comes back to the laboratory",
}
SAM = {**HIRE, "person": "SAM", "given_name": "Sam", "job_function": "QCA"}
LEFT = "2026-06-01"


@pytest.fixture
async def left(service: RunningService) -> RunningService:
    """DEV was an operator and a trainer until 1 June, on a leave planned until September; it is 1 July."""
    cells = [
        {"source_kind": "overlay", "source": "TRN", "item": "SOP-222", "methods": ["R"]},
        {"source_kind": "job_function", "source": "QCA", "item": "SOP-222", "methods": ["R"]},
    ]
    await sign_matrix(service, cells)
    client = service.client("coordinator", subject="COR")
    for path, body in (
        ("", SAM),
        ("", {**HIRE, "overlays": ["TRN"]}),
        ("/DEV/leaves", {"kind": "parental", "from": "2026-05-01", "to": "2026-09-01", "reason": "r"}),
        ("/DEV/end", {"ended_on": LEFT, "reason": "leaves"}),
    ):
        answer = await client.post(f"/api/people{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
    await service.move_clock(datetime(2026, 7, 1, 8, tzinfo=UTC))
    await service.settled()
    return service


@pytest.mark.part("R-14", "a rehire owes what it names and nothing of before")
@pytest.mark.part("AE-11", "a rehire owes what it names and nothing of before")
@pytest.mark.part("PL-01", "a rehire owes what it names and nothing of before")
async def test_a_rehire_owes_what_it_names_and_nothing_of_before(left: RunningService) -> None:
    client = left.client("coordinator", subject="COR", scope={"site": "NL1"})
    before = await announced_spans(left, "DEV")
    answer = await client.post("/api/people/DEV/employments", json=AGAIN)
    assert answer.status_code == 201, answer.text
    await left.settled()
    event = (await left.announced("matrix.person"))[-1]
    attest_contracts.validate_envelope(event)
    attest_contracts.validate_outgoing("matrix.person", event["data"])
    state, change = event["data"]["state"], event["data"]["change"]
    assert (event["type"], change["kind"], change["valid_from"]) == (
        "matrix.person-hired.v2",
        "rehired",
        "2026-08-01",
    )
    assert change["cause"] == state["employments"][-1]["id"]
    days = {
        name: [(s["from"], s["to"]) for s in state[name]]
        for name in ("employments", "places", "functions", "overlays", "leaves", "shifts")
    }
    twice = [("2026-03-10", LEFT), ("2026-08-01", None)]
    assert days == {
        "employments": twice,
        "places": twice,
        "functions": twice,
        "shifts": twice,
        "overlays": [("2026-03-10", LEFT)],
        "leaves": [("2026-05-01", LEFT)],
    }
    assert [f["job_function"] for f in state["functions"]] == ["OPR", "QCA"]
    assert state["supervisor"] == "SAM"
    # Through to what is owed: the past stands as it was, the new employment begins as a new hire, without the old
    # function and overlay.
    again = ("SOP-222", "NL1", "QCA", "NEW_HIRE", "2026-07-31T22:00:00Z", None)
    assert await announced_spans(left, "DEV") == sorted([*before, again])
    assert [(item, until) for item, *_, until in before] == [
        ("SOP-101", "2026-05-31T22:00:00Z"),
        ("SOP-222", "2026-05-31T22:00:00Z"),
    ]
    (row,) = (await client.get("/api/people", params={"q": "devi"})).json()["items"]
    assert (row["job_functions"], row["hired_on"], row["ended_on"]) == ([], "2026-08-01", None)
    await left.move_clock(datetime(2026, 8, 1, 8, tzinfo=UTC))
    (row,) = (await client.get("/api/people", params={"q": "devi", "active": True})).json()["items"]
    assert (row["job_functions"], row["shift"], row["area"]) == (["QCA"], "N", "GA")


@pytest.mark.part("R-14", "a bad field is named with its reason and nothing is written")
@pytest.mark.part("PL-08", "a bad field is named with its reason and nothing is written")
@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"hired_on": "2026-05-31"}, "hired_on", "overlaps"),
        ({"hired_on": "2026-01-01"}, "hired_on", "overlaps"),
        ({"hired_on": "soon"}, "body.hired_on", "date_from_datetime_parsing"),
        ({"function_from": "2026-07-31"}, "function_from", "before-hired"),
        ({"site": "XX1"}, "site", "unknown-site"),
        ({"area": "ZZ"}, "area", "unknown-area"),
        ({"job_function": "XXX"}, "job_function", "unknown-job-function"),
        ({"shift": "E"}, "shift", "unknown-shift"),
        ({"supervisor": "NOBODY"}, "supervisor", "unknown-person"),
        ({"supervisor": "DEV"}, "supervisor", "oneself"),
        ({"reason": " "}, "body.reason", "string_too_short"),
        ({"given_name": "Else"}, "body.given_name", "extra_forbidden"),
    ],
)
async def test_a_bad_field_is_named_with_its_reason_and_nothing_is_written(
    left: RunningService, change: dict[str, Any], field: str, reason: str
) -> None:
    client = left.client("coordinator", subject="COR")
    before = (await client.get("/api/people/DEV")).json()
    answer = await client.post("/api/people/DEV/employments", json={**AGAIN, **change})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [(e["field"], e["reason"]) for e in answer.json()["errors"]] == [(field, reason)]
    assert (await client.get("/api/people/DEV")).json() == before


@pytest.mark.part("R-14", "who is employed is not hired again")
async def test_who_is_employed_is_not_hired_again(left: RunningService) -> None:
    client = left.client("coordinator", subject="COR")
    assert (await client.post("/api/people/DEV/employments", json=AGAIN)).status_code == 201
    again = await client.post("/api/people/DEV/employments", json={**AGAIN, "hired_on": "2026-09-01"})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "hired_on")
    assert again.json()["errors"][0]["reason"] == "employed"


@pytest.mark.part("R-14", "a rehire needs the right where the person was and at the new place")
@pytest.mark.part("PL-06", "a rehire needs the right where the person was and at the new place")
async def test_a_rehire_needs_the_right_where_the_person_was_and_at_the_new_place(
    left: RunningService,
) -> None:
    before = len(await left.announced("matrix.person"))
    for roles, scope, body, status in (
        (["coordinator"], {"site": "US1"}, {**AGAIN, "site": "US1", "area": None, "shift": None}, 404),
        (["coordinator"], {"site": "NL1"}, {**AGAIN, "site": "US1", "area": None, "shift": None}, 404),
        (["supervisor"], {"site": "NL1"}, AGAIN, 403),
    ):
        caller = left.client(*roles, subject="X", scope=scope)
        answer = await caller.post("/api/people/DEV/employments", json=body)
        assert answer.status_code == status, answer.text
    nobody = await left.client("coordinator", subject="COR").post(
        "/api/people/NOBODY/employments", json=AGAIN
    )
    assert nobody.status_code == 404
    assert len(await left.announced("matrix.person")) == before


async def test_the_same_rehire_twice_acts_once(left: RunningService) -> None:
    client = left.client("coordinator", subject="COR")
    before = len(await left.announced("matrix.person"))
    first, again = [
        await client.post("/api/people/DEV/employments", json=AGAIN, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert len(await left.announced("matrix.person")) == before + 1
