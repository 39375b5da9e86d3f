"""Documents: what is registered, moved, withdrawn and retired, and what is announced of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from qms_testing import ADMIN, ANA, CAM, EVA, QA2, QUE, Qms, draft_cc7
from servicekit.testing.callers import stranger

NEW = {"document": "WI-1", "title": "Gowning", "document_type": "Work instruction", "framework": "GMP"}
V4 = "SOP-101/4"
WITHDRAW = "/api/documents/SOP-101/versions/4/withdraw"


async def governs(qms: Qms) -> list[int | None]:
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    return [place["governing_version"] for place in document["places"]]


async def test_a_document_is_registered_once_and_described_by_revision(qms: Qms) -> None:
    made = await qms.post(QUE, "/api/documents", NEW | {"category": "aseptic"})
    assert (made["revision"], made["versions"], made["source_class"]) == (1, [], "NATIVE")
    assert await qms.refused(QUE, "/api/documents", NEW) == (409, "document-exists")
    body = {"revision": 1, "title": "Gowning, grade B", "category": None, "reason": "scope"}
    changed = (await qms.call(QUE, "PATCH", "/api/documents/WI-1", json=body)).json()
    assert (changed["revision"], changed["title"], changed["category"]) == (2, "Gowning, grade B", None)
    stale = await qms.call(QUE, "PATCH", "/api/documents/WI-1", json=body)
    assert (stale.status_code, stale.json()["revision"]) == (409, 2)
    event = qms.events("qms.document")[-1]
    assert (event["type"], event["data"]["state"]["title"]) == ("qms.document-changed.v1", "Gowning, grade B")
    assert event["data"]["change"]["reason"] == "scope"


async def test_lists_page_by_key_and_filter(qms: Qms) -> None:
    for number in range(1, 4):
        await qms.post(QUE, "/api/documents", NEW | {"document": f"WI-{number}", "framework": "GCP"})
    await draft_cc7(qms)
    first = (await qms.get(EVA, "/api/documents?limit=2")).json()
    assert [row["document"] for row in first["items"]] == ["SOP-101", "WI-1"]
    second = (await qms.get(EVA, f"/api/documents?limit=2&cursor={first['next']}")).json()
    assert ([row["document"] for row in second["items"]], second["next"]) == (["WI-2", "WI-3"], None)

    async def found(query: str, who=EVA) -> list[str]:
        return [row["document"] for row in (await qms.get(who, f"/api/documents?{query}")).json()["items"]]

    assert await found("framework=GMP") == ["SOP-101"]
    assert await found("q=aseptic") == ["SOP-101"]
    assert await found("q=wi-2") == ["WI-2"]
    assert await found("state=APPROVED") == ["SOP-101"]
    assert await found("state=DRAFT") == ["SOP-101"]
    assert await found("state=DRAFT", ANA) == []
    assert (await qms.get(EVA, "/api/documents?cursor=x")).status_code == 422
    row = first["items"][0]
    assert (row["latest_version"], row["draft_version"], row["retired"]) == (3, 4, False)


async def test_drafts_are_for_those_who_may_see_changes(qms: Qms) -> None:
    await draft_cc7(qms)
    for who, expected, status in ((EVA, [3, 4], 200), (ANA, [3], 404)):
        document = (await qms.get(who, "/api/documents/SOP-101")).json()
        assert [v["version"] for v in document["versions"]] == expected
        assert (await qms.get(who, "/api/documents/SOP-101/versions/4")).status_code == status
    assert (await qms.get(ADMIN, "/api/documents/SOP-101")).status_code == 403
    assert (await qms.get(ANA, "/api/changes/CC-7")).status_code == 403


@pytest.mark.req("R-08")
@pytest.mark.part("PL-06", "an effective date moves and every statement stays")
async def test_an_effective_date_moves_and_every_statement_stays(qms: Qms) -> None:
    await draft_cc7(qms)
    assert await qms.move_refused(EVA, V4, "NL1", "2027-02-10") == (409, "not-approved")
    await qms.approve(EVA, "CC-7")
    signature = await qms.move(EVA, V4, "NL1", "2027-02-10")
    moved = (await qms.get(EVA, "/api/documents/SOP-101/versions/4")).json()
    assert [(e["place"], e["on"]) for e in moved["effective"]] == [
        ("NL1", "2027-01-16"),
        ("US1", "2027-01-23"),
        ("NL1", "2027-02-10"),
    ]
    event = qms.events("qms.document")[-1]
    assert event["type"] == "qms.document-version-moved.v1"
    happened = event["data"]["change"]
    assert [happened[name] for name in ("reason", "valid_from", "cause")] == [
        "approved",
        "2027-02-10",
        signature["id"],
    ]
    last = event["data"]["state"]["versions"][1]["effective"][-1]
    assert datetime.fromisoformat(last["recorded_at"]) == datetime.fromisoformat(event["time"])
    assert await qms.move_refused(QUE, V4, "NL1", "2027-03-10") == (403, "own-approval")
    assert await qms.move_refused(CAM, V4, "NL1", "2027-03-10") == (403, "not-allowed")
    assert await qms.move_refused(EVA, V4, "NL1", "2026-12-31") == (422, "invalid")
    qms.clock(datetime(2027, 1, 20, tzinfo=UTC))
    assert await governs(qms) == [3, 3]
    qms.clock(datetime(2027, 2, 9, 23, tzinfo=UTC))
    assert await governs(qms) == [4, 4]


@pytest.mark.part("R-08", "no date moves without a signature")
@pytest.mark.part("SR-04", "no date moves without a signature")
async def test_no_date_moves_without_a_signature(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    body = {"place": "NL1", "on": "2027-02-10", "reason": "site not ready"}
    for method in ("POST", "PUT", "PATCH"):
        answer = await qms.call(EVA, method, "/api/documents/SOP-101/versions/4/effective", json=body)
        assert answer.status_code == 404, method
    body = {"effective": [{"place": "NL1", "on": "2027-02-10"}], "revision": 3, "reason": "site not ready"}
    answer = await qms.call(QUE, "PATCH", "/api/documents/SOP-101/versions/4", json=body)
    assert answer.status_code == 409, answer.text
    dates = qms.sql("SELECT signature FROM app.effective_date WHERE number = 4")
    assert len(dates) == 2
    assert all(row["signature"] for row in dates)


@pytest.mark.req("R-76")
async def test_once_it_governs_there_its_date_is_fixed_and_elsewhere_not_yet(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    qms.clock(datetime(2027, 1, 15, 23, 0, 1, tzinfo=UTC))
    assert await qms.move_refused(EVA, V4, "NL1", "2027-02-10") == (409, "governs")
    assert await qms.move_refused(EVA, V4, "*", "2027-01-14") == (422, "invalid")
    await qms.move(EVA, V4, "US1", "2027-02-10")
    assert await governs(qms) == [4, 3]


@pytest.mark.part("R-04", "after a withdrawal the version before governs again")
@pytest.mark.part("R-09", "after a withdrawal the version before governs again")
async def test_after_a_withdrawal_the_version_before_governs_again(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    qms.clock(datetime(2027, 1, 25, tzinfo=UTC))
    assert await governs(qms) == [4, 4]
    signature = await qms.withdraw(EVA, V4)
    assert await governs(qms) == [3, 3]
    event = qms.events("qms.document")[-1]
    assert event["type"] == "qms.document-version-withdrawn.v1"
    assert event["data"]["change"]["cause"] == signature["id"]
    v4 = event["data"]["state"]["versions"][1]
    assert (v4["state"], len(v4["effective"])) == ("WITHDRAWN", 2), "what was said before stays"
    assert v4["withdrawn_at"] == event["data"]["change"]["valid_from"]
    again = await qms.prepare(EVA, V4, kind="withdrawal", meaning="withdraw")
    assert (again.status_code, again.json()["type"]) == (409, "urn:attest:problem:not-standing")


@pytest.mark.req("R-09")
async def test_withdrawn_before_it_takes_effect_it_never_governs(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    await qms.withdraw(EVA, V4)
    qms.clock(datetime(2027, 1, 25, tzinfo=UTC))
    assert await governs(qms) == [3, 3]


@pytest.mark.part("R-09", "an approved version is withdrawn by a signature alone")
@pytest.mark.part("SR-04", "an approved version is withdrawn by a signature alone")
async def test_an_approved_version_is_withdrawn_by_a_signature_alone(qms: Qms) -> None:
    await draft_cc7(qms)
    draft = await qms.prepare(EVA, V4, kind="withdrawal", meaning="withdraw")
    assert (draft.status_code, draft.json()["type"]) == (409, "urn:attest:problem:not-approved")
    await qms.approve(EVA, "CC-7")
    assert await qms.refused(CAM, WITHDRAW) == (409, "needs-signature")
    author = await qms.prepare(CAM, V4, kind="withdrawal", meaning="withdraw")
    assert (author.status_code, author.json()["type"]) == (403, "urn:attest:problem:not-allowed")
    other = await qms.prepare(EVA, "SOP-101/9", kind="withdrawal", meaning="withdraw")
    assert other.status_code == 404


@pytest.mark.part("R-09", "a withdrawal shows where the version governs and binds just that")
@pytest.mark.part("SR-04", "a withdrawal shows where the version governs and binds just that")
async def test_who_withdraws_is_shown_where_it_governs_and_signs_just_that(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    shown = (await qms.prepare(EVA, V4, kind="withdrawal", meaning="withdraw")).json()
    assert shown["display"]["governs_at"] == []
    qms.clock(datetime(2027, 1, 15, 23, tzinfo=UTC))
    late = await qms.confirm(EVA, V4, shown["digest"], kind="withdrawal", meaning="withdraw")
    assert (late.status_code, late.json()["type"]) == (409, "urn:attest:problem:stale")
    assert await governs(qms) == [4, 3]
    shown = (await qms.prepare(EVA, V4, kind="withdrawal", meaning="withdraw")).json()
    assert shown["display"]["governs_at"] == ["NL1"]
    await qms.withdraw(EVA, V4)
    assert await governs(qms) == [3, 3]


async def test_a_withdrawn_draft_leaves_its_change(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.post(QUE, WITHDRAW)
    assert (await qms.get(EVA, "/api/changes/CC-7")).json()["versions"] == []
    answer = await qms.prepare(EVA, "CC-7")
    assert [e["field"] for e in answer.json()["errors"]] == ["versions"]
    assert (await qms.draft(QUE, "CC-7", "SOP-101")).json()["version"] == 5


@pytest.mark.part("R-66", "from the day of retirement nothing governs")
async def test_from_the_day_of_retirement_nothing_governs(qms: Qms) -> None:
    retire = "/api/documents/SOP-101/retire"
    assert await qms.refused(CAM, retire, {"on": "2027-02-01"}) == (403, "not-allowed")
    assert await qms.refused(EVA, retire, {"on": "2026-12-31"}) == (422, "invalid")
    await qms.post(EVA, retire, {"place": "US1", "on": "2027-01-10", "reason": "line closed"})
    document = await qms.post(QA2, retire, {"on": "2027-02-01", "reason": "merged"})
    assert document["retired"] == [
        {"place": "US1", "on": "2027-01-10"},
        {"place": "*", "on": "2027-02-01"},
    ]
    assert [v["state"] for v in document["versions"]] == ["APPROVED"]
    assert await qms.refused(EVA, retire, {"place": "NL1", "on": "2027-03-01"}) == (409, "retired")
    event = qms.events("qms.document")[-1]
    assert (event["type"], event["data"]["change"]["valid_from"]) == ("qms.document-retired.v1", "2027-02-01")
    assert event["data"]["state"]["retired"] == document["retired"]
    qms.clock(datetime(2027, 1, 15, tzinfo=UTC))
    assert await governs(qms) == [3, None]
    qms.clock(datetime(2027, 2, 1, tzinfo=UTC))
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    assert [v["state"] for v in document["versions"]] == ["RETIRED"]
    assert await governs(qms) == [None, None]
    await qms.post(QUE, "/api/changes", {"change": "CC-7", "title": "X"})
    assert (await qms.draft(QUE, "CC-7", "SOP-101")).status_code == 409


async def test_without_a_known_site_dates_for_everywhere_still_work(bare: Qms) -> None:
    await bare.post(QUE, "/api/documents", NEW)
    await bare.post(QUE, "/api/changes", {"change": "CC-1", "title": "X"})
    plan: dict[str, Any] = {"change_class": "major", "training_decision": "read"}
    refused = await bare.draft(QUE, "CC-1", "WI-1", effective=[{"place": "NL1", "on": "2099-01-01"}], **plan)
    assert refused.status_code == 422
    made = await bare.draft(QUE, "CC-1", "WI-1", effective=[{"place": "*", "on": "2099-01-01"}], **plan)
    assert (made.status_code, made.json()["version"]) == (201, 1)
    await bare.approve(EVA, "CC-1")


async def test_calls_without_a_valid_token_are_refused(qms: Qms) -> None:
    async with stranger(qms) as client:
        assert (await client.get("/api/documents")).status_code == 401
        assert (await client.get("/api/content/" + "a" * 64)).status_code == 401
        assert (await client.get("/livez")).status_code == 200
