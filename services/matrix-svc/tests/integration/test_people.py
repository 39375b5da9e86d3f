"""A person is hired, moved and leaves; obligations follow and are announced."""

from datetime import UTC, datetime
from typing import Any

import attest_contracts
import pytest
from matrix_svc.main import SPEC
from matrix_testing import HIRE, sign_matrix
from servicekit.testing.harness import RunningService

WHEN_HIRED = datetime(2026, 4, 1, 8, tzinfo=UTC)
"""A day on which DEV works: what is signed then divides a span."""


@pytest.mark.req("MX-01")
@pytest.mark.part("AE-01", "a hire brings obligations with their sources")
async def test_a_hire_brings_obligations_with_their_sources(service: RunningService) -> None:
    client = service.client("coordinator", subject="COR", scope={"site": "NL1"})
    hired = await client.post("/api/people", json=HIRE)
    assert hired.status_code == 201, hired.text
    await service.settled()
    owed = (await client.get("/api/people/DEV/obligations")).json()["items"]
    (span,) = owed[0]["spans"]
    assert (owed[0]["item"], span["source"], span["methods"], span["interval_months"]) == (
        "SOP-101",
        "OPR",
        ["R"],
        12,
    )
    assert (span["trigger"], span["place"], span["valid_from"]) == (
        "NEW_HIRE",
        "NL1",
        "2026-03-09T23:00:00Z",
    )


@pytest.mark.part("PL-29", "a refused cell is an open question even where nothing else requires the item")
@pytest.mark.part("R-35", "a refused cell is an open question even where nothing else requires the item")
async def test_a_refused_cell_is_an_open_question_even_where_nothing_else_requires_the_item(
    service: RunningService,
) -> None:
    coordinator = service.client("coordinator", subject="COR")
    await coordinator.post("/api/people", json=HIRE)
    await service.move_clock(WHEN_HIRED)
    await service.settled()
    question = {
        "level": "job_function",
        "source": "OPR",
        "item": "SOP-222",
        "value": "ask QA",
        "line": "By job function!C7",
    }
    block = {
        "batch": "B-1",
        "file": "matrix.xlsx",
        "sha256": "0" * 64,
        "accepted_by": ["COR", "EVA"],
        "rows": [question],
    }
    taken = await coordinator.post("/internal/imports/questions", json=block)
    assert taken.status_code == 200, taken.text
    await service.settled()
    owed = {
        row["item"]: row for row in (await coordinator.get("/api/people/DEV/obligations")).json()["items"]
    }
    assert owed["SOP-101"]["unresolved"] is False
    assert (owed["SOP-222"]["unresolved"], owed["SOP-222"]["spans"]) == (True, [])
    said = [e["data"]["state"] for e in await service.announced("matrix.obligation")]
    assert [(s["person"], s["unresolved"]) for s in said if s["item"] == "SOP-222"] == [("DEV", True)]
    (asked,) = owed["SOP-222"]["unresolved_spans"]
    assert (asked["place"], asked["source"], asked["valid_to"]) == ("NL1", "OPR", None)
    # Answered by a signed version: it is open until then and no longer, and nobody is asked again.
    cell = {"source_kind": "job_function", "source": "OPR", "item": "SOP-222", "methods": []}
    await sign_matrix(service, [cell])
    owed = {
        row["item"]: row for row in (await coordinator.get("/api/people/DEV/obligations")).json()["items"]
    }
    (asked,) = owed["SOP-222"]["unresolved_spans"]
    known = (await coordinator.get("/api/requirements/SOP-222")).json()["unresolved"]
    assert [q["answered_from"] for q in known] == [asked["valid_to"]]
    assert asked["valid_to"] is not None
    again = await service.client("coordinator", subject="QUE").post(
        "/api/matrix/versions", json={"title": "again", "cells": [cell], "reason": "r"}
    )
    assert (again.status_code, again.json()["errors"][0]["reason"]) == (422, "no-change")


async def test_everything_announced_fits_its_contract_and_names_travel_alone(service: RunningService) -> None:
    await service.client("coordinator", subject="COR").post("/api/people", json=HIRE)
    await service.settled()
    for topic in (t.name for t in SPEC.own_topics):
        for event in await service.announced(topic):
            attest_contracts.validate_envelope(event)
            attest_contracts.validate_outgoing(topic, event["data"])
            assert ("Devi" in str(event)) == (topic == "matrix.person-name")


