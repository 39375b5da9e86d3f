"""Reading and signing: SR-01, SR-04, SR-05, SR-13, SR-18, R-17, R-52, R-63."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from records_svc.main import SPEC
from records_testing import (
    ADMIN,
    ANA,
    BEN,
    CHI,
    EN,
    FAY,
    GIL,
    KNOWN,
    NL,
    START,
    V2,
    V3,
    V4,
    Records,
    assignment,
    bad_fields,
    caller,
    document,
    effective,
    person,
    problem,
    version,
)
from servicekit.bus import configure
from servicekit.problems import Problem


@pytest.mark.req("SR-01")
@pytest.mark.part("SR-13", "reading and signing gives a record that holds everything")
@pytest.mark.part("R-17", "reading and signing gives a record that holds everything")
async def test_reading_and_signing_gives_a_record_that_holds_everything(records: Records):
    todo = await records.get(ANA, "/api/reading", assignment=assignment("ANA")["assignment"])
    assert (todo["document"], todo["version"], todo["title"]) == ("SOP-101", 4, "Aseptic filling on line 1")
    assert todo["content"] == {"sha256": EN, "size": 48213, "media_type": "text/markdown", "language": "en"}
    assert [(s["id"], s["first_opened_at"]) for s in todo["sections"]] == [("s1", None), ("s2", None)]
    assert (todo["may_sign"], todo["minutes"], todo["due_at"]) == (False, 25, "2027-03-15T06:00:00+01:00")

    record = await records.read_and_sign(ANA)

    shown = await records.get(ANA, f"/api/records/{record}")
    for name, value in {
        "person": "ANA",
        "item": "SOP-101",
        "version": 4,
        "methods": ["R"],
        "result": "PASS",
        "place": "NL1",
        "time_zone": "Europe/Amsterdam",
        "source_class": "NATIVE",
        "assignment": assignment("ANA")["assignment"],
        "flags": [],
        "verified": True,
    }.items():
        assert shown[name] == value, name
    empty = {name for name, value in shown.items() if value is None or value == []} - {"flags"}
    assert (
        empty
        == set(shown["not_applicable"])
        == {"score", "performed_at", "evaluator", "late_entry", "source"}
    )
    assert shown["content"]["sha256"] == EN
    assert [s["id"] for s in shown["content"]["sections"]] == ["s1", "s2"]
    assert shown["completed_at"] == shown["valid_from"] == shown["signatures"][0]["signed_at"]
    assert shown["completed_at"].startswith("2027-03-12T22:30:")
    assert shown["completed_at"].endswith("+01:00")


@pytest.mark.req("R-69")
@pytest.mark.part("SR-04", "the signature is shown with name time zone and meaning")
async def test_the_signature_is_shown_with_name_time_zone_and_meaning(records: Records):
    record = await records.read_and_sign(ANA)
    [signature] = (await records.get(ANA, f"/api/records/{record}"))["signatures"]
    assert signature["printed_name"] == "Ana Tester"
    assert (signature["signer"], signature["time_zone"]) == ("ANA", "Europe/Amsterdam")
    assert signature["meaning"] == "read_and_understood"
    assert signature["meaning_text"] == "I have read every section of this version and understood it."
    assert signature["signed_at"].endswith("+01:00")
    assert signature["signed_at_utc"].endswith("Z")
    assert signature["matches"] is True


@pytest.mark.part("SR-13", "the event names people by id and carries the evidence")
async def test_the_event_names_people_by_id_and_carries_the_evidence(records: Records):
    record = await records.read_and_sign(ANA)
    [event] = records.events()
    assert event["type"] == "records.training-record-signed.v1"
    assert (event["subject"], event["partitionkey"]) == (record, "ANA")
    state = event["data"]["state"]
    assert state["record"] == record
    assert state["assignment"] == assignment("ANA")["assignment"]
    assert state["completed_at"] == state["valid_from"] == state["recorded_at"] == event["time"]
    [content] = state["content"]
    assert (content["sha256"], content["language"]) == (EN, "en")
    assert content["first_opened_at"] < content["last_opened_at"] < state["completed_at"]
    assert state["signatures"][0]["person"] == "ANA"
    assert "Tester" not in str(event)
    trail = records.sql("SELECT body FROM audit.entry WHERE entity = 'training_record'")
    assert len(trail) == 1


@pytest.mark.req("SR-05")
async def test_an_unopened_section_is_named_and_refuses_the_signature(records: Records):
    answer = await records.prepare(ANA, "SOP-101/4")
    assert problem(answer) == (422, "unopened-sections")
    assert [(e["field"], e["message"]) for e in answer.json()["errors"]] == [
        ("sections.s1", "Purpose"),
        ("sections.s2", "Interventions in grade A"),
    ]
    await records.opened(ANA, "s2")
    assert bad_fields(await records.prepare(ANA, "SOP-101/4")) == ["sections.s1"]
    # The control: with every section opened the same request is answered.
    await records.opened(ANA, "s1")
    assert (await records.prepare(ANA, "SOP-101/4")).status_code == 200


@pytest.mark.req("SR-05")
async def test_the_sign_step_itself_refuses_what_was_not_opened(records: Records):
    await records.opened(ANA, "s1")
    assert problem(await records.confirm(ANA, "SOP-101/4", "0" * 64)) == (422, "unopened-sections")
    assert (
        records.sql("SELECT 1 FROM app.training_record") == records.sql("SELECT 1 FROM sign.signature") == []
    )


@pytest.mark.part("SR-05", "a section keeps its first and last opening")
async def test_a_section_keeps_its_first_and_last_opening(records: Records):
    first = await records.opened(ANA, "s1")
    again = await records.opened(ANA, "s1")
    assert first["first_opened_at"] == first["last_opened_at"] == again["first_opened_at"]
    assert again["last_opened_at"] > first["last_opened_at"]
    answer = await records.call(ANA, "POST", "/api/reading/SOP-101/4/sections/s9/opened")
    assert problem(answer) == (404, "not-found")


@pytest.mark.part("SR-05", "a second record needs a second reading")
async def test_a_second_record_needs_a_second_reading(records: Records):
    await records.read_and_sign(ANA)
    assert bad_fields(await records.prepare(ANA, "SOP-101/4")) == ["sections.s1", "sections.s2"]
    await records.read_and_sign(ANA)
    assert len((await records.get(ANA, "/api/records"))["items"]) == 2


@pytest.mark.part("SR-05", "what another opened does not count")
async def test_what_another_opened_does_not_count(records: Records):
    for section in ("s1", "s2"):
        await records.opened(CHI, section)
    assert problem(await records.prepare(ANA, "SOP-101/4")) == (422, "unopened-sections")


@pytest.mark.part("SR-18", "the record states the language that was shown")
async def test_the_record_states_the_language_that_was_shown(records: Records):
    todo = await records.get(BEN, "/api/reading", document="SOP-101", version=4)
    assert (todo["content"]["language"], todo["in_own_language"]) == ("nl", True)
    shown = await records.get(BEN, f"/api/records/{await records.read_and_sign(BEN)}")
    assert (shown["content"]["language"], shown["content"]["sha256"]) == ("nl", NL)


@pytest.mark.part("SR-18", "a language without a file is told and languages do not mix")
async def test_a_language_without_a_file_is_told_and_languages_do_not_mix(records: Records):
    await records.fold("matrix.person", person("BEN", language="pl"))
    todo = await records.get(BEN, "/api/reading", document="SOP-101", version=4)
    assert (todo["content"]["language"], todo["in_own_language"], todo["languages"]) == (
        "en",
        False,
        ["en", "nl"],
    )
    await records.opened(BEN, "s1", language="en")
    await records.opened(BEN, "s2", language="nl")
    for language in ("en", "nl"):
        assert len(bad_fields(await records.prepare(BEN, "SOP-101/4", language=language))) == 1


@pytest.mark.req("R-63")
async def test_who_has_left_is_refused_and_who_is_on_leave_signs(records: Records):
    await records.read_and_sign(CHI)
    for section in ("s1", "s2"):
        await records.opened(FAY, section)
    # The control: on her last evening FAY could sign.
    assert (await records.prepare(FAY, "SOP-101/4")).status_code == 200
    records.clock(datetime(2027, 3, 19, 23, 0, 1, tzinfo=UTC))
    assert problem(await records.prepare(FAY, "SOP-101/4")) == (409, "separated")
    opening = await records.call(FAY, "POST", "/api/reading/SOP-101/4/sections/s1/opened")
    assert problem(opening) == (409, "separated")


@pytest.mark.req("R-63")
async def test_reading_without_an_open_assignment_is_voluntary(records: Records):
    closed = assignment("ANA") | {
        "state": "CLOSED",
        "closing_reason": "WITHDRAWN",
        "closed_at": "2027-03-12T10:00:00Z",
        "due_at": None,
    }
    await records.fold("assignment.assignment", closed)
    shown = await records.get(ANA, f"/api/records/{await records.read_and_sign(ANA)}")
    assert shown["assignment"] is None
    assert shown["not_applicable"]["assignment"].startswith("voluntary")
    # The governing version as well as the one to come.
    assert await records.read_and_sign(GIL, 3)


@pytest.mark.part("R-63", "what is not to be read cannot be signed")
@pytest.mark.part("SR-05", "what is not to be read cannot be signed")
@pytest.mark.parametrize(
    ("number", "versions", "code"),
    [
        (5, None, "not-approved"),
        (2, None, "superseded"),
        (4, [V3, V4 | {"state": "WITHDRAWN", "withdrawn_at": KNOWN}], "not-standing"),
        (4, [V3, V4 | {"approved_at": "2027-03-13T10:00:00Z"}], "not-approved"),
        (4, [V3, V4 | {"ends": [{"place": "NL1", "on": "2027-03-12"}]}], "not-standing"),
        (3, [V3 | {"content": []}], "no-content"),
        (3, [V3 | {"sections": []}], "no-content"),
    ],
)
async def test_what_is_not_to_be_read_cannot_be_signed(
    records: Records, number: int, versions: list[dict[str, Any]] | None, code: str
):
    if versions:
        await records.fold("qms.document", document(*versions))
    assert problem(await records.prepare(ANA, f"SOP-101/{number}")) == (409, code)
    looked = await records.call(ANA, "GET", "/api/reading", params={"document": "SOP-101", "version": number})
    assert problem(looked) == (409, code)
    opened = await records.call(ANA, "POST", f"/api/reading/SOP-101/{number}/sections/s1/opened")
    assert problem(opened) == (409, code)


@pytest.mark.part("R-03", "a version is superseded place by place")
@pytest.mark.part("R-63", "a version is superseded place by place")
async def test_a_version_is_superseded_place_by_place(records: Records):
    records.clock(datetime(2027, 3, 17, 12, tzinfo=UTC))
    assert problem(await records.prepare(ANA, "SOP-101/3")) == (409, "superseded")
    assert problem(await records.prepare(GIL, "SOP-101/3")) == (422, "unopened-sections")
    # An assignment to it, of a move to a place where it still governs, makes it readable.
    await records.fold("assignment.assignment", assignment("ANA", 3) | {"place": "US1"})
    assert problem(await records.prepare(ANA, "SOP-101/3")) == (422, "unopened-sections")


@pytest.mark.part("R-66", "a retired document is not read there")
async def test_a_retired_document_is_not_read_there(records: Records):
    retired = document(retired=[{"place": "NL1", "on": "2027-03-12"}])
    await records.fold("qms.document", retired)
    assert problem(await records.prepare(BEN, "SOP-101/3")) == (409, "retired")
    assert problem(await records.prepare(GIL, "SOP-101/3")) == (422, "unopened-sections")


@pytest.mark.part("R-17", "finished on the 14th and signed on the 20th counts from the 20th")
async def test_finished_on_the_14th_and_signed_on_the_20th_counts_from_the_20th(records: Records):
    records.clock(datetime(2027, 3, 14, 9, tzinfo=UTC))
    for section in ("s1", "s2"):
        await records.opened(ANA, section)
    records.clock(datetime(2027, 3, 20, 9, tzinfo=UTC))
    await records.signed(ANA, "SOP-101/4")
    [event] = records.events()
    state = event["data"]["state"]
    assert state["valid_from"].startswith("2027-03-20T09:00")
    assert state["content"][0]["last_opened_at"].startswith("2027-03-14T09:00")


@pytest.mark.req("SR-02")
@pytest.mark.part("R-52", "a new name and new versions leave old records as they were")
async def test_a_new_name_and_new_versions_leave_old_records_as_they_were(records: Records):
    record = await records.read_and_sign(ANA)
    before = await records.get(ANA, f"/api/records/{record}")
    records.names["ANA"] = "Ana Married"
    v5 = version(5, approved_at="2027-04-01T10:00:00Z", effective=[effective("*", "2027-04-02")])
    v6 = version(6, approved_at="2027-04-01T10:00:00Z", effective=[effective("*", "2027-05-02")])
    await records.fold("qms.document", document(V2, V3, V4, v5, v6))
    records.clock(datetime(2027, 4, 3, tzinfo=UTC))
    newer = await records.get(ANA, f"/api/records/{await records.read_and_sign(ANA, 5)}")
    assert newer["signatures"][0]["printed_name"] == "Ana Married"
    assert await records.get(ANA, f"/api/records/{record}") == before
    listed = await records.get(ANA, "/api/records", item="SOP-101", version=4)
    assert [row["record"] for row in listed["items"]] == [record]


@pytest.mark.part("SR-04", "a record that differs from what was signed is shown as not verified")
@pytest.mark.part("R-50", "the signature binds the content that was signed")
async def test_a_record_that_is_not_what_was_signed_is_told(records: Records):
    record = await records.read_and_sign(ANA)
    path = f"/api/records/{record}"
    assert (await records.get(ANA, path))["verified"] is True
    for change in (
        "number = 3",
        "language = 'nl'",
        f"content_sha256 = '{NL}'",
        "person = 'BEN'",
        "time_zone = 'UTC'",
        "sections = jsonb_set(sections, '{0,last_opened_at}', '\"2027-03-12T21:30:00.000001Z\"')",
        "completed_at = completed_at - interval '1 day', valid_from = valid_from - interval '1 day',"
        " recorded_at = recorded_at - interval '1 day'",
    ):
        [kept] = records.sql("SELECT * FROM app.training_record")
        records.tamper(f"UPDATE app.training_record SET {change}")
        shown = await records.call(caller("AUD", "auditor"), "GET", path)
        assert shown.status_code == 200, shown.text
        assert shown.json()["verified"] is not True, change
        records.tamper(
            "UPDATE app.training_record SET number = %s, language = %s, content_sha256 = %s, person = %s,"
            " time_zone = %s, sections = %s::jsonb, completed_at = %s, valid_from = %s, recorded_at = %s",
            [
                kept["number"],
                kept["language"],
                kept["content_sha256"],
                kept["person"],
                kept["time_zone"],
                json.dumps(kept["sections"]),
                kept["completed_at"],
                kept["valid_from"],
                kept["recorded_at"],
            ],
        )
        assert (await records.get(ANA, path))["verified"] is True


@pytest.mark.part("SR-04", "a signature copied to another record does not fit")
async def test_a_signature_copied_to_another_record_does_not_fit(records: Records):
    first, second = await records.read_and_sign(ANA), await records.read_and_sign(ANA)
    for record in (first, second):
        assert (await records.get(ANA, f"/api/records/{record}"))["verified"] is True
    records.tamper(
        "UPDATE app.training_record t SET signature = o.signature, completed_at = o.completed_at,"
        " valid_from = o.valid_from, recorded_at = o.recorded_at FROM app.training_record o"
        " WHERE t.record = %s AND o.record = %s",
        [second, first],
    )
    assert (await records.get(ANA, f"/api/records/{first}"))["verified"] is True
    assert (await records.get(ANA, f"/api/records/{second}"))["verified"] is False


@pytest.mark.part("SR-13", "a failure between evidence and event leaves neither")
async def test_a_failure_between_evidence_and_event_leaves_neither(records: Records):
    for section in ("s1", "s2"):
        await records.opened(ANA, section)

    def fail(topic: str, data: Any) -> None:
        raise Problem(500, "broken", "The last step fails")

    configure(SPEC.topics, validate=fail)
    shown = (await records.prepare(ANA, "SOP-101/4")).json()
    assert (await records.confirm(ANA, "SOP-101/4", shown["digest"])).status_code == 500
    for table in ("app.training_record", "sign.signature", "bus.outbox"):
        assert records.sql(f"SELECT 1 FROM {table}") == []
    configure(SPEC.topics, validate=SPEC.validate)
    assert (await records.confirm(ANA, "SOP-101/4", shown["digest"])).status_code == 200
    for table in ("app.training_record", "sign.signature", "bus.outbox"):
        assert len(records.sql(f"SELECT 1 FROM {table}")) == 1


@pytest.mark.part("SR-04", "one intent gives one signature and one reading one record")
async def test_one_intent_gives_one_signature_and_one_reading_one_record(records: Records):
    for section in ("s1", "s2"):
        await records.opened(ANA, section)
    shown = (await records.prepare(ANA, "SOP-101/4")).json()
    answers = await asyncio.gather(
        *(records.confirm(ANA, "SOP-101/4", shown["digest"], intent="i-1") for _ in range(3)),
        records.confirm(ANA, "SOP-101/4", shown["digest"], intent="i-2"),
    )
    assert sorted(answer.status_code for answer in answers) in ([200, 200, 200, 422], [200, 422, 422, 422])
    assert len(records.sql("SELECT 1 FROM app.training_record")) == 1


@pytest.mark.part("SR-04", "nobody signs for another or with another digest")
@pytest.mark.part("SR-23", "nobody signs the training of another")
async def test_nobody_signs_for_another_or_with_another_digest(records: Records):
    for section in ("s1", "s2"):
        await records.opened(ANA, section)
    shown = (await records.prepare(ANA, "SOP-101/4")).json()
    wrong = await records.confirm(ANA, "SOP-101/4", shown["digest"], signer="BEN")
    assert problem(wrong) == (403, "not-the-signer")
    assert problem(await records.confirm(ANA, "SOP-101/4", "0" * 64)) == (409, "stale")
    assert problem(await records.confirm(BEN, "SOP-101/4", shown["digest"])) == (422, "unopened-sections")
    await records.opened(ANA, "s1")
    assert problem(await records.confirm(ANA, "SOP-101/4", shown["digest"])) == (409, "stale")
    assert problem(await records.prepare(ADMIN, "SOP-101/4"))[0] == 403


@pytest.mark.part("SR-05", "bad requests name the field")
async def test_bad_requests_name_the_field(records: Records):
    assert bad_fields(await records.prepare(ANA, "SOP-101")) == ["key"]
    assert bad_fields(await records.prepare(ANA, "SOP-101/4", meaning="approve")) == ["meaning"]
    assert bad_fields(await records.prepare(ANA, "SOP-101/4", other=1)) == ["inputs"]
    assert bad_fields(await records.call(ANA, "GET", "/api/reading")) == ["assignment"]
    assert problem(await records.prepare(ANA, "SOP-999/1")) == (404, "not-found")
    assert problem(await records.prepare(ANA, "SOP-101/9")) == (404, "not-found")
    others = await records.call(
        BEN, "GET", "/api/reading", params={"assignment": assignment("ANA")["assignment"]}
    )
    assert problem(others) == (404, "not-found")


@pytest.mark.part("C-09", "a zone that is not known is never guessed")
async def test_a_zone_that_is_not_known_is_never_guessed(bare: Records):
    bare.clock(START)
    await bare.fold("matrix.person", person("ANA"))
    await bare.fold("qms.document", document())
    assert problem(await bare.prepare(ANA, "SOP-101/4")) == (409, "zone-unknown")
    assert problem(await bare.prepare(GIL, "SOP-101/4")) == (409, "person-unknown")
