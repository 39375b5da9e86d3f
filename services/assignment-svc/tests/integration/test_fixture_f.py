"""Fixture F through the service: every cell of the table, the assignments, the check, and what the workers owe it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import assignment_fixture_f as fixture_f
import attest_contracts
import pytest
from assignment_svc.db.base import LANES
from assignment_svc.handlers import ask
from assignment_svc.handlers.derive import derive_chunk
from assignment_svc.main import SPEC
from servicekit.context import Context
from servicekit.ids import new_id
from servicekit.lanes import Mark, mark
from servicekit.testing.harness import RunningService

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
nl, us = fixture_f.nl, fixture_f.us


async def play(service: RunningService) -> None:
    """Steps 1 to 4 as the other services announce them; the clock follows."""
    await fixture_f.import_fixture(service, time=datetime(2026, 3, 1, 8, tzinfo=UTC))
    await fixture_f.hire_dev(service, time=datetime(2026, 3, 1, 9, tzinfo=UTC))
    await service.settled()
    await service.move_clock(datetime(2026, 3, 2, 10, tzinfo=UTC))
    approved = datetime(2026, 3, 2, 10, tzinfo=UTC)
    await service.feed(
        "qms.document",
        "qms.document-version-approved.v1",
        "SOP-101",
        fixture_f.document(fixture_f.V3, fixture_f.V4),
        time=approved,
    )
    await service.settled()
    await sign(service, "DEV", 4, "2026-03-12T10:00:00+01:00")
    await sign(service, "ANA", 4, "2026-03-12T22:30:00+01:00")


async def sign(service: RunningService, person: str, version: int, at: str) -> None:
    moment = datetime.fromisoformat(at)
    await service.move_clock(moment)
    state = fixture_f.record(person, version, at)
    await service.feed(
        "records.training-record",
        "records.training-record-signed.v1",
        state["record"],
        state,
        key=person,
        time=moment,
    )
    await service.settled()


async def cell(service: RunningService, person: str, at: datetime) -> dict[str, Any]:
    client = service.client("auditor")
    answer = await client.get(
        "/api/qualification/cells", params={"person": person, "item": "SOP-101", "at": at.isoformat()}
    )
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["items"]
    return row


IN, Q, S, N, SUP, NT = "IN_WINDOW", "QUALIFIED", "SUSPENDED", "NOT_REQUIRED", "SUPERSEDED", "NEVER_TRAINED"
TABLE = [
    # at, ANA, BEN, CHI, DEV, FAY, GIL
    (nl("2026-03-02T10:59:59"), Q, Q, S, N, Q, Q),
    (nl("2026-03-02T11:00:00"), IN, IN, S, N, IN, IN),
    (nl("2026-03-09T23:59:59"), IN, IN, S, N, IN, IN),
    (nl("2026-03-10T00:00:00"), IN, IN, S, NT, IN, IN),
    (nl("2026-03-12T10:00:00"), IN, IN, S, NT, IN, IN),
    (nl("2026-03-12T22:29:59"), IN, IN, S, NT, IN, IN),
    (nl("2026-03-12T22:30:00"), Q, IN, S, NT, IN, IN),
    (nl("2026-03-15T23:59:59"), Q, IN, S, NT, IN, IN),
    (nl("2026-03-16T00:00:00"), Q, SUP, S, Q, SUP, IN),
    (nl("2026-03-19T23:59:59"), Q, SUP, S, Q, SUP, IN),
    (nl("2026-03-20T00:00:00"), Q, SUP, S, Q, N, IN),
    (us("2026-03-22T23:59:59"), Q, SUP, S, Q, N, IN),
    (us("2026-03-23T00:00:00"), Q, SUP, S, Q, N, SUP),
    (nl("2026-04-15T23:59:59"), Q, SUP, S, Q, N, SUP),
    (nl("2026-04-16T00:00:00"), Q, SUP, SUP, Q, N, SUP),
]
PEOPLE = ["ANA", "BEN", "CHI", "DEV", "FAY", "GIL"]


@pytest.mark.req("R-01", "R-02", "R-03", "AE-10", "QM-01")
@pytest.mark.part("R-05", "the governing version differs between two sites on one day")
@pytest.mark.part("R-13", "every cell of the fixture at its instant and one second before")
@pytest.mark.part("R-16", "every cell of the fixture at its instant and one second before")
@pytest.mark.part("AE-04", "every cell of the fixture at its instant and one second before")
async def test_every_cell_of_the_table_at_its_instant_and_one_second_before(service: RunningService) -> None:
    await play(service)
    found = []
    for at, *_ in TABLE:
        found.append((at, *[(await cell(service, person, at))["status"] for person in PEOPLE]))
    assert found == TABLE
    ana = await cell(service, "ANA", nl("2026-03-13T00:00:00"))
    assert (ana["governing_version"], ana["completed_version"]) == (3, 3)
    ana = await cell(service, "ANA", nl("2026-03-16T00:00:00"))
    assert (ana["governing_version"], ana["completed_version"]) == (4, 4)
    dev = await cell(service, "DEV", nl("2026-03-12T10:00:00"))
    assert dev["flags"] == ["PRETRAINED_NEXT"]


@pytest.mark.req("AE-04", "R-40")
@pytest.mark.part("AE-01", "a new hire has the full set open with its due dates")
@pytest.mark.part("R-06", "triggers, due dates and states of the assignments of the fixture")
async def test_assignments_triggers_dues_and_states(service: RunningService) -> None:
    await fixture_f.import_fixture(service, time=BEGIN)
    await fixture_f.hire_dev(service, time=BEGIN + timedelta(hours=1))
    await service.settled()
    await service.move_clock(datetime(2026, 3, 2, 10, tzinfo=UTC))
    await service.feed(
        "qms.document",
        "qms.document-version-approved.v1",
        "SOP-101",
        fixture_f.document(fixture_f.V3, fixture_f.V4),
        time=datetime(2026, 3, 2, 10, tzinfo=UTC),
    )
    await service.settled()
    client = service.client("auditor")
    items = (await client.get("/api/assignments")).json()["items"]
    found = {
        (a["person"], a["target_version"]): (
            a["trigger"],
            a["state"],
            a["due_at"] and datetime.fromisoformat(a["due_at"]),
        )
        for a in items
    }
    upcoming = {k: v for k, v in found.items() if k[0] == "DEV"}
    assert {k: v for k, v in found.items() if k[0] != "DEV"} == {
        ("ANA", 4): ("REVISION", "OPEN", nl("2026-03-15T06:00:00")),
        ("BEN", 4): ("REVISION", "OPEN", nl("2026-03-15T14:00:00")),
        ("CHI", 4): ("REVISION", "PAUSED", None),
        ("FAY", 4): ("REVISION", "OPEN", nl("2026-03-15T22:00:00")),
        ("GIL", 4): ("REVISION", "OPEN", us("2026-03-22T14:00:00")),
    }
    assert {k: (v[0], v[2]) for k, v in upcoming.items()} == {
        ("DEV", 3): ("NEW_HIRE", nl("2026-04-10T00:00:00")),
        ("DEV", 4): ("NEW_HIRE", nl("2026-03-15T14:00:00")),
    }
    assert all(a["change"] == "CC-7" for a in items if a["trigger"] == "REVISION")


@pytest.mark.part("AE-11", "the open assignments of a leaver close SEPARATED")
@pytest.mark.part("AE-16", "assignments close as time passes")
@pytest.mark.part("R-23", "an assignment of a leaver closes as separated and not as complete")
async def test_assignments_close_as_time_passes(service: RunningService) -> None:
    await play(service)
    await service.move_clock(nl("2026-04-16T00:00:01"))
    await service.settled()
    client = service.client("auditor")
    items = (await client.get("/api/assignments", params={"status": "CLOSED"})).json()["items"]
    found = {(a["person"], a["target_version"]): (a["closing_reason"], a["closing_detail"]) for a in items}
    assert len(found) == 4
    assert found["ANA", 4][0] == "COMPLETED"
    assert found["DEV", 4][0] == "COMPLETED"
    assert found["DEV", 3] == ("SUPERSEDED_BY", "4")
    assert found["FAY", 4][0] == "SEPARATED"
    chi = (await client.get("/api/assignments", params={"person": "CHI"})).json()["items"]
    assert [(a["state"], datetime.fromisoformat(a["due_at"])) for a in chi] == [
        ("OPEN", nl("2026-04-24T00:00:00"))
    ]


async def check(
    service: RunningService, person: str, at: datetime | None = None, **more: Any
) -> dict[str, Any]:
    body = {"person": person, "task": "RUN-FILL", "at": at and at.isoformat(), **more}
    answer = await service.client("qa_approver", subject="EVA").post("/api/authorizations/check", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.part("AE-01", "the check denies a task before the training of a new hire")
@pytest.mark.part("AE-19", "the check names the missing item and the missing spell")
@pytest.mark.part("PL-22", "the check names the missing item and the missing spell")
@pytest.mark.part("R-16", "the check names the missing item and the missing spell")
async def test_the_check_names_the_missing_item_and_the_missing_spell(service: RunningService) -> None:
    await play(service)
    await service.beat(datetime(2026, 3, 12, 22, tzinfo=UTC))
    await service.settled()
    dev = await check(service, "DEV", nl("2026-03-10T08:00:00"))
    assert dev["verdict"] == "DENY"
    assert [(r["item"], r["code"]) for r in dev["reasons"]] == [("SOP-101", "NEVER_TRAINED")]
    before = await check(service, "DEV", nl("2026-03-09T08:00:00"))
    assert "NO_ACTIVE_SPELL" in {r["code"] for r in before["reasons"]}
    ana = await check(service, "ANA", nl("2026-03-16T08:00:00"))
    assert (ana["verdict"], ana["reasons"]) == ("ALLOW", [])
    assert datetime.fromisoformat(ana["valid_until"]) == nl("2027-03-13T00:00:00")
    ben = await check(service, "BEN", nl("2026-03-14T08:00:00"))
    assert datetime.fromisoformat(ben["valid_until"]) == nl("2026-03-16T00:00:00")
    unknown: list[dict[str, Any]] = [{"person": "NOBODY"}, {"task": "UNKNOWN"}, {"asset": "NL1/NONE"}]
    for body in unknown:
        assert (await check(service, **{"person": "ANA", **body}))["verdict"] == "DENY"


@pytest.mark.part("R-60", "a store whose inputs are silent is stale and denies")
async def test_silent_inputs_are_stale_and_deny(service: RunningService) -> None:
    await play(service)
    at = nl("2026-03-12T23:00:00")
    await service.beat(datetime(2026, 3, 12, 21, 30, tzinfo=UTC))
    await service.settled()
    assert (await check(service, "ANA", at))["verdict"] == "ALLOW"
    await service.move_clock(at + timedelta(minutes=30))
    stale = await check(service, "ANA", at)
    assert stale["verdict"] == "DENY"
    assert {r["code"] for r in stale["reasons"]} == {"STORE_STALE"}
    assert {r["detail"] for r in stale["reasons"]} == set(SPEC.inbound)


async def revoked_while_held(service: RunningService) -> dict[str, Any]:
    """The check after a revocation that no worker has derived yet; before it the answer is ALLOW."""
    await fixture_f.import_fixture(service, time=BEGIN)
    await service.settled()
    await derive_all(service)
    await service.beat(BEGIN + timedelta(hours=1))
    await service.settled()
    at = nl("2026-03-01T12:00:00")
    assert (await check(service, "ANA", at))["verdict"] == "ALLOW"
    wrong: dict[str, Any] = fixture_f.record("ANA", 3, "2025-05-27T22:40:00+02:00") | {
        "entered_in_error": {"at": "2026-03-01T08:30:00Z", "reason": "another person's form", "by": "QUE"}
    }
    await service.feed(
        "records.training-record",
        "records.training-record-marked-in-error.v1",
        wrong["record"],
        wrong,
        key="ANA",
        time=BEGIN + timedelta(minutes=30),
    )
    # The workers are held: nobody calls `settled`.
    return await check(service, "ANA", at)


@pytest.mark.part("R-71", "a revocation denies at once, before any worker has derived the cell")
async def test_a_revocation_denies_at_once_while_the_workers_are_held(
    service: RunningService,
) -> None:
    assert (await revoked_while_held(service))["verdict"] == "DENY"


@pytest.mark.part("R-71", "control: without a look at the marks a revocation is not seen")
async def test_control_without_a_look_at_the_marks_a_revocation_is_not_seen(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = ask._FACTS.replace("WHERE lane = ANY", "WHERE false AND lane = ANY")
    assert blind != ask._FACTS
    monkeypatch.setattr(ask, "_FACTS", blind)
    assert (await revoked_while_held(service))["verdict"] == "ALLOW"


async def derive_all(service: RunningService) -> int:
    """Marks every cell and works until nothing is left, in this task."""
    from servicekit.lanes import Lanes

    context = Context("system/test", "derive everything again", new_id())
    async with service.database.transaction(context) as tx:
        await mark(tx, LANES, [Mark(person, "*") for person in [*PEOPLE]])
    return await Lanes(service.database, LANES).drain(derive_chunk)


@pytest.mark.part("R-54", "deriving every cell again changes nothing, whatever facts came before")
async def test_marking_is_complete(service: RunningService) -> None:
    """The test worth most: after any facts, deriving every cell again changes nothing."""
    await play(service)
    before = {
        t: len(await service.announced(t)) for t in ("assignment.assignment", "assignment.qualification")
    }
    await derive_all(service)
    after = {
        t: len(await service.announced(t)) for t in ("assignment.assignment", "assignment.qualification")
    }
    assert after == before
    assert min(before.values()) > 5


@pytest.mark.req("R-54", "AE-14")
@pytest.mark.parametrize("seed", range(3))
async def test_any_order_that_keeps_a_subjects_sequence_ends_in_the_same_tables(
    service: RunningService, seed: int
) -> None:
    events: list[tuple[str, str, str, dict[str, Any], str]] = []

    class Collector(RunningService):
        def __init__(self) -> None:
            """Collects instead of publishing."""

        async def feed(
            self, topic: str, type_: str, subject: str, state: Any, *, key: str | None = None, **_: Any
        ) -> str:
            events.append((topic, type_, subject, state, key or subject))
            return ""

    await fixture_f.import_fixture(Collector(), time=BEGIN)
    await fixture_f.hire_dev(Collector(), time=BEGIN)
    events.append(
        (
            "qms.document",
            "qms.document-version-approved.v1",
            "SOP-101",
            fixture_f.document(fixture_f.V3, fixture_f.V4),
            "SOP-101",
        )
    )
    moment = datetime(2026, 3, 2, 10, tzinfo=UTC)
    results = []
    for shuffled in (False, True):
        order = list(events)
        if shuffled:
            random.Random(seed).shuffle(order)
            # A subject's own events keep their order.
            for subject in {e[2] for e in events}:
                places = [i for i, e in enumerate(order) if e[2] == subject]
                for place, event in zip(places, [e for e in events if e[2] == subject], strict=True):
                    order[place] = event
        service.put_back("empty")
        service.clock(moment)
        for topic, type_, subject, state, key in order:
            await service.feed(topic, type_, subject, state, key=key, time=moment)
        await service.settled()
        async with service.database.read() as tx:
            cells = await tx.rows("SELECT person, item, place, digest FROM app.cell ORDER BY 1, 2, 3")
            open_ = await tx.rows(
                "SELECT assignment, trigger, target_version, due_at, body -> 'cause' AS cause FROM app.assignment"
                " WHERE state <> 'CLOSED' ORDER BY 1"
            )
        results.append(([tuple(r.values()) for r in cells], [tuple(r.values()) for r in open_]))
    assert results[0] == results[1]
    assert len(results[0][0]) == 6


async def test_everything_announced_fits_its_contract(service: RunningService) -> None:
    await play(service)
    for topic in ("assignment.assignment", "assignment.qualification"):
        for event in await service.announced(topic):
            attest_contracts.validate_envelope(event)
            attest_contracts.validate_outgoing(topic, event["data"])
    subjects = [e["subject"] for e in await service.announced("assignment.qualification")]
    sequences = [e["sequence"] for e in await service.announced("assignment.qualification")]
    for subject in set(subjects):
        mine = [n for s, n in zip(subjects, sequences, strict=True) if s == subject]
        assert mine == list(range(1, len(mine) + 1))


async def test_an_operator_sees_only_what_is_his(service: RunningService) -> None:
    await play(service)
    ana = service.client("operator", subject="ANA")
    items = (await ana.get("/api/qualification/cells")).json()["items"]
    assert {row["person"] for row in items} == {"ANA"}
    other = await ana.get("/api/qualification/cells", params={"person": "BEN", "item": "SOP-101"})
    assert (other.status_code, other.json()["items"]) == (200, [])
    assert (await ana.get("/api/assignments", params={"person": "BEN"})).json()["items"] == []


async def test_a_time_without_offset_is_refused(service: RunningService) -> None:
    answer = await service.client("auditor").get(
        "/api/qualification/cells", params={"at": "2026-03-16T00:00:00"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.at"


@pytest.mark.part("PL-29", "an open question of the matrix is a flag even where nothing requires the item")
@pytest.mark.part("R-35", "an open question of the matrix is a flag even where nothing requires the item")
async def test_an_open_question_of_the_matrix_is_a_flag_even_where_nothing_requires_the_item(
    service: RunningService,
) -> None:
    """C-34: a refused cell is never silently "not required"."""
    await play(service)
    other = {**fixture_f.document(fixture_f.V3), "document": "SOP-999"}
    await service.feed("qms.document", "qms.document-registered.v1", "SOP-999", other)
    state = {"person": "ANA", "item": "SOP-999", "unresolved": True, "spans": []}
    for unresolved, flags in ((True, ["MATRIX_UNRESOLVED"]), (False, [])):
        await service.feed(
            "matrix.obligation",
            "matrix.obligation-derived.v1",
            "ANA/SOP-999",
            {**state, "unresolved": unresolved},
            key="ANA",
        )
        await service.settled()
        asked = {"person": "ANA", "item": "SOP-999", "at": "2026-03-12T12:00:00+01:00"}
        answer = await service.client("auditor").get("/api/qualification/cells", params=asked)
        (row,) = answer.json()["items"]
        assert (row["place"], row["status"], row["flags"]) == ("NL1", "NOT_REQUIRED", flags)


@pytest.mark.part("PL-29", "an open question ends when it is answered")
@pytest.mark.part("C-34", "an open question ends when it is answered")
async def test_an_open_question_ends_when_it_is_answered(service: RunningService) -> None:
    await play(service)
    answered = "2026-03-12T09:00:00Z"
    span = {
        "place": "NL1",
        "source_kind": "job_function",
        "source": "OPR",
        "valid_from": "2025-01-01T00:00:00Z",
    }
    state = {
        **fixture_f.obligation("ANA"),
        "unresolved": True,
        "unresolved_spans": [{**span, "valid_to": answered}],
    }
    await service.feed("matrix.obligation", "matrix.obligation-changed.v1", "ANA/SOP-101", state, key="ANA")
    await service.settled()
    for at, flagged in (("2026-03-12T09:59:59+01:00", True), ("2026-03-12T10:00:00+01:00", False)):
        asked = {"person": "ANA", "item": "SOP-101", "at": at}
        answer = await service.client("auditor").get("/api/qualification/cells", params=asked)
        (row,) = answer.json()["items"]
        assert ("MATRIX_UNRESOLVED" in row["flags"]) is flagged