@pytest.mark.part("PL-01", "an id is never given out again")
@pytest.mark.part("R-14", "an id is never given out again")
async def test_an_id_is_never_given_out_again(service: RunningService) -> None:
    client = service.client("coordinator", subject="COR")
    await client.post("/api/people", json=HIRE)
    ended = await client.post("/api/people/DEV/end", json={"ended_on": "2026-06-01", "reason": "leaves"})
    assert ended.status_code == 200, ended.text
    again = await client.post("/api/people", json=HIRE)
    assert (again.status_code, again.json()["type"]) == (409, "urn:attest:problem:person-exists")


@pytest.mark.part("PL-08", "a bad field is named and nothing is written")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "body.reason"),
        ({"job_function": "XXX"}, "job_function"),
        ({"site": "XX1"}, "site"),
        ({"area": "ZZ"}, "area"),
        ({"shift": "E"}, "shift"),
        ({"overlays": ["TRN", "TRN"]}, "overlays"),
        ({"supervisor": "NOBODY"}, "supervisor"),
        ({"given_name": "=cmd()"}, "body.given_name"),
        ({"hired_on": "yesterday"}, "body.hired_on"),
        ({"salary": 1}, "body.salary"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_written(
    service: RunningService, change: dict[str, Any], field: str
) -> None:
    client = service.client("coordinator", subject="COR")
    answer = await client.post("/api/people", json=HIRE | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await client.get("/api/people/DEV")).status_code == 404


@pytest.mark.part("AE-02", "a move ends one function and begins another on the same day")
async def test_a_move_ends_one_function_and_begins_another_on_the_same_day(service: RunningService) -> None:
    client = service.client("coordinator", subject="COR")
    await client.post("/api/people", json=HIRE)
    moved = await client.post(
        "/api/people/DEV/functions",
        json={"job_function": "QCA", "from": "2026-05-01", "reason": "moves to QC"},
    )
    assert moved.status_code == 200, moved.text
    functions = (await client.get("/api/people/DEV")).json()["functions"]
    assert [(f["job_function"], f["from"], f["to"]) for f in functions] == [
        ("OPR", "2026-03-10", "2026-05-01"),
        ("QCA", "2026-05-01", None),
    ]


@pytest.mark.req("MX-07")
async def test_a_removed_cell_ends_the_obligation_and_keeps_its_past(service: RunningService) -> None:
    client = service.client("coordinator", subject="COR")
    await client.post("/api/people", json=HIRE)
    await service.move_clock(WHEN_HIRED)
    await sign_matrix(
        service, [{"source_kind": "job_function", "source": "OPR", "item": "SOP-101", "methods": []}]
    )
    (owed,) = (await client.get("/api/people/DEV/obligations")).json()["items"]
    assert owed["spans"][0]["valid_to"] is not None


@pytest.mark.part("MX-08", "the author of a matrix version cannot sign it")
@pytest.mark.part("PL-06", "the author of a matrix version cannot sign it")
async def test_the_author_of_a_matrix_version_cannot_sign_it(service: RunningService) -> None:
    author = service.client("coordinator", subject="QUE")
    cells = [{"source_kind": "job_function", "source": "QCA", "item": "SOP-222", "methods": ["R"]}]
    drafted = await author.post(
        "/api/matrix/versions", json={"title": "second", "cells": cells, "reason": "r"}
    )
    number = str(drafted.json()["number"])
    both = service.client("qa_approver", "coordinator", subject="QUE")
    refused = await service.sign(both, "matrix_version", number, "approve", signer="QUE")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:attest:problem:own-approval")


async def test_out_of_scope_is_not_told_to_exist(service: RunningService) -> None:
    await service.client("coordinator", subject="COR").post("/api/people", json=HIRE)
    other = service.client("coordinator", subject="US", scope={"site": "US1"})
    assert (await other.get("/api/people/DEV")).status_code == 404
    assert (await other.get("/api/people")).json()["items"] == []
    moved = await other.post("/api/people/DEV/end", json={"ended_on": "2026-06-01", "reason": "x"})
    assert moved.status_code == 404


async def test_the_same_command_twice_acts_once(service: RunningService) -> None:
    client = service.client("coordinator", subject="COR")
    headers = {"Idempotency-Key": "k1"}
    first = await client.post("/api/people", json=HIRE, headers=headers)
    again = await client.post("/api/people", json=HIRE, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(await service.announced("matrix.person")) == 1
