"""Paper records entered late: R-18, SR-15."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from records_testing import (
    ANA,
    AUD,
    BEN,
    COR,
    EVA,
    GIL,
    PDF,
    QUE,
    SAM,
    Records,
    bad_fields,
    caller,
    person,
    problem,
)

SHA = hashlib.sha256(PDF).hexdigest()


async def proposed(records: Records, **fields: Any) -> str:
    answer = await records.propose(SAM, **fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["late_entry"]


@pytest.mark.req("SR-15")
@pytest.mark.part("R-18", "a late entry becomes a record by a second person")
async def test_a_late_entry_becomes_a_record_by_a_second_person(records: Records):
    answer = await records.propose(SAM)
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert (entry["state"], entry["proposed_by"], entry["record"]) == ("PROPOSED", "SAM", None)
    assert (entry["scan_sha256"], entry["scan_media_type"], entry["scan_size"]) == (
        SHA,
        "application/pdf",
        len(PDF),
    )
    assert (entry["ink_signed_at"], entry["place"]) == ("2027-03-10T13:50:00+01:00", "NL1")
    assert records.events() == []
    assert (await records.get(EVA, "/api/records"))["items"] == []

    signature = await records.signed(EVA, entry["late_entry"], "late_entry")
    assert signature["meaning"] == "verify"

    done = await records.get(EVA, f"/api/records/late-entries/{entry['late_entry']}")
    assert done["state"] == "VERIFIED"
    shown = await records.get(EVA, f"/api/records/{done['record']}")
    assert (shown["source_class"], shown["flags"]) == ("LATE_ENTRY", ["LATE_ENTRY"])
    assert shown["completed_at"] == shown["valid_from"] == "2027-03-10T13:50:00+01:00"
    # Known from its entry, two days later: never shown as contemporaneous.
    assert shown["recorded_at"].startswith("2027-03-12T22:30")
    assert shown["late_entry"] == {
        "late_entry": entry["late_entry"],
        "ink_signed_at": "2027-03-10T13:50:00+01:00",
        "scan_sha256": SHA,
        "scan_media_type": "application/pdf",
        "scan_size": len(PDF),
        "reason": "the terminal was down",
        "entered_by": "SAM",
        "second_person": "EVA",
    }
    assert shown["verified"] is True
    empty = {name for name, value in shown.items() if value is None or value == []}
    assert empty == set(shown["not_applicable"])


@pytest.mark.part("R-18", "the event is valid from the ink and known from the entry")
async def test_the_event_is_valid_from_the_ink_and_known_from_the_entry(records: Records):
    await records.signed(EVA, await proposed(records), "late_entry")
    [event] = records.events()
    state = event["data"]["state"]
    assert event["type"] == "records.training-record-late-entered.v1"
    assert state["source_class"] == "LATE_ENTRY"
    assert state["valid_from"] == state["completed_at"] == "2027-03-10T12:50:00.000000Z"
    assert state["recorded_at"] == event["time"] > "2027-03-12"
    assert state["late_entry"]["second_person"] == "EVA"
    assert [s["person"] for s in state["signatures"]] == ["EVA"]


@pytest.mark.req("SR-15")
async def test_the_second_person_is_another_and_not_the_trainee(records: Records):
    entry = await proposed(records)
    first = caller("SAM", "qa_approver")
    assert problem(await records.prepare(first, entry, "late_entry")) == (403, "second-person")
    trainee = caller("BEN", "qa_approver")
    assert problem(await records.prepare(trainee, entry, "late_entry")) == (403, "own-late-entry")
    assert problem(await records.prepare(ANA, entry, "late_entry"))[0] == 403
    # The sign step decides again, by the statement's own person.
    assert problem(await records.confirm(first, entry, "0" * 64, "late_entry")) == (403, "second-person")
    # The control: a third person may.
    assert (await records.prepare(EVA, entry, "late_entry")).status_code == 200


@pytest.mark.part("SR-15", "nobody enters a late record of their own")
async def test_nobody_enters_a_late_record_of_their_own(records: Records):
    answer = await records.propose(caller("BEN", "coordinator"))
    assert problem(answer) == (403, "own-late-entry")
    assert problem(await records.propose(BEN))[0] == 403


@pytest.mark.part("SR-15", "bad entries name the field")
@pytest.mark.part("PL-08", "bad entries name the field")
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": None}, "body.reason"),
        ({"reason": " "}, "body.reason"),
        ({"ink_signed_at": "2027-03-10T13:50:00"}, "body.ink_signed_at"),
        ({"ink_signed_at": "2027-03-13T13:50:00+01:00"}, "ink_signed_at"),
        ({"ink_signed_at": "2027-03-01T13:50:00+01:00"}, "ink_signed_at"),
        ({"methods": "X"}, "methods"),
        ({"methods": "Q"}, "score"),
        ({"methods": "R,O"}, "evaluator"),
        ({"methods": "O", "evaluator": "BEN"}, "evaluator"),
        ({"methods": "O", "evaluator": "ZOE"}, "evaluator"),
        ({"score": "101", "methods": "Q"}, "body.score"),
        ({"document": "SOP-999"}, "document"),
        ({"version": "9"}, "version"),
        ({"scan": b""}, "scan"),
        ({"scan": b"MZ an executable"}, "scan"),
        ({"corrects": "019ce66c-8e80-7a14-8a23-49a39ffdcf05"}, "corrects"),
    ],
)
async def test_bad_entries_name_the_field(records: Records, fields: dict[str, Any], field: str):
    assert bad_fields(await records.propose(SAM, **fields)) == [field]


@pytest.mark.req("SR-15")
async def test_a_scan_is_needed(records: Records):
    data = {"person": "BEN", "document": "SOP-101", "version": "4", "methods": "R", "reason": "x"}
    data["ink_signed_at"] = "2027-03-10T13:50:00+01:00"
    answer = await records.call(SAM, "POST", "/api/records/late-entries", data=data)
    assert bad_fields(answer) == ["body.scan"]


@pytest.mark.part("R-63", "ink of after the end of employment is refused")
async def test_ink_of_after_the_end_of_employment_is_refused(records: Records):
    await records.fold("matrix.person", person("BEN", ended_on="2027-03-10"))
    assert bad_fields(await records.propose(SAM)) == ["ink_signed_at"]
    assert (await records.propose(SAM, ink_signed_at="2027-03-09T13:50:00+01:00")).status_code == 201


@pytest.mark.part("SR-15", "a quiz and work on the job name score and evaluator")
async def test_a_quiz_and_work_on_the_job_name_score_and_evaluator(records: Records):
    entry = await proposed(records, methods="O,R,Q", score="92.50", evaluator="COR")
    await records.signed(EVA, entry, "late_entry")
    [row] = (await records.get(AUD, "/api/records"))["items"]
    assert (row["methods"], row["score"], row["evaluator"]) == (["R", "Q", "O"], "92.5", "COR")
    assert (await records.get(AUD, f"/api/records/{row['record']}"))["verified"] is True


@pytest.mark.part("SR-15", "an entry is decided once")
async def test_an_entry_is_decided_once(records: Records):
    refused, verified = await proposed(records), await proposed(records)
    await records.post(COR, f"/api/records/late-entries/{refused}/refuse", {"reason": "the scan shows v3"})
    await records.signed(EVA, verified, "late_entry")
    for entry in (refused, verified):
        assert problem(await records.prepare(QUE, entry, "late_entry")) == (409, "not-proposed")
        again = await records.call(
            COR, "POST", f"/api/records/late-entries/{entry}/refuse", json={"reason": "x"}
        )
        assert problem(again) == (409, "not-proposed")
    listed = (await records.get(EVA, "/api/records/late-entries"))["items"]
    assert [(e["late_entry"], e["state"]) for e in listed] == [(refused, "REFUSED"), (verified, "VERIFIED")]
    first = await records.get(EVA, "/api/records/late-entries", limit=1)
    second = await records.get(EVA, "/api/records/late-entries", limit=1, cursor=first["next"])
    assert ([e["late_entry"] for e in second["items"]], second["next"]) == ([verified], None)
    broken = await records.call(EVA, "GET", "/api/records/late-entries", params={"cursor": "WzFd"})
    assert bad_fields(broken) == ["cursor"]
    waiting = await records.get(EVA, "/api/records/late-entries", state="PROPOSED")
    assert waiting["items"] == []
    assert len(records.events()) == 1


@pytest.mark.part("SR-15", "the scan is served as it was entered")
@pytest.mark.part("PL-10", "the scan is served as it was entered")
async def test_the_scan_is_served_as_it_was_entered(records: Records):
    entry = await proposed(records)
    path = f"/api/records/late-entries/{entry}/scan"
    answer = await records.call(EVA, "GET", path)
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [row["reader"] for row in records.sql("SELECT reader FROM app.access_entry")] == ["EVA"]
    assert (await records.call(BEN, "GET", path)).status_code == 200
    assert problem(await records.call(GIL, "GET", path)) == (404, "not-found")


@pytest.mark.part("SR-04", "a late entry that changed after it was shown is not approved")
async def test_an_entry_that_was_changed_is_told(records: Records):
    await records.signed(EVA, await proposed(records), "late_entry")
    [row] = (await records.get(AUD, "/api/records"))["items"]
    path = f"/api/records/{row['record']}"
    assert (await records.get(AUD, path))["verified"] is True
    records.tamper("UPDATE app.late_entry SET scan_sha256 = repeat('0', 64)")
    assert (await records.get(AUD, path))["verified"] is False


@pytest.mark.part("SR-15", "a supervisor enters for the own team alone")
async def test_a_supervisor_enters_for_the_own_team_alone(records: Records):
    assert problem(await records.propose(SAM, person="EVA")) == (404, "not-found")
    us = caller("COR", "coordinator", site="US1")
    assert problem(await records.propose(us)) == (404, "not-found")
    assert (await records.propose(caller("COR", "coordinator", site="NL1"))).status_code == 201


@pytest.mark.part("SR-15", "the same command twice enters once")
async def test_the_same_command_twice_enters_once(records: Records):
    data = {
        "person": "BEN",
        "document": "SOP-101",
        "version": "4",
        "methods": "R",
        "ink_signed_at": "2027-03-10T13:50:00+01:00",
        "reason": "the terminal was down",
    }
    answers = [
        await records.call(
            SAM,
            "POST",
            "/api/records/late-entries",
            data=data,
            files={"scan": ("form.pdf", scan)},
            headers={"idempotency-key": "k-1"},
        )
        for scan in (PDF, PDF, PDF + b"other")
    ]
    assert [a.status_code for a in answers[:2]] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[2].status_code in (409, 422)
    assert len(records.sql("SELECT 1 FROM app.late_entry")) == 1
