"""What happens to a person after the hire, each act by its own route: leave, place, overlay, equipment, shift, end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import attest_contracts
import pytest
from matrix_testing import HIRE, announced_spans, sign_matrix
from servicekit.testing.harness import RunningService

NL_DAY = {"2026-03-10": "2026-03-09T23:00:00Z", "2026-05-01": "2026-04-30T22:00:00Z"}
"""Local days of NL1 as instants."""
OPERATOR = ("SOP-101", "NL1", "OPR", "NEW_HIRE", NL_DAY["2026-03-10"], None)


@dataclass(frozen=True)
class Act:
    """A command about DEV and what it brings: the list of the state that changes, with what it then says."""

    path: str
    body: Mapping[str, Any]
    event: str
    spells: str
    stand: list[dict[str, Any]]
    owed: list[tuple[Any, ...]] = field(default_factory=lambda: [OPERATOR])


ACTS = {
    "leave": Act(
        "leaves",
        {"kind": "parental", "from": "2026-05-01", "to": "2026-06-01"},
        "leave-recorded",
        "leaves",
        [{"kind": "parental", "from": "2026-05-01", "to": "2026-06-01"}],
        # Leave ends no obligation: the engine pauses the clock.
    ),
    "place": Act(
        "places",
        {"site": "US1", "department": "Production", "from": "2026-05-01"},
        "moved",
        "places",
        [
            {
                "site": "NL1",
                "department": "Production",
                "area": "GA",
                "from": "2026-03-10",
                "to": "2026-05-01",
            },
            {"site": "US1", "department": "Production", "area": None, "from": "2026-05-01", "to": None},
        ],
        [
            ("SOP-101", "NL1", "OPR", "NEW_HIRE", NL_DAY["2026-03-10"], NL_DAY["2026-05-01"]),
            # The days of a place are those of its own zone.
            ("SOP-101", "US1", "OPR", "MATRIX_ENROLMENT", "2026-05-01T04:00:00Z", None),
            ("SOP-222", "US1", "US1", "MATRIX_ENROLMENT", "2026-05-01T04:00:00Z", None),
        ],
    ),
    "overlay": Act(
        "overlays",
        {"overlay": "TRN", "from": "2026-03-10", "to": "2026-05-01"},
        "changed",
        "overlays",
        [{"overlay": "TRN", "from": "2026-03-10", "to": "2026-05-01"}],
        [OPERATOR, ("SOP-222", "NL1", "TRN", "NEW_HIRE", NL_DAY["2026-03-10"], NL_DAY["2026-05-01"])],
    ),
    "equipment": Act(
        "equipment",
        {"equipment": "NL1/FILL-02", "from": "2026-05-01"},
        "changed",
        "equipment",
        [{"equipment": "NL1/FILL-02", "from": "2026-05-01", "to": None}],
        [OPERATOR, ("SOP-222", "NL1", "NL1/FILL-02", "MATRIX_ENROLMENT", NL_DAY["2026-05-01"], None)],
    ),
    "shift": Act(
        "shifts",
        {"shift": "N", "from": "2026-05-01"},
        "changed",
        "shifts",
        [
            {"shift": "D", "from": "2026-03-10", "to": "2026-05-01"},
            {"shift": "N", "from": "2026-05-01", "to": None},
        ],
    ),
    "end of a spell": Act(
        "spells/{function}/end",
        {"to": "2026-05-01"},
        "changed",
        "functions",
        [{"job_function": "OPR", "from": "2026-03-10", "to": "2026-05-01"}],
        [("SOP-101", "NL1", "OPR", "NEW_HIRE", NL_DAY["2026-03-10"], NL_DAY["2026-05-01"])],
    ),
}


@pytest.fixture
async def hired(service: RunningService) -> RunningService:
    """DEV, an operator; SOP-222 is required by an overlay, an asset and the other site."""
    sources = [("overlay", "TRN"), ("equipment", "NL1/FILL-02"), ("site", "US1")]
    cells = [{"source_kind": k, "source": s, "item": "SOP-222", "methods": ["R"]} for k, s in sources]
    await sign_matrix(service, cells)
    answer = await service.client("coordinator", subject="COR").post("/api/people", json=HIRE)
    assert answer.status_code == 201, answer.text
    await service.settled()
    return service


async def spell_of(service: RunningService, spells: str) -> str:
    """The id of the last spell of a kind."""
    state = (await service.client("auditor").get("/api/people/DEV")).json()
    return state[spells][-1]["id"]


async def address(service: RunningService, path: str) -> str:
    return "/api/people/DEV/" + path.format(function=await spell_of(service, "functions"))


def said(spells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in spell.items() if k not in ("id", "recorded_at", "told_at")} for spell in spells]


@pytest.mark.part("AE-02", "a move changes the obligations from its day")
@pytest.mark.part("AE-10", "an act on a spell is announced and obligations follow")
@pytest.mark.part("MX-04", "the obligations of an overlay end with it")
@pytest.mark.part("R-13", "an act on a spell is announced and obligations follow")
@pytest.mark.part("R-33", "a corrected spell is a new fact")
@pytest.mark.part("R-43", "an act on a spell is announced and obligations follow")
@pytest.mark.parametrize("name", ACTS)
async def test_an_act_is_announced_and_obligations_follow(hired: RunningService, name: str) -> None:
    act = ACTS[name]
    client = hired.client("coordinator", subject="COR", scope={"site": "NL1"})
    before = len(await hired.announced("matrix.person"))
    done = await client.post(await address(hired, act.path), json={**act.body, "reason": "as HR says"})
    assert done.status_code == 200, done.text
    assert said(done.json()[act.spells]) == act.stand
    await hired.settled()
    (event,) = (await hired.announced("matrix.person"))[before:]
    attest_contracts.validate_envelope(event)
    attest_contracts.validate_outgoing("matrix.person", event["data"])
    assert event["type"] == f"matrix.person-{act.event}.v2"
    assert said(event["data"]["state"][act.spells]) == act.stand
    assert (event["actor"], event["data"]["change"]["reason"]) == ("account/COR", "as HR says")
    assert await announced_spans(hired, "DEV") == sorted(act.owed)


@pytest.mark.parametrize("name", ACTS)
async def test_the_same_act_twice_acts_once(hired: RunningService, name: str) -> None:
    act = ACTS[name]
    client = hired.client("coordinator", subject="COR")
    before = len(await hired.announced("matrix.person"))
    path, body = await address(hired, act.path), {**act.body, "reason": "r"}
    first = await client.post(path, json=body, headers={"Idempotency-Key": "k1"})
    again = await client.post(path, json=body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, first.json()) == (200, 200, again.json())
    assert len(await hired.announced("matrix.person")) == before + 1


@pytest.mark.parametrize("name", ACTS)
async def test_out_of_scope_is_not_told_to_exist(hired: RunningService, name: str) -> None:
    act = ACTS[name]
    path = await address(hired, act.path)
    before = (await hired.client("auditor").get("/api/people/DEV")).json()
    other = hired.client("coordinator", subject="US", scope={"site": "US1"})
    answer = await other.post(path, json={**act.body, "reason": "r"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:attest:problem:not-found")
    supervisor = hired.client("supervisor", subject="SAM", scope={"site": "NL1"})
    assert (await supervisor.post(path, json={**act.body, "reason": "r"})).status_code == 403
    assert (await hired.client("auditor").get("/api/people/DEV")).json() == before


@pytest.mark.part("PL-08", "a bad field is named with its reason and nothing is written")
@pytest.mark.parametrize(
    ("path", "body", "field", "reason"),
    [
        ("leaves", {"kind": "parental", "from": "2026-05-01", "to": "2026-05-01"}, "to", "not-after-from"),
        ("leaves", {"kind": "", "from": "2026-05-01"}, "body.kind", "string_too_short"),
        ("leaves", {"kind": "parental", "from": "soon"}, "body.from", "date_from_datetime_parsing"),
        ("places", {"site": "XX1", "from": "2026-05-01"}, "site", "unknown-site"),
        ("places", {"site": "NL1", "area": "ZZ", "from": "2026-05-01"}, "area", "unknown-area"),
        ("places", {"site": "US1", "from": "2026-05-01", "ends": None}, "from", "overlaps"),
        ("places", {"site": "US1", "from": "2026-03-01"}, "ends", "unknown-spell"),
        ("functions", {"job_function": "XXX", "from": "2026-05-01"}, "job_function", "unknown-job-function"),
        ("overlays", {"overlay": "XXX", "from": "2026-05-01"}, "overlay", "unknown-overlay"),
        (
            "overlays",
            {"overlay": "TRN", "from": "2026-01-01", "to": "2026-02-01"},
            "from",
            "outside-employment",
        ),
        ("equipment", {"equipment": "NL1/XXX", "from": "2026-05-01"}, "equipment", "unknown-equipment"),
        (
            "equipment",
            {"equipment": "FILL-02", "from": "2026-05-01"},
            "body.equipment",
            "string_pattern_mismatch",
        ),
        ("shifts", {"shift": "E", "from": "2026-05-01"}, "shift", "unknown-shift"),
        ("shifts", {"shift": "N", "from": "2026-03-01"}, "from", "no-place"),
        ("spells/{function}/end", {"to": "2026-03-09"}, "to", "before-from"),
        ("end", {"ended_on": "2026-03-09"}, "ended_on", "before-from"),
    ],
)
async def test_a_bad_field_is_named_with_its_reason_and_nothing_is_written(
    hired: RunningService, path: str, body: Mapping[str, Any], field: str, reason: str
) -> None:
    client = hired.client("coordinator", subject="COR")
    before = (await client.get("/api/people/DEV")).json()
    answer = await client.post(await address(hired, path), json={**body, "reason": "r"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [(e["field"], e["reason"]) for e in answer.json()["errors"]] == [(field, reason)]
    assert (await client.get("/api/people/DEV")).json() == before


async def test_a_spell_that_nobody_has_is_not_found(hired: RunningService) -> None:
    client = hired.client("coordinator", subject="COR")
    body = {"to": "2026-05-01", "reason": "r"}
    for path in ("DEV/spells/00000000-0000-7000-8000-000000000000/end", "NOBODY/spells/x/end"):
        answer = await client.post(f"/api/people/{path}", json=body)
        assert answer.status_code == 404, answer.text


@pytest.mark.part("R-13", "a leave that ends otherwise than planned")
@pytest.mark.part("R-33", "a leave that ends otherwise than planned")
async def test_a_leave_that_ends_otherwise_than_planned(hired: RunningService) -> None:
    """Back early is a new fact; later than the next leave begins is refused; a leave that never was is gone."""
    client = hired.client("coordinator", subject="COR")
    for from_, to in (("2026-05-01", "2026-06-01"), ("2026-07-01", "2026-08-01")):
        body = {"kind": "parental", "from": from_, "to": to, "reason": "r"}
        assert (await client.post("/api/people/DEV/leaves", json=body)).status_code == 200
    first, second = (spell["id"] for spell in (await client.get("/api/people/DEV")).json()["leaves"])
    late = await client.post(f"/api/people/DEV/spells/{first}/end", json={"to": "2026-07-15", "reason": "r"})
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "to")
    assert late.json()["errors"][0]["reason"] == "overlaps"
    early = await client.post(f"/api/people/DEV/spells/{first}/end", json={"to": "2026-05-20", "reason": "r"})
    assert early.status_code == 200, early.text
    gone = await client.post(f"/api/people/DEV/spells/{second}/end", json={"to": "2026-07-01", "reason": "r"})
    assert [(s["from"], s["to"]) for s in gone.json()["leaves"]] == [("2026-05-01", "2026-05-20")]


@pytest.mark.part("R-15", "of two functions the one that ends is named")
async def test_of_two_functions_the_one_that_ends_is_named(hired: RunningService) -> None:
    client = hired.client("coordinator", subject="COR")
    beside = {"job_function": "QCA", "from": "2026-04-01", "ends": None, "reason": "r"}
    assert (await client.post("/api/people/DEV/functions", json=beside)).status_code == 200
    again = {"job_function": "OPR", "from": "2026-06-01", "reason": "r"}
    which = await client.post("/api/people/DEV/functions", json=again)
    assert (which.status_code, which.json()["errors"][0]["reason"]) == (422, "several-hold")
    first = (await client.get("/api/people/DEV")).json()["functions"][0]
    moved = await client.post("/api/people/DEV/functions", json={**again, "ends": first["id"]})
    assert said(moved.json()["functions"]) == [
        {"job_function": "OPR", "from": "2026-03-10", "to": "2026-06-01"},
        {"job_function": "QCA", "from": "2026-04-01", "to": None},
        {"job_function": "OPR", "from": "2026-06-01", "to": None},
    ]
    # What was over is not made longer by naming it.
    over = {"job_function": "QCA", "from": "2026-08-01", "ends": moved.json()["functions"][0]["id"]}
    answer = await client.post("/api/people/DEV/functions", json={**over, "reason": "r"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "ends")


@pytest.mark.part("R-16", "a planned move leaves a person at the present site until its day")
@pytest.mark.part("R-43", "a planned move leaves a person at the present site until its day")
async def test_a_planned_move_leaves_a_person_at_the_present_site_until_its_day(
    hired: RunningService,
) -> None:
    client = hired.client("coordinator", subject="COR", scope={"site": "NL1"})
    other = hired.client("coordinator", subject="US", scope={"site": "US1"})
    body = {"site": "US1", "from": "2026-05-01", "reason": "r"}
    assert (await client.post("/api/people/DEV/places", json=body)).status_code == 200
    (row,) = (await client.get("/api/people")).json()["items"]
    assert (row["site"], row["area"], row["shift"]) == ("NL1", "GA", "D")
    assert (await other.get("/api/people")).json()["items"] == []
    await hired.move_clock(datetime(2026, 5, 1, 12, tzinfo=UTC))
    assert (await client.get("/api/people")).json()["items"] == []
    (row,) = (await other.get("/api/people")).json()["items"]
    assert (row["site"], row["area"]) == ("US1", None)
