"""Migrated history: R-62, C-30, C-33, C-37."""

from __future__ import annotations

import asyncio

import pytest
from records_testing import ANA, AUD, IMPORTER, Records, bad_fields, block, history, problem

PATH = "/internal/imports/training_history"


@pytest.mark.req("R-62")
@pytest.mark.part("C-33", "a migrated record says where it comes from")
async def test_a_migrated_record_says_where_it_comes_from(records: Records):
    row = history(
        1, completed_at="2026-05-27T22:40:00+05:30", completed_at_text="2026-05-27T22:40:00", zone_rule="site"
    )
    taken = await records.call(IMPORTER, "POST", PATH, json=block([row]))
    assert (taken.status_code, taken.json()) == (200, {"taken": 1, "unchanged": 0})
    [listed] = (await records.get(AUD, "/api/records"))["items"]
    shown = await records.get(AUD, f"/api/records/{listed['record']}")
    assert (shown["source_class"], shown["flags"], shown["signatures"]) == ("MIGRATED", ["MIGRATED"], [])
    assert shown["verified"] is None
    assert shown["source"] == {
        "source_record": "LEG-0000001",
        "batch": "B-1",
        "file": "training_history.csv",
        "file_sha256": "a" * 64,
        "line": "2",
        "completed_at_text": "2026-05-27T22:40:00",
        "zone_rule": "site",
        "counts": True,
        "accepted_by": ["EVA", "COR"],
    }
    assert (shown["completed_at"], shown["methods"], shown["score"]) == (
        "2026-05-27T19:10:00+02:00",
        ["R", "Q"],
        "92.5",
    )
    empty = {name for name, value in shown.items() if value is None or value == []}
    assert empty == set(shown["not_applicable"])


@pytest.mark.req("C-14")
@pytest.mark.part("R-62", "the event is known from the import")
async def test_the_event_is_known_from_the_import(records: Records):
    await records.call(IMPORTER, "POST", PATH, json=block([history(1)]))
    [event] = records.events()
    state = event["data"]["state"]
    assert event["type"] == "records.training-record-imported.v1"
    assert (state["source_class"], state["source_record"]) == ("MIGRATED", "LEG-0000001")
    assert state["source_file_sha256"] == "a" * 64
    assert state["valid_from"] == "2026-05-27T20:40:00.000000Z"
    assert state["recorded_at"] == event["time"] > "2027-03-12"
    assert state["score"] == 92.5


@pytest.mark.part("R-62", "a record of a batch that does not count says so")
@pytest.mark.part("C-36", "a record of a batch that does not count says so")
async def test_a_record_of_a_batch_that_does_not_count_says_so(records: Records):
    blocks = (block([history(1)], migrated_counts=False), block([history(2)]))
    for sent in blocks:
        assert (await records.call(IMPORTER, "POST", PATH, json=sent)).status_code == 200
    states = [event["data"]["state"] for event in records.events()]
    assert [state.get("counts") for state in states] == [False, None]
    listed = (await records.get(AUD, "/api/records"))["items"]
    shown = [await records.get(AUD, f"/api/records/{one['record']}") for one in listed]
    assert {s["source"]["source_record"]: s["source"]["counts"] for s in shown} == {
        "LEG-0000001": False,
        "LEG-0000002": True,
    }


@pytest.mark.part("C-30", "the same block twice has the effect of one")
async def test_the_same_block_twice_has_the_effect_of_one(records: Records):
    rows = [history(n) for n in range(1, 4)]
    answers = await asyncio.gather(
        *(records.call(IMPORTER, "POST", PATH, json=block(rows)) for _ in range(3))
    )
    assert sorted(a.json()["taken"] for a in answers) == [0, 0, 3]
    again = await records.call(IMPORTER, "POST", PATH, json=block([*rows, history(9), history(9)]))
    assert again.json() == {"taken": 1, "unchanged": 4}
    assert len(records.events()) == 4
    # A changed file with the same rows is the same rows.
    other = await records.call(IMPORTER, "POST", PATH, json=block(rows, sha256="b" * 64, batch="B-2"))
    assert other.json() == {"taken": 0, "unchanged": 3}


@pytest.mark.part("C-30", "other content under a known id refuses the whole block")
async def test_other_content_under_a_known_id_refuses_the_whole_block(records: Records):
    await records.call(IMPORTER, "POST", PATH, json=block([history(1)]))
    changed = history(1, digest="f" * 64, score="10")
    answer = await records.call(IMPORTER, "POST", PATH, json=block([history(2), changed]))
    assert problem(answer) == (409, "conflicts")
    assert answer.json()["keys"] == ["LEG-0000001"]
    within = await records.call(IMPORTER, "POST", PATH, json=block([history(5), history(5, digest="e" * 64)]))
    assert problem(within) == (409, "conflicts")
    assert len(records.sql("SELECT 1 FROM app.training_record")) == 1


@pytest.mark.part("PL-08", "an import of records without the right or with a bad block is refused")
async def test_who_may_import_and_what_a_block_is(records: Records):
    assert problem(await records.call(ANA, "POST", PATH, json=block([history(1)])))[0] == 403
    one = await records.call(IMPORTER, "POST", PATH, json=block([history(1)], accepted_by=["EVA"]))
    assert bad_fields(one) == ["body.accepted_by"]
    naive = await records.call(
        IMPORTER, "POST", PATH, json=block([history(1, completed_at="2026-05-27T22:40:00")])
    )
    assert bad_fields(naive) == ["body.rows.0.completed_at"]


@pytest.mark.part("R-62", "the history of a plant is taken with its trail")
@pytest.mark.part("C-37", "the history of a plant is taken with its trail")
@pytest.mark.slow
async def test_the_history_of_a_plant_is_taken_with_its_trail(records: Records):
    total, size = 39_106, 5_000
    taken = 0
    for first in range(0, total, size):
        rows = [history(n, employee_no=f"E{n % 400}") for n in range(first, min(first + size, total))]
        answer = await records.call(IMPORTER, "POST", PATH, json=block(rows))
        assert answer.status_code == 200, answer.text
        taken += answer.json()["taken"]
    assert taken == total
    for table in ("app.training_record", "bus.outbox", "bus.outbox_pending"):
        assert records.sql(f"SELECT count(*) FROM {table}") == [{"count": total}]
    trail = "SELECT count(*) FROM audit.entry WHERE entity = 'training_record' AND actor = 'account/machine'"
    assert records.sql(trail) == [{"count": total}]
