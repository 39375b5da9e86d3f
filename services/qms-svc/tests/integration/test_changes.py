"""A change from draft to approval, through the API on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from qms_svc.main import SPEC
from qms_testing import CAM, EVA, QA2, QUE, START, Qms, draft_cc7, employed

CLASS = {
    "change_class": "minor",
    "training_decision": "read",
    "effective": [{"place": "*", "on": "2027-02-01"}],
}


@pytest.mark.part("QM-02", "versions, approval and events commit in one transaction")
@pytest.mark.part("QM-01", "versions, approval and events commit in one transaction")
@pytest.mark.part("R-01", "versions, approval and events commit in one transaction")
@pytest.mark.part("R-05", "an approved version has its effective day at each site")
async def test_an_approved_change_approves_its_versions_in_one_transaction(qms: Qms) -> None:
    drafted = await draft_cc7(qms)
    assert (drafted["version"], drafted["state"], drafted["approved_at"]) == (4, "DRAFT", None)
    signature = await qms.approve(EVA, "CC-7")
    change = (await qms.get(QUE, "/api/changes/CC-7")).json()
    assert (change["state"], change["author"], change["reason"]) == ("APPROVED", "QUE", "deviation trend")
    [approval] = change["approvals"]
    assert (approval["person"], approval["printed_name"], approval["meaning"]) == (
        "EVA",
        "Eva Tester",
        "approve",
    )
    assert approval["signature"] == signature["id"]
    [version] = change["versions"]
    at = version["approved_at"]
    assert version["state"] == "APPROVED"
    assert at == change["approved_at"] == approval["signed_at"] == signature["signed_at"]
    assert [(e["place"], e["on"], e["recorded_at"]) for e in version["effective"]] == [
        ("NL1", "2027-01-16", at),
        ("US1", "2027-01-23", at),
    ]
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    places = {
        p["place"]: (p["governing_version"], p["next_version"], p["next_from"]) for p in document["places"]
    }
    assert places == {
        "NL1": (3, 4, "2027-01-16T00:00:00+01:00"),
        "US1": (3, 4, "2027-01-23T00:00:00-05:00"),
    }
    qms.clock(datetime(2027, 1, 15, 23, tzinfo=UTC))
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    assert [p["governing_version"] for p in document["places"]] == [4, 3]
    status = {v["version"]: [p["status"] for p in v["places"]] for v in document["versions"]}
    assert status == {3: ["SUPERSEDED", "EFFECTIVE"], 4: ["EFFECTIVE", "APPROVED_FOR_TRAINING"]}


@pytest.mark.part("QM-02", "what is announced of an approval")
@pytest.mark.part("PL-24", "what is announced of an approval")
async def test_what_is_announced_of_an_approval(qms: Qms) -> None:
    await draft_cc7(qms)
    signature = await qms.approve(EVA, "CC-7")
    [*_, document] = qms.events("qms.document")
    [*_, change] = qms.events("qms.change")
    assert document["type"] == "qms.document-version-approved.v1"
    assert change["type"] == "qms.change-approved.v1"
    assert document["correlationid"] == change["correlationid"]
    v3, v4 = document["data"]["state"]["versions"]
    assert (v3["version"], v3["approved_on"], v3["approved_at"]) == (3, "2025-05-20", None)
    assert [(e["place"], e["on"]) for e in v3["effective"]] == [("*", "2025-06-01")]
    assert (v4["version"], v4["state"], v4["training_decision"], v4["change"]) == (
        4,
        "APPROVED",
        "read",
        "CC-7",
    )
    assert v4["approved_at"] == v4["recorded_at"] == v4["effective"][0]["recorded_at"]
    assert datetime.fromisoformat(v4["approved_at"]) == datetime.fromisoformat(document["time"])
    assert v4["sections"] == [
        {"id": "s1", "title": "Purpose"},
        {"id": "s2", "title": "Interventions in grade A"},
    ]
    state = change["data"]["state"]
    assert state["documents"] == [{"document": "SOP-101", "version": 4, "training_decision": "read"}]
    assert [(a["person"], a["signature"]) for a in state["approvals"]] == [("EVA", signature["id"])]


@pytest.mark.part("PL-06", "nobody approves a change that they wrote on")
@pytest.mark.part("R-53", "nobody approves a change that they wrote on")
async def test_nobody_approves_a_change_that_they_wrote_on(qms: Qms) -> None:
    drafted = await draft_cc7(qms)
    own = await qms.prepare(QUE, "CC-7")
    assert (own.status_code, own.json()["type"]) == (403, "urn:attest:problem:own-approval")
    edited = await qms.call(
        CAM,
        "PATCH",
        "/api/documents/SOP-101/versions/4",
        json={"revision": drafted["revision"], "minutes": 20, "reason": "shorter"},
    )
    assert edited.json()["minutes"] == 20
    assert (await qms.get(EVA, "/api/changes/CC-7")).json()["contributors"] == ["CAM", "QUE"]
    shown = (await qms.prepare(EVA, "CC-7")).json()
    as_author = await qms.confirm(QUE, "CC-7", shown["digest"])
    assert as_author.status_code == 403, "the check stands where the signature is made, too"
    without_right = await qms.prepare(CAM, "CC-7")
    assert without_right.status_code == 403
    for_another = await qms.confirm(EVA, "CC-7", shown["digest"], signer="QUE")
    assert (for_another.status_code, for_another.json()["type"]) == (403, "urn:attest:problem:not-the-signer")
    assert (await qms.get(EVA, "/api/changes/CC-7")).json()["state"] == "DRAFT"
    await qms.approve(EVA, "CC-7")


async def test_control_without_the_rule_on_who_wrote_it_an_author_approves_their_own(
    qms: Qms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else refuses it: the author holds the right to sign, as in a small plant."""

    others = [rule for rule in SPEC.policy.segregation if rule.id != "own-change"]
    monkeypatch.setattr(SPEC.policy, "segregation", others)
    await draft_cc7(qms)
    signature = await qms.approve(QUE, "CC-7")
    assert (await qms.get(EVA, "/api/changes/CC-7")).json()["state"] == "APPROVED"
    assert signature["signer"] == "QUE"


