"""Reads of one statement on connections of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.rows import DictRow
from servicekit.db.glance import Glances

from .conftest import Toy

_WHO = "SELECT pg_backend_pid() AS pid, %(text)s::text AS text"


@pytest.fixture
async def glances(toy: Toy) -> AsyncIterator[Glances]:
    made = Glances(toy.app_url, application_name="toy-glances", connections=1)
    yield made
    await made.close()


async def test_a_glance_is_one_prepared_statement_outside_of_any_transaction(
    glances: Glances, toy: Toy
) -> None:
    first = await glances.rows(_WHO, {"text": "a"})
    second = await glances.rows(_WHO, {"text": "b"})
    assert first[0]["pid"] == second[0]["pid"]
    assert (first[0]["text"], second[0]["text"]) == ("a", "b")
    prepared = await glances.rows("SELECT count(*) AS n FROM pg_prepared_statements", ())
    assert prepared[0]["n"] >= 1
    with psycopg.connect(toy.admin_url) as admin:
        state = admin.execute(
            "SELECT state FROM pg_stat_activity WHERE application_name = 'toy-glances'"
        ).fetchall()
    assert state == [("idle",)]


async def test_a_server_that_cut_idle_connections_is_asked_again(glances: Glances, toy: Toy) -> None:
    before = await glances.one(_WHO, {"text": "a"})
    assert before is not None
    with psycopg.connect(toy.admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (before["pid"],))
    after = await glances.one(_WHO, {"text": "b"})
    assert after is not None
    assert after["pid"] != before["pid"]


async def test_a_wrong_statement_raises_and_spoils_nothing(glances: Glances) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        await glances.rows("SELECT * FROM app.nothing", ())
    assert await glances.one(_WHO, {"text": "a"}) is not None


async def test_no_row_and_no_result(glances: Glances) -> None:
    assert await glances.one("SELECT 1 WHERE false", ()) is None
    assert await glances.rows("SET LOCAL work_mem = '4MB'", ()) == []


async def test_dead_connections_are_all_replaced(toy: Toy) -> None:
    glances = Glances(toy.app_url, application_name="toy-several")
    try:
        slow = "SELECT pg_backend_pid() AS pid, pg_sleep(0.2)"
        before = [found["pid"] for found in await together(glances, slow, 3)]
        assert len(set(before)) == 3
        with psycopg.connect(toy.admin_url, autocommit=True) as admin:
            for pid in before:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        after = [found["pid"] for found in await together(glances, slow, 3)]
        assert not set(before) & set(after)
    finally:
        await glances.close()


async def test_a_read_after_the_close_opens_a_pool_again(glances: Glances) -> None:
    assert await glances.one(_WHO, {"text": "a"}) is not None
    await glances.close()
    assert await glances.one(_WHO, {"text": "b"}) is not None


async def test_a_database_that_cannot_be_reached_is_an_error_within_the_patience() -> None:
    glances = Glances("postgresql://127.0.0.1:1/nothing", application_name="toy-away")
    try:
        async with asyncio.timeout(10):
            with pytest.raises(psycopg.OperationalError):
                await glances.one("SELECT 1", ())
    finally:
        await glances.close()


async def together(glances: Glances, statement: str, times: int) -> list[DictRow]:
    found = await asyncio.gather(*(glances.rows(statement, ()) for _ in range(times)))
    return [rows[0] for rows in found]
