"""Imported documents and versions: baseline facts, safe to repeat, never an update."""

import csv
import hashlib
from pathlib import Path

import pytest
from qms_testing import EVA, IMPORTER, QUE, SOP, V3, Qms, block, draft_cc7

PLANT_A = Path(__file__).parents[4] / "examples" / "plant-a"


async def send(qms: Qms, kind: str, rows: list, who=IMPORTER, **more):
    body = block(rows, f"{kind}.csv", **more)
    return await qms.call(who, "POST", f"/internal/imports/{kind}", json=body)


@pytest.mark.part("QM-01", "an imported version governs from its local day everywhere")
@pytest.mark.part("R-62", "an imported version governs from its local day everywhere")
async def test_an_imported_version_governs_from_its_local_day_everywhere(qms: Qms) -> None:
    document = (await qms.get(EVA, "/api/documents/SOP-101")).json()
    assert document["source_class"] == "MIGRATED"
    [version] = document["versions"]
    assert (version["state"], version["approved_on"], version["approved_at"]) == (
        "APPROVED",
        "2025-05-20",
        None,
    )
    assert (version["content"], version["sections"], version["change"]) == ([], [], "CC-3")
    assert [(p["governing_version"], p["since"]) for p in document["places"]] == [
        (3, "2025-06-01T00:00:00+02:00"),
        (3, "2025-06-01T00:00:00-04:00"),
    ]
    registered, approved = qms.events("qms.document")
    assert registered["data"]["change"]["kind"] == approved["data"]["change"]["kind"] == "imported"
    assert registered["data"]["state"]["versions"] == []
    [state] = approved["data"]["state"]["versions"]
    assert (state["approved_on"], state["effective"][0]["on"], state["effective"][0]["place"]) == (
        "2025-05-20",
        "2025-06-01",
        "*",
    )


@pytest.mark.part("C-30", "the same block again changes nothing")
async def test_the_same_block_again_changes_nothing(qms: Qms) -> None:
    before = len(qms.events("qms.document"))
    entries = qms.sql("SELECT count(*) AS n FROM audit.entry")
    for kind, row in (("documents", SOP), ("document_versions", V3)):
        answer = await send(qms, kind, [row | {"line": 99}], batch="B-2", sha256="b" * 64)
        assert answer.json() == {"taken": 0, "unchanged": 1}
    assert len(qms.events("qms.document")) == before
    assert qms.sql("SELECT count(*) AS n FROM audit.entry") == entries


@pytest.mark.part("C-30", "other content under a known key refuses the block")
async def test_other_content_under_a_known_key_refuses_the_block(qms: Qms) -> None:
    other = SOP | {"document": "SOP-102"}
    answer = await send(qms, "documents", [other, SOP | {"title": "Another"}])
    assert (answer.status_code, answer.json()["keys"]) == (409, ["SOP-101"])
    assert qms.sql("SELECT document FROM app.document") == [{"document": "SOP-101"}]
    answer = await send(qms, "document_versions", [V3 | {"effective_on": "2025-07-01"}])
    assert (answer.status_code, answer.json()["keys"]) == (409, ["SOP-101/3"])


async def test_what_was_made_here_is_not_imported_over(qms: Qms) -> None:
    await draft_cc7(qms)
    answer = await send(qms, "document_versions", [V3 | {"version": 4}])
    assert (answer.status_code, answer.json()["keys"]) == (409, ["SOP-101/4"])
    made = {"document": "WI-1", "title": "X", "document_type": "SOP", "framework": "GMP"}
    await qms.post(QUE, "/api/documents", made)
    answer = await send(qms, "documents", [SOP | {"document": "WI-1"}])
    assert (answer.status_code, answer.json()["keys"]) == (409, ["WI-1"])


@pytest.mark.part("R-35", "a batch is accepted by two people and sent by who may")
async def test_a_batch_is_accepted_by_two_people_and_sent_by_who_may(qms: Qms) -> None:
    row = [SOP | {"document": "SOP-102"}]
    for accepted in (["EVA"], ["EVA", "EVA"], []):
        assert (await send(qms, "documents", row, accepted_by=accepted)).status_code == 422
    assert (await send(qms, "documents", row, who=QUE)).status_code == 403
    assert (await send(qms, "documents", row)).status_code == 200


@pytest.mark.parametrize(
    ("kind", "row", "field"),
    [
        ("documents", SOP | {"title": ""}, "body.rows.0.title"),
        ("document_versions", V3 | {"version": 0}, "body.rows.0.version"),
        ("document_versions", V3 | {"approved_on": "20 May"}, "body.rows.0.approved_on"),
        ("document_versions", V3 | {"retraining": "maybe"}, "body.rows.0.retraining"),
        ("document_versions", V3 | {"document": "SOP-9"}, "rows.document"),
    ],
)
async def test_a_bad_row_is_named(qms: Qms, kind: str, row: dict, field: str) -> None:
    answer = await send(qms, kind, [row])
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json()["errors"]] == [field]


@pytest.mark.part("C-37", "the example plant is taken whole in blocks")
async def test_the_example_plant_is_taken_whole_in_blocks(bare: Qms) -> None:
    counts = {}
    for kind in ("documents", "document_versions"):
        path = PLANT_A / f"{kind}.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{**row, "line": number} for number, row in enumerate(csv.DictReader(file), start=2)]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        for begin in range(0, len(rows), 200):
            answer = await send(bare, kind, rows[begin : begin + 200], sha256=digest)
            assert answer.status_code == 200, answer.text
            counts[kind] = counts.get(kind, 0) + answer.json()["taken"]
    assert counts == {"documents": 130, "document_versions": 440}
    newest = {e["subject"]: e["data"]["state"] for e in bare.events("qms.document")}
    assert len(newest) == 130
    assert sum(len(state["versions"]) for state in newest.values()) == 440
    assert bare.sql("SELECT count(*) AS n FROM app.effective_date WHERE place = '*'") == [{"n": 440}]