@pytest.mark.part("QM-03", "a blank decision blocks the approval")
@pytest.mark.parametrize(
    ("blank", "field"),
    [
        ("training_decision", "versions.SOP-101/4.training_decision"),
        ("change_class", "versions.SOP-101/4.change_class"),
        ("effective", "versions.SOP-101/4.effective"),
    ],
)
async def test_a_blank_decision_blocks_the_approval(qms: Qms, blank: str, field: str) -> None:
    drafted = await draft_cc7(qms, **{blank: None})
    answer = await qms.prepare(EVA, "CC-7")
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert await qms.refused(QUE, "/api/changes/CC-7/submit") == (422, "invalid")
    plan = CLASS | {"reason": "decided", "revision": drafted["revision"]}
    await qms.call(QUE, "PATCH", "/api/documents/SOP-101/versions/4", json=plan)
    await qms.approve(EVA, "CC-7")


@pytest.mark.part("QM-03", "an undecided draft is not announced and a decided one is")
async def test_an_undecided_draft_is_not_announced_and_a_decided_one_is(qms: Qms) -> None:
    await draft_cc7(qms, training_decision=None)
    assert [len(e["data"]["state"]["versions"]) for e in qms.events("qms.document")] == [0, 1]
    assert qms.events("qms.change")[-1]["data"]["state"]["documents"] == []
    await qms.call(
        QUE,
        "PATCH",
        "/api/documents/SOP-101/versions/4",
        json={"revision": 1, "training_decision": "read+quiz", "reason": "decided"},
    )
    last = qms.events("qms.document")[-1]
    assert last["type"] == "qms.document-version-drafted.v1"
    assert last["data"]["state"]["versions"][1]["state"] == "DRAFT"
    assert last["data"]["state"]["versions"][1]["training_decision"] == "read+quiz"


