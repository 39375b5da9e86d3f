"""Records are kept, listed in scope, marked in error, and looked at under log: SR-02, SR-03, R-34, PL-08, PL-10."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from records_testing import (
    ADMIN,
    ANA,
    AUD,
    BEN,
    COR,
    EVA,
    FAY,
    GIL,
    QUE,
    SAM,
    Records,
    bad_fields,
    caller,
    problem,
)


@pytest.mark.part("SR-03", "no request changes or deletes a record")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_no_request_changes_or_deletes_a_record(records: Records, method: str):
    record = await records.read_and_sign(ANA)
    answer = await records.call(EVA, method, f"/api/records/{record}", json={})
    assert problem(answer) == (405, "method-not-allowed")


@pytest.mark.req("R-34")
@pytest.mark.part("SR-03", "a record made in error is marked by two people and stays")
async def test_a_record_made_in_error_is_marked_by_two_people_and_stays(records: Records):
    record = await records.read_and_sign(ANA)
    path = f"/api/records/{record}"
    before = await records.get(ANA, path)
    await records.post(COR, f"{path}/entered-in-error", {"reason": "read under another's login"})
    waiting = await records.get(EVA, "/api/records", mark="proposed")
    assert [row["record"] for row in waiting["items"]] == [record]
    proposed = await records.get(EVA, path)
    assert proposed["flags"] == []
    assert proposed["corrections"]["proposed"]["proposed_by"] == "COR"

    await records.signed(EVA, record, "record_error")

    after = await records.get(EVA, path)
    assert after["flags"] == ["IN_ERROR"]
    mark = after["corrections"]["entered_in_error"]
    assert (mark["reason"], mark["proposed_by"], mark["marked_by"]) == (
        "read under another's login",
        "COR",
        "EVA",
    )
    assert mark["marked_at"].startswith("2027-03-12T22:30")
    assert [s["meaning"] for s in after["signatures"]] == ["read_and_understood", "mark_in_error"]
    assert after["verified"] is True
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"flags", "signatures", "corrections"}
    assert (await records.get(EVA, "/api/records", mark="proposed"))["items"] == []

    signed, marked = records.events()
    assert marked["type"] == "records.training-record-marked-in-error.v1"
    assert (signed["sequence"], marked["sequence"]) == (1, 2)
    error = marked["data"]["state"]["entered_in_error"]
    assert (error["by"], error["reason"], error["at"]) == ("EVA", mark["reason"], marked["time"])


@pytest.mark.part("SR-03", "the next record names the one that it corrects")
async def test_the_next_record_names_the_one_that_it_corrects(records: Records):
    wrong = await records.read_and_sign(ANA)
    await records.post(COR, f"/api/records/{wrong}/entered-in-error")
    await records.signed(EVA, wrong, "record_error")
    right = await records.read_and_sign(ANA)
    assert (await records.get(ANA, f"/api/records/{right}"))["corrections"]["corrects"] == wrong
    assert (await records.get(ANA, f"/api/records/{wrong}"))["corrections"]["corrected_by"] == [right]
    third = await records.read_and_sign(ANA)
    assert (await records.get(ANA, f"/api/records/{third}"))["corrections"]["corrects"] is None
    # The standing records of the version are the two later ones.
    todo = await records.get(ANA, "/api/reading", document="SOP-101", version=4)
    assert todo["signed"] == [third, right]


@pytest.mark.part("SR-03", "the mark needs two others than the trainee")
async def test_the_mark_needs_two_others_than_the_trainee(records: Records):
    record = await records.read_and_sign(ANA)
    path = f"/api/records/{record}/entered-in-error"
    own = caller("ANA", "qa_approver")
    assert problem(await records.prepare(EVA, record, "record_error")) == (409, "not-proposed")
    assert problem(await records.call(own, "POST", path, json={"reason": "x"})) == (403, "own-error")
    await records.post(EVA, path)
    assert problem(await records.call(QUE, "POST", path, json={"reason": "x"})) == (409, "proposed")
    assert problem(await records.prepare(EVA, record, "record_error")) == (403, "second-person")
    assert problem(await records.prepare(own, record, "record_error")) == (403, "own-error")
    assert problem(await records.prepare(COR, record, "record_error"))[0] == 403
    await records.signed(QUE, record, "record_error")
    assert problem(await records.call(EVA, "POST", path, json={"reason": "x"})) == (409, "in-error")
    assert problem(await records.prepare(QUE, record, "record_error")) == (409, "not-proposed")


@pytest.mark.part("SR-03", "a proposed mark can be turned down")
async def test_a_proposed_mark_can_be_turned_down(records: Records):
    record = await records.read_and_sign(ANA)
    path = f"/api/records/{record}/entered-in-error"
    await records.post(COR, path)
    shown = await records.post(EVA, f"{path}/refuse", {"reason": "it was her"})
    assert shown["corrections"]["proposed"] is None
    assert problem(await records.prepare(EVA, record, "record_error")) == (409, "not-proposed")
    await records.post(COR, path)
    assert (await records.prepare(EVA, record, "record_error")).status_code == 200


@pytest.mark.part("PL-08", "a command without a reason is refused")
async def test_a_command_without_a_reason_is_refused(records: Records):
    record = await records.read_and_sign(ANA)
    for body in ({}, {"reason": ""}, {"reason": "  "}):
        answer = await records.call(EVA, "POST", f"/api/records/{record}/entered-in-error", json=body)
        assert bad_fields(answer) == ["body.reason"]


@pytest.mark.part("PL-10", "a look at anothers record is logged")
async def test_a_look_at_anothers_record_is_logged(records: Records):
    record = await records.read_and_sign(ANA)
    path = f"/api/records/{record}"
    await records.get(ANA, path)
    none = await records.get(EVA, f"{path}/access")
    assert (none["items"], none["next"]) == ([], None)
    assert none["complete_up_to"]
    await records.get(EVA, path, purpose="batch review 4711")
    await records.get(AUD, path)
    first = await records.get(EVA, f"{path}/access", limit=1)
    rest = await records.get(EVA, f"{path}/access", limit=1, cursor=first["next"])
    assert [(e["reader"], e["purpose"], e["rows"]) for e in first["items"] + rest["items"]] == [
        ("AUD", "opens the training record", 1),
        ("EVA", "batch review 4711", 1),
    ]
    assert rest["next"] is None
    trail = records.sql("SELECT actor FROM audit.entry WHERE entity = 'access_entry' ORDER BY id")
    assert [entry["actor"] for entry in trail] == ["account/eva", "account/aud"]


@pytest.mark.part("PL-06", "lists and single reads show what is in scope")
async def test_lists_and_single_reads_show_what_is_in_scope(records: Records):
    made = {who.subject: await records.read_and_sign(who) for who in (ANA, BEN)}
    made["GIL"] = await records.read_and_sign(GIL)
    for who, seen in (
        (ANA, {"ANA"}),
        (SAM, {"ANA", "BEN", "GIL"}),
        (AUD, {"ANA", "BEN", "GIL"}),
        (EVA, {"ANA", "BEN", "GIL"}),
        (caller("EVA", "qa_approver", site="US1"), {"GIL"}),
        (caller("TRA", "trainer", site="NL1", area="GA"), {"BEN"}),
        (caller("ZOE", "supervisor"), set()),
    ):
        listed = await records.get(who, "/api/records")
        assert {row["person"] for row in listed["items"]} == seen, who
        for person, record in made.items():
            answer = await records.call(who, "GET", f"/api/records/{record}")
            assert answer.status_code == (200 if person in seen else 404), (who, person)
    assert (await records.call(ADMIN, "GET", "/api/records")).status_code == 403


@pytest.mark.part("SR-02", "lists are paged by key and filtered")
async def test_lists_are_paged_by_key_and_filtered(records: Records):
    made = [await records.read_and_sign(who, number) for who in (ANA, BEN) for number in (3, 4)]
    first = await records.get(EVA, "/api/records", limit=3)
    rest = await records.get(EVA, "/api/records", limit=3, cursor=first["next"])
    assert [row["record"] for row in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert first["complete_up_to"]
    by_version = await records.get(EVA, "/api/records", item="SOP-101", version=3, person="BEN")
    assert [row["record"] for row in by_version["items"]] == [made[2]]
    assert (await records.get(EVA, "/api/records", source_class="MIGRATED"))["items"] == []
    for cursor in ("x", "WzEsMl0"):
        answer = await records.call(EVA, "GET", "/api/records", params={"cursor": cursor})
        assert bad_fields(answer) == ["cursor"]


@pytest.mark.req("RP-15")
async def test_the_records_of_a_version_include_those_of_leavers(records: Records):
    stay, left = await records.read_and_sign(ANA, 3), await records.read_and_sign(FAY, 3)
    await records.read_and_sign(BEN, 4)
    records.clock(datetime(2027, 6, 1, tzinfo=UTC))
    listed = await records.get(EVA, "/api/records", item="SOP-101", version=3)
    assert {(row["record"], row["person"]) for row in listed["items"]} == {(stay, "ANA"), (left, "FAY")}
    for row in listed["items"]:
        shown = await records.get(EVA, f"/api/records/{row['record']}")
        assert row["completed_at"] == shown["completed_at"]
        assert shown["signatures"][0]["signed_at"] == shown["completed_at"]


@pytest.mark.part("SR-03", "an unknown record is not found")
async def test_an_unknown_record_is_not_found(records: Records):
    unknown = "019ce66c-8e80-7a14-8a23-49a39ffdcf05"
    assert problem(await records.call(EVA, "GET", f"/api/records/{unknown}")) == (404, "not-found")
    assert problem(await records.prepare(EVA, "no-uuid", "record_error")) == (404, "not-found")
    assert problem(await records.prepare(EVA, "no-uuid", "late_entry")) == (404, "not-found")
