"""Entries of the trail reach the topic `<service>.audit`, once, in order, without personal values."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from servicekit.bus import outbox
from servicekit.bus.topics import PlainTopic
from servicekit.context import Context
from servicekit.db import Database
from servicekit.db.audit import announce_audit, announce_audit_forever, changes, trail

from .conftest import Toy

WORKER = Context(actor="system/toy", reason="announce the trail", correlation="worker")


@pytest.fixture(autouse=True)
def _topics() -> Iterator[None]:
    before = dict(outbox._catalogue.topics), outbox._catalogue.validate
    outbox.configure([PlainTopic("toy.audit")])
    yield
    outbox.configure(before[0], validate=before[1])


def announced(toy: Toy) -> list[dict]:
    with psycopg.connect(toy.admin_url) as admin:
        rows = admin.execute(
            "SELECT envelope FROM bus.outbox WHERE topic = 'toy.audit' ORDER BY id"
        ).fetchall()
    return [json.loads(row[0]) for row in rows]


@pytest.mark.part("PL-07", "an audit entry is announced without personal values")
@pytest.mark.part("QM-02", "an audit entry is announced without personal values")
async def test_an_entry_is_announced_without_personal_values(
    toy: Toy, db: Database, context: Context
) -> None:
    async with db.transaction(replace(context, on_behalf_of="user/C3")) as tx:
        await tx.execute("INSERT INTO app.device (id, title, keeper) VALUES ('d1', 'Scale', 'Somebody')")
    async with db.transaction(context) as tx:
        await tx.execute("UPDATE app.device SET keeper = 'Somebody else', title = 'B', version = 2")
    async with db.transaction(WORKER) as tx:
        assert await announce_audit(tx) == 2
        assert await announce_audit(tx) == 0
    first, second = announced(toy)
    assert "Somebody" not in json.dumps([first, second])
    assert (first["type"], first["subject"], first["partitionkey"]) == ("toy.audit-recorded.v1", "1", "d1")
    assert (first["actor"], first["correlationid"], first["causationid"]) == ("user/A1", "c-1", "request/1")
    with psycopg.connect(toy.admin_url) as admin:
        bodies = [row[0] for row in admin.execute("SELECT body FROM audit.entry ORDER BY id")]
    assert "Somebody" in bodies[0]
    state = first["data"]["state"]
    assert state.pop("at").endswith("Z")
    assert state == {
        "entry": 1,
        "entity": "device",
        "key": "d1",
        "version": 1,
        "op": "INSERT",
        "actor": "user/A1",
        "on_behalf_of": "user/C3",
        "reason": "a test",
        "cause": "request/1",
        "correlation": "c-1",
        "changes": [
            {"column": "id", "before": None, "after": "d1", "personal": False},
            {"column": "title", "before": None, "after": "Scale", "personal": False},
            {"column": "keeper", "before": None, "after": None, "personal": True},
            {"column": "version", "before": None, "after": 1, "personal": False},
        ],
        "body_sha256": hashlib.sha256(bodies[0].encode()).hexdigest(),
    }
    assert [c["column"] for c in second["data"]["state"]["changes"]] == ["title", "keeper", "version"]


async def test_every_entry_is_announced_once_by_announcers_in_each_others_way(
    toy: Toy, db: Database, context: Context
) -> None:
    async with db.transaction(context) as tx:
        await tx.execute(
            "INSERT INTO app.device (id, title) SELECT 'd' || n, 'Scale' FROM generate_series(1, 300) n"
        )

    async def work() -> None:
        for _ in range(20):
            async with db.transaction(WORKER) as tx:
                await announce_audit(tx, 40)

    await asyncio.gather(work(), work())
    assert [e["data"]["state"]["entry"] for e in announced(toy)] == list(range(1, 301))
    with psycopg.connect(toy.admin_url) as admin:
        assert admin.execute("SELECT count(*) FROM audit.pending").fetchone() == (0,)


async def test_an_announcer_that_fails_leaves_the_entries_pending(
    toy: Toy, db: Database, context: Context
) -> None:
    async with db.transaction(context) as tx:
        await tx.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with db.transaction(WORKER) as tx:
            assert await announce_audit(tx) == 1
            raise ZeroDivisionError
    assert announced(toy) == []
    async with db.transaction(WORKER) as tx:
        assert await announce_audit(tx) == 1
    assert len(announced(toy)) == 1


async def test_an_entry_too_large_for_a_topic_does_not_hold_up_the_trail(
    toy: Toy, db: Database, context: Context
) -> None:
    async with db.transaction(context) as tx:
        await tx.execute(
            "INSERT INTO app.device (id, title) VALUES ('d1', repeat('x', 2000000)), ('d2', 'B')"
        )
    async with db.transaction(WORKER) as tx:
        assert await announce_audit(tx) == 2
    large, small = (e["data"]["state"]["changes"] for e in announced(toy))
    assert large[1]["after"] == "withheld: 2000002 characters"
    assert large[0]["after"] == "d1"
    assert small[1]["after"] == "B"


async def test_the_announcer_goes_on_after_a_failure(toy: Toy, db: Database, context: Context) -> None:
    outbox.configure([])
    task = asyncio.create_task(announce_audit_forever(db, poll_s=0.01, backoff_max_s=0.05))
    try:
        async with db.transaction(context) as tx:
            await tx.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
        await asyncio.sleep(0.3)
        assert announced(toy) == []
        outbox.configure([PlainTopic("toy.audit")])
        deadline = time.monotonic() + 10
        while not announced(toy):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
    finally:
        task.cancel()
    assert len(announced(toy)) == 1


async def test_the_trail_of_a_row_is_read_in_pages(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        await tx.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale'), ('d2', 'Other')")
        for version in (2, 3):
            await tx.execute("UPDATE app.device SET version = :v WHERE id = 'd1'", {"v": version})
        await tx.execute("INSERT INTO app.reading (device, number) VALUES ('d1', 7)")
    async with db.read() as tx:
        first = await trail(tx, "device", "d1", limit=2)
        rest = await trail(tx, "device", "d1", after=first[-1].id)
        reading = await trail(tx, "reading", "d1/7")
    assert [e.version for e in (*first, *rest)] == [1, 2, 3]
    assert rest[0].values["before"]["version"] == 2
    assert reading[0].values["after"]["number"] == 7


def test_changes_name_what_differs() -> None:
    assert changes({"a": 1, "b": None}, {"a": 1, "b": {"c": 2}}) == [
        {"column": "b", "before": None, "after": {"c": 2}, "personal": False}
    ]
    assert changes({"a": 1, "b": 2}, None, ["b"]) == [
        {"column": "a", "before": 1, "after": None, "personal": False},
        {"column": "b", "before": None, "after": None, "personal": True},
    ]