@pytest.mark.req("QM-05")
@pytest.mark.part("QM-03", "no training needs a risk reason")
async def test_no_training_needs_a_risk_reason(qms: Qms) -> None:
    await draft_cc7(qms, change_class="editorial", training_decision="none")
    answer = await qms.prepare(EVA, "CC-7")
    assert [e["field"] for e in answer.json()["errors"]] == ["risk_reason"]
    revision = (await qms.get(QUE, "/api/changes/CC-7")).json()["revision"]
    body = {"revision": revision, "risk_reason": "Spelling alone.", "reason": "asked by QA"}
    assert (await qms.call(QUE, "PATCH", "/api/changes/CC-7", json=body)).status_code == 200
    await qms.approve(EVA, "CC-7")
    assert qms.events("qms.change")[-1]["data"]["state"]["risk_reason"] == "Spelling alone."


@pytest.mark.part("R-58", "the day must not be over at the approval")
async def test_the_day_must_not_be_over_at_the_approval(qms: Qms) -> None:
    await draft_cc7(qms)
    shown = (await qms.prepare(EVA, "CC-7")).json()
    qms.clock(datetime(2027, 1, 16, 22, 59, tzinfo=UTC))
    assert (await qms.prepare(EVA, "CC-7")).status_code == 200, "the day is not over at the place"
    qms.clock(datetime(2027, 1, 16, 23, 1, tzinfo=UTC))
    answer = await qms.confirm(EVA, "CC-7", shown["digest"])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (
        422,
        "versions.SOP-101/4.effective.0.on",
    )


@pytest.mark.part("R-58", "an emergency change takes effect at its approval")
async def test_an_emergency_change_takes_effect_at_its_approval(qms: Qms) -> None:
    await draft_cc7(qms, effective=[{"place": "NL1", "at_approval": True}])
    signature = await qms.approve(EVA, "CC-7")
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    here = document["places"][0]
    assert here["governing_version"] == 4
    assert datetime.fromisoformat(here["since"]) == datetime.fromisoformat(signature["signed_at"])
    [entry] = qms.events("qms.document")[-1]["data"]["state"]["versions"][1]["effective"]
    assert (entry["on"], entry["at"]) == (None, entry["recorded_at"])


@pytest.mark.part("SR-04", "a draft that changed after it was shown is not approved")
@pytest.mark.part("QM-02", "a draft that changed after it was shown is not approved")
async def test_a_draft_that_changed_after_it_was_shown_is_not_approved(qms: Qms) -> None:
    drafted = await draft_cc7(qms)
    shown = (await qms.prepare(EVA, "CC-7")).json()
    await qms.call(
        QUE,
        "PATCH",
        "/api/documents/SOP-101/versions/4",
        json={"revision": drafted["revision"], "summary": "Something else.", "reason": "better"},
    )
    answer = await qms.confirm(EVA, "CC-7", shown["digest"])
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:attest:problem:stale")
    assert qms.sql("SELECT count(*) AS n FROM sign.signature") == [{"n": 0}]
    assert qms.sql("SELECT state FROM app.document_version WHERE number = 4") == [{"state": "DRAFT"}]


@pytest.mark.part("SR-04", "the signature binds what the approver was shown")
async def test_the_signature_binds_what_the_approver_was_shown(qms: Qms) -> None:
    await draft_cc7(qms)
    shown = (await qms.prepare(EVA, "CC-7")).json()
    content = {k: v for k, v in shown["display"].items() if k != "title"}
    assert shown["digest"] == qms.shown_digest(shown, content)
    for name, value in (("training_decision", "none"), ("content", []), ("effective", [])):
        other = content | {"versions": [content["versions"][0] | {name: value}]}
        assert shown["digest"] != qms.shown_digest(shown, other)


