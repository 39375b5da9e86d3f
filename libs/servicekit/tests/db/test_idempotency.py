"""A command that is sent twice acts once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.db.idempotency import Answer, idempotent, purge_idempotency, remember, request_digest
from servicekit.problems import Problem
from sqlalchemy.exc import DBAPIError

from .conftest import Toy

pytestmark = pytest.mark.infra

ONE = request_digest("POST", "/api/devices", b'{"id": "d1"}')
TWO = request_digest("POST", "/api/devices", b'{"id": "d2"}')


async def make(tx: Tx, key: str, digest: str = ONE, name: str = "d1") -> Answer:
    """A command as a service writes it."""
    replay = await idempotent(tx, key, digest, route="POST /api/devices")
    if replay is not None:
        return replay
    await tx.execute("INSERT INTO app.device (id, title) VALUES (:id, 'Scale')", {"id": name})
    return await remember(tx, key, 201, {"id": name, "héé": [1, None]}, {"Location": f"/api/devices/{name}"})


async def count(db: Database) -> int:
    async with db.read() as tx:
        return await tx.scalar("SELECT count(*) FROM app.device")


def test_the_digest_depends_on_all_of_the_request() -> None:
    assert (
        len({request_digest(*r) for r in (("POST", "/a", b"b"), ("PUT", "/a", b"b"), ("POST", "/ab", b""))})
        == 3
    )
    assert request_digest("post", "/a", b"b") == request_digest("POST", "/a", b"b")


async def test_the_second_request_gets_the_first_answer(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        first = await make(tx, "k1")
    async with db.transaction(context) as tx:
        second = await make(tx, "k1")
    assert not first.replayed
    assert second == replace(first, replayed=True)
    assert await count(db) == 1


async def test_a_key_with_another_request_is_refused(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        await make(tx, "k1")
    with pytest.raises(Problem) as caught:
        async with db.transaction(context) as tx:
            await make(tx, "k1", TWO, "d2")
    assert (caught.value.status, caught.value.code) == (422, "key-reused")
    assert await count(db) == 1


async def test_keys_of_two_actors_are_two_keys(db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        await make(tx, "k1")
    async with db.transaction(replace(context, actor="user/B2")) as tx:
        assert not (await make(tx, "k1", TWO, "d2")).replayed
    assert await count(db) == 2


async def test_what_failed_is_done_by_the_next(db: Database, context: Context) -> None:
    with pytest.raises(RuntimeError, match="half-way"):  # noqa: PT012
        async with db.transaction(context) as tx:
            await make(tx, "k1")
            raise RuntimeError("half-way")
    assert await count(db) == 0
    async with db.transaction(context) as tx:
        assert not (await make(tx, "k1")).replayed
    assert await count(db) == 1


async def test_requests_at_the_same_time_act_once(db: Database, context: Context) -> None:
    async def send() -> Answer:
        async with db.transaction(context) as tx:
            return await make(tx, "k1")

    answers = await asyncio.gather(*(send() for _ in range(8)))
    assert sum(not a.replayed for a in answers) == 1
    assert {str(a.body) for a in answers} == {str(answers[0].body)}
    assert await count(db) == 1


async def test_a_request_that_takes_too_long_is_in_progress(db: Database, context: Context) -> None:
    async with db.transaction(context) as slow:
        await make(slow, "k1")
        with pytest.raises(Problem) as caught:  # noqa: PT012
            async with db.transaction(context) as tx:
                await tx.execute("SET LOCAL lock_timeout = '50ms'")
                await make(tx, "k1")
    assert (caught.value.status, caught.value.code) == (409, "in-progress")


async def test_a_key_without_a_result_does_not_commit(db: Database, context: Context) -> None:
    with pytest.raises(DBAPIError) as caught:  # noqa: PT012
        async with db.transaction(context) as tx:
            await idempotent(tx, "k1", ONE)
            await tx.execute("INSERT INTO app.device (id, title) VALUES ('d1', 'Scale')")
    assert getattr(caught.value.orig, "sqlstate", None) == "AT006"
    assert await count(db) == 0


async def test_a_result_without_a_key_is_a_mistake(db: Database, context: Context) -> None:
    with pytest.raises(RuntimeError, match="without idempotent"):
        async with db.transaction(context) as tx:
            await remember(tx, "k1", 200)


@pytest.mark.parametrize("key", ["", "x" * 201, "clé", "a\nb"])
async def test_a_bad_key_is_named(db: Database, context: Context, key: str) -> None:
    with pytest.raises(Problem) as caught:
        async with db.transaction(context) as tx:
            await make(tx, key)
    assert caught.value.status == 422
    assert caught.value.errors[0].field == "Idempotency-Key"


async def test_old_results_are_forgotten(toy: Toy, db: Database, context: Context) -> None:
    async with db.transaction(context) as tx:
        await make(tx, "k1")
        await make(tx, "k2", TWO, "d2")
    with psycopg.connect(toy.owner_url) as owner:
        owner.execute("UPDATE app.idempotency SET at = at - interval '8 days' WHERE key = 'k1'")
    async with db.transaction(context) as tx:
        assert await purge_idempotency(tx, timedelta(days=7)) == 1
        assert await tx.scalar("SELECT string_agg(key, ',') FROM app.idempotency") == "k2"
