"""Blocks of an import on a plant that is at work: a roster that moves days, a matrix beside the one that stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attest_contracts
import pytest
from matrix_testing import HIRE, announced_spans, sign_matrix
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
AT_WORK = datetime(2026, 4, 1, 8, tzinfo=UTC)
Z = "2026-04-01T08:"
"""When the blocks are taken."""


async def block(service: RunningService, kind: str, *rows: dict[str, Any], batch: str = "B-1") -> Any:
    body = {"batch": batch, "file": kind, "sha256": "0" * 64, "accepted_by": ["COR", "EVA"], "rows": rows}
    answer = await service.client("coordinator", subject="COR").post(f"/internal/imports/{kind}", json=body)
    await service.settled()
    return answer


async def dev_works(service: RunningService) -> None:
    hired = await service.client("coordinator", subject="COR").post("/api/people", json=HIRE)
    assert hired.status_code == 201, hired.text
    await service.move_clock(AT_WORK)
    await service.settled()


async def rosters(service: RunningService) -> list[dict[str, Any]]:
    """Every announced state of a month, in the order of the announcements."""
    events = await service.announced("matrix.roster")
    for event in events:
        attest_contracts.validate_outgoing("matrix.roster", event["data"])
        assert event["subject"] == "/".join(event["data"]["state"][name] for name in ("person", "month"))
    return [event["data"]["state"] for event in events]


async def last_person(service: RunningService) -> dict[str, Any]:
    event = (await service.announced("matrix.person"))[-1]
    attest_contracts.validate_outgoing("matrix.person", event["data"])
    return event["data"]["state"]


def cell(item: str, methods: str = "R", interval: int | None = 12) -> dict[str, Any]:
    return {
        "level": "job_function",
        "source": "OPR",
        "document": item,
        "methods": list(methods),
        "interval_months": interval,
    }


@pytest.mark.part("R-70", "a roster says which days it moved")
@pytest.mark.part("C-20", "a roster says which days it moved")
async def test_a_roster_says_which_days_it_moved(service: RunningService) -> None:
    await dev_works(service)
    days = [
        {"employee_no": "DEV", "day": f"2026-04-{day:02}", "shift": s} for day, s in ((6, "D"), (7, None))
    ]
    assert (await block(service, "roster", *days)).status_code == 200
    [month] = await rosters(service)
    as_letter, off = month["days"]
    assert as_letter == {"date": "2026-04-06", "shift": "D"}
    assert (off["date"], off["shift"], off["moved_at"][:14]) == ("2026-04-07", None, Z)
    # Another letter from then on: what ends the first says nothing new of its days.
    change = {"shift": "N", "from": "2026-05-01", "reason": "swaps with a colleague"}
    answer = await service.client("coordinator", subject="COR").post("/api/people/DEV/shifts", json=change)
    assert answer.status_code == 200, answer.text
    state = await last_person(service)
    assert await rosters(service) == [month], "the letter concerns no rostered day"
    first, second = state["shifts"]
    assert first["told_at"] < Z < first["recorded_at"] == second["recorded_at"]
    assert "told_at" not in second


@pytest.mark.part("R-43", "obligations follow the zone of their site")
async def test_obligations_follow_the_zone_of_their_site(service: RunningService) -> None:
    await dev_works(service)
    assert [(span[4]) for span in await announced_spans(service, "DEV")] == ["2026-03-09T23:00:00Z"]
    unit = {"kind": "site", "code": "NL1", "title": "Leiden", "time_zone": "Europe/Lisbon"}
    unit |= {"reason": "the zone was wrong", "revision": 1}
    answer = await service.client("coordinator", subject="COR").post("/api/organisation/units", json=unit)
    assert answer.status_code == 200, answer.text
    await service.settled()
    assert [(span[4]) for span in await announced_spans(service, "DEV")] == ["2026-03-10T00:00:00Z"]


@pytest.mark.part("R-35", "once a matrix stands what is imported holds from then on")
@pytest.mark.part("PL-29", "once a matrix stands what is imported holds from then on")
@pytest.mark.part("MX-08", "once a matrix stands what is imported holds from then on")
async def test_once_a_matrix_stands_what_is_imported_holds_from_then_on(service: RunningService) -> None:
    await dev_works(service)
    taken = await block(service, "matrix", cell("SOP-222"), cell("SOP-101"))
    assert taken.status_code == 200, taken.text
    signed, imported = await announced_spans(service, "DEV")
    assert signed[:4] == ("SOP-101", "NL1", "OPR", "NEW_HIRE"), "it stands as it was signed"
    assert imported[:4] == ("SOP-222", "NL1", "OPR", "MATRIX_CHANGE")
    assert imported[4].startswith(Z), "known from now on, valid from now on"


@pytest.mark.part("R-35", "an import changes no rule that was signed")
@pytest.mark.part("C-30", "an import changes no rule that was signed")
async def test_an_import_changes_no_rule_that_was_signed(service: RunningService) -> None:
    await dev_works(service)
    before = await announced_spans(service, "DEV")
    refused = await block(service, "matrix", cell("SOP-222"), cell("SOP-101", "RQ"))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:attest:problem:conflicts-with-matrix")
    assert "SOP-101 is ruled by version 1" in refused.json()["detail"]
    assert await announced_spans(service, "DEV") == before, "nothing of the block was taken"


@pytest.mark.part("C-34", "a later import answers a question of an earlier one")
async def test_a_later_import_answers_a_question_of_an_earlier_one(service: RunningService) -> None:
    await dev_works(service)
    asked = {"level": "job_function", "source": "OPR", "item": "SOP-222", "value": "ask QA", "line": "S!C7"}
    assert (await block(service, "questions", asked)).status_code == 200
    assert (await block(service, "matrix", cell("SOP-222"), batch="B-2")).status_code == 200
    (question,) = (await service.client("auditor").get("/api/requirements/SOP-222")).json()["unresolved"]
    assert question["answered_from"].startswith(Z)


@pytest.mark.req("R-35")
@pytest.mark.part("PL-29", "the first matrix is the baseline all of its blocks and no other batch")
async def test_the_first_matrix_is_the_baseline_all_of_its_blocks_and_no_other_batch(
    day_one: RunningService,
) -> None:
    await dev_works(day_one)
    for item, batch in (("SOP-101", "B-1"), ("SOP-222", "B-1")):
        assert (await block(day_one, "matrix", cell(item), batch=batch)).status_code == 200
    owed = await announced_spans(day_one, "DEV")
    assert [(o[0], o[4]) for o in owed] == [(i, "2026-03-09T23:00:00Z") for i in ("SOP-101", "SOP-222")]
    other = cell("SOP-222") | {"level": "overlay", "source": "TRN"}
    assert (await block(day_one, "matrix", other, batch="B-2")).status_code == 200
    spell = {"overlay": "TRN", "from": "2026-03-10", "reason": "trains others"}
    answer = await day_one.client("coordinator", subject="COR").post("/api/people/DEV/overlays", json=spell)
    assert answer.status_code == 200, answer.text
    await day_one.settled()
    (later,) = [o for o in await announced_spans(day_one, "DEV") if o[2] == "TRN"]
    assert later[4].startswith(Z)
    again = await sign_matrix(
        day_one, [{"source_kind": "job_function", "source": "OPR", "item": "SOP-101", "methods": ["O"]}]
    )
    assert again["number"] == 3