@pytest.mark.part("SR-04", "two confirmations at once give one approval")
async def test_two_confirmations_at_once_give_one_approval(qms: Qms) -> None:
    await draft_cc7(qms)
    shown = (await qms.prepare(EVA, "CC-7")).json()
    answers = await asyncio.gather(
        *(qms.confirm(EVA, "CC-7", shown["digest"], intent="same") for _ in range(4))
    )
    assert {a.status_code for a in answers} == {200}
    assert len({a.json()["id"] for a in answers}) == 1
    again = await qms.confirm(EVA, "CC-7", shown["digest"], intent="another")
    assert (again.status_code, again.json()["type"]) == (409, "urn:attest:problem:not-open")
    assert qms.sql("SELECT count(*) AS n FROM app.effective_date WHERE number = 4") == [{"n": 2}]
    assert [e["type"] for e in qms.events("qms.change")].count("qms.change-approved.v1") == 1


@pytest.mark.part("QM-02", "nothing of an approval stays when its transaction fails")
async def test_nothing_of_an_approval_stays_when_its_transaction_fails(qms: Qms) -> None:
    await draft_cc7(qms)
    before = len(qms.events("qms.document"))
    qms.sql(
        "CREATE FUNCTION app.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'late'; END $$"
    )
    qms.sql(
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.effective_date DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION app.fail()"
    )
    shown = (await qms.prepare(EVA, "CC-7")).json()
    assert (await qms.confirm(EVA, "CC-7", shown["digest"])).status_code == 500
    assert (await qms.get(EVA, "/api/changes/CC-7")).json()["state"] == "DRAFT"
    assert qms.sql("SELECT count(*) AS n FROM sign.signature") == [{"n": 0}]
    assert len(qms.events("qms.document")) == before
    qms.sql("DROP TRIGGER late ON app.effective_date")
    await qms.approve(EVA, "CC-7")


@pytest.mark.part("QM-02", "where two must approve the first signature freezes and the second approves")
@pytest.mark.part("PL-06", "where two must approve the first signature freezes and the second approves")
async def test_where_two_must_approve_the_first_signature_freezes_and_the_second_approves(qms: Qms) -> None:
    await draft_cc7(qms)
    qms.sql(
        "SELECT set_config('attest.actor', 'x/y', false), set_config('attest.reason', 'two', false),"
        " set_config('attest.correlation', 'c', false)"
    )
    qms.sql("ALTER TABLE app.change DISABLE TRIGGER USER")
    qms.sql("ALTER TABLE app.change DISABLE TRIGGER audit_update")
    qms.sql("UPDATE app.change SET required_approvals = 2")
    qms.sql("ALTER TABLE app.change ENABLE TRIGGER USER")
    await qms.approve(EVA, "CC-7")
    change = (await qms.get(EVA, "/api/changes/CC-7")).json()
    assert (change["state"], len(change["approvals"])) == ("IN_REVIEW", 1)
    assert qms.events("qms.change")[-1]["type"] == "qms.change-signed.v1"
    twice = await qms.prepare(EVA, "CC-7")
    assert twice.json()["type"] == "urn:attest:problem:approved-already"
    await qms.approve(QA2, "CC-7")
    assert (await qms.get(EVA, "/api/changes/CC-7")).json()["state"] == "APPROVED"


async def test_what_is_in_review_is_edited_only_after_a_recall(qms: Qms) -> None:
    drafted = await draft_cc7(qms)
    await qms.post(QUE, "/api/changes/CC-7/submit")
    edit = {"revision": drafted["revision"] + 1, "minutes": 5, "reason": "late"}
    answer = await qms.call(QUE, "PATCH", "/api/documents/SOP-101/versions/4", json=edit)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:attest:problem:not-a-draft")
    assert qms.events("qms.document")[-1]["data"]["state"]["versions"][1]["state"] == "IN_REVIEW"
    await qms.post(QUE, "/api/changes/CC-7/recall")
    edit["revision"] += 1
    assert (await qms.call(QUE, "PATCH", "/api/documents/SOP-101/versions/4", json=edit)).status_code == 200
    await qms.post(QUE, "/api/changes/CC-7/submit")
    await qms.approve(EVA, "CC-7")


async def test_an_edit_of_what_somebody_else_changed_is_refused(qms: Qms) -> None:
    drafted = await draft_cc7(qms)
    edit = {"revision": drafted["revision"], "minutes": 5, "reason": "first"}
    assert (await qms.call(QUE, "PATCH", "/api/documents/SOP-101/versions/4", json=edit)).status_code == 200
    answer = await qms.call(CAM, "PATCH", "/api/documents/SOP-101/versions/4", json=edit)
    assert (answer.status_code, answer.json()["revision"]) == (409, drafted["revision"] + 1)


@pytest.mark.req("QM-18")
@pytest.mark.part("R-09", "a cancelled change withdraws its versions")
async def test_a_cancelled_change_withdraws_its_versions(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    cancelled = await qms.post(QUE, "/api/changes/CC-7/cancel", {"reason": "not needed"})
    assert (cancelled["state"], [v["state"] for v in cancelled["versions"]]) == ("CANCELLED", ["WITHDRAWN"])
    event = qms.events("qms.document")[-1]
    assert event["type"] == "qms.document-version-withdrawn.v1"
    v4 = event["data"]["state"]["versions"][1]
    assert (v4["state"], v4["withdrawn_at"]) == ("WITHDRAWN", event["data"]["change"]["valid_from"])
    assert qms.events("qms.change")[-1]["type"] == "qms.change-cancelled.v1"
    assert await qms.refused(QUE, "/api/changes/CC-7/cancel") == (409, "cancelled")
    qms.clock(datetime(2027, 1, 20, tzinfo=UTC))
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    assert [p["governing_version"] for p in document["places"]] == [3, 3]
    again = await qms.post(QUE, "/api/changes", {"title": "Once more"})
    assert again["change"] == "CC-8"
    assert (await qms.draft(QUE, "CC-8", "SOP-101")).json()["version"] == 5


@pytest.mark.part("QM-18", "a change whose version governs is not cancelled")
async def test_a_change_whose_version_governs_is_not_cancelled(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    qms.clock(datetime(2027, 1, 15, 23, tzinfo=UTC))
    assert await qms.refused(QUE, "/api/changes/CC-7/cancel") == (409, "governs")


@pytest.mark.part("PL-08", "every command says why")
async def test_every_command_says_why(qms: Qms) -> None:
    await draft_cc7(qms)
    for path, body in {
        "/api/documents": {"document": "X", "title": "X", "document_type": "SOP", "framework": "GMP"},
        "/api/changes": {"title": "X"},
        "/api/changes/CC-7/submit": {},
        "/api/changes/CC-7/cancel": {},
        "/api/documents/SOP-101/retire": {"on": "2027-05-01"},
        "/api/documents/SOP-101/versions/3/withdraw": {},
    }.items():
        for reason in ({}, {"reason": " "}):
            answer = await qms.call(QUE, "POST", path, json=body | reason)
            assert answer.status_code == 422, path
            assert [e["field"] for e in answer.json()["errors"]] == ["body.reason"], path
    answer = await qms.draft(QUE, "CC-7", "SOP-101", reason="")
    assert [e["field"] for e in answer.json()["errors"]] == ["body.reason"]


@pytest.mark.part("PL-07", "the trail holds who what and why of an approval")
@pytest.mark.part("PL-08", "the trail holds who what and why of an approval")
async def test_the_trail_holds_who_what_and_why_of_an_approval(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    rows = qms.sql(
        "SELECT actor, body::jsonb AS body FROM audit.entry WHERE entity = 'document_version'"
        " AND key = 'SOP-101/4' ORDER BY id"
    )
    assert [row["actor"] for row in rows] == ["account/QUE", "account/EVA"]
    last = rows[-1]["body"]
    assert (last["before"]["state"], last["after"]["state"], last["reason"]) == (
        "DRAFT",
        "APPROVED",
        "approved",
    )
    event = qms.events("qms.change")[-1]
    assert last["correlation"] == event["correlationid"]
    signed = qms.sql("SELECT actor FROM audit.entry WHERE entity = 'sign.signature'")
    assert signed == [{"actor": "account/EVA"}]


async def test_the_same_command_twice_acts_once(qms: Qms) -> None:
    await qms.post(QUE, "/api/changes", {"change": "CC-7", "title": "X"})
    key: dict[str, Any] = {"headers": {"idempotency-key": "k1"}}
    first = await qms.draft(QUE, "CC-7", "SOP-101", **key)
    second = await qms.draft(QUE, "CC-7", "SOP-101", **key)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    other = await qms.draft(QUE, "CC-7", "SOP-101", file=b"# Other\n", **key)
    assert other.status_code == 422
    assert qms.sql("SELECT count(*) AS n FROM app.document_version") == [{"n": 2}]


async def test_who_has_left_approves_nothing(qms: Qms) -> None:
    await draft_cc7(qms)
    gone = (START - timedelta(days=3)).date().isoformat()
    spell = {"id": "x", "from": "2020-01-01", "to": gone, "recorded_at": "2026-12-20T08:00:00Z"}
    await qms.fold("matrix.person", employed("EVA", spell))
    answer = await qms.prepare(EVA, "CC-7")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:attest:problem:separated")
    await qms.fold("matrix.person", employed("EVA", spell | {"to": None}))
    await qms.approve(EVA, "CC-7")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"effective": [{"place": "NL9", "on": "2027-02-01"}]}, "effective.0.place"),
        ({"effective": [{"place": "NL1"}]}, "effective.0"),
        ({"effective": [{"place": "NL1", "at": "2027-02-01T00:00:00"}]}, "effective.0.at"),
        ({"effective": "no json"}, "effective"),
        ({"training_decision": "maybe"}, "body.training_decision"),
        ({"version": "3"}, "version"),
        ({"version": "2"}, "version"),
        ({"sections_changed": ["s9"]}, "sections_changed"),
        ({"ends": [{"place": "NL1", "on": "2027-02-01"}]}, "ends.0.place"),
        ({"file": b"PK\x03\x04"}, "file"),
        ({"file": b"%PDF-1.7 broken"}, "file"),
    ],
)
async def test_a_bad_field_of_a_draft_is_named(qms: Qms, fields: dict, field: str) -> None:
    await qms.post(QUE, "/api/changes", {"change": "CC-7", "title": "X"})
    answer = await qms.draft(QUE, "CC-7", "SOP-101", **fields)
    assert answer.status_code == 422, answer.text
    assert field in [e["field"] for e in answer.json()["errors"]]
    assert qms.sql("SELECT count(*) AS n FROM app.document_version WHERE number <> 3") == [{"n": 0}]


async def test_what_is_not_there_is_not_found(qms: Qms) -> None:
    assert await qms.refused(QUE, "/api/changes/CC-99/submit") == (404, "not-found")
    assert (await qms.draft(QUE, "CC-99", "SOP-101")).status_code == 404
    await qms.post(QUE, "/api/changes", {"change": "CC-7", "title": "X"})
    assert (await qms.draft(QUE, "CC-7", "SOP-999")).status_code == 404
    assert (await qms.prepare(EVA, "CC-99")).status_code == 404
    assert await qms.refused(QUE, "/api/changes", {"change": "CC-7", "title": "X"}) == (409, "change-exists")
    assert await qms.refused(QUE, "/api/changes", {"change": "CC-3", "title": "X"}) == (409, "change-exists")
