"""`attest dead-letters` and `attest replay`: what an operator types when events are parked, or have to come again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from attest import cli
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir

from tests.e2e.api import PASSWORD, until
from tests.faults.conftest import World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("faults"),
    pytest.mark.part("PL-24", "parked events are retried, and a topic is replayed, by command"),
]

REASON = ["--reason", "looked into it"]


@pytest.fixture
def where(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments that name the platform; the administrator is who types."""
    monkeypatch.setenv("ATTEST_USER", "administrator")
    monkeypatch.setenv("ATTEST_PASSWORD", PASSWORD)
    return ["--state-dir", str(world.state)]


def sql(world: World, service: str, statement: str) -> list[tuple]:
    """As the owner of a service's database."""
    told, state = world.told, StateDir(world.state)
    url = Endpoints(told["postgres"], told["kafka"], state.password, state.path).database_url(
        service, "owner"
    )
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def parked(world: World, service: str) -> list[dict]:
    items = world.user("administrator").get("/api/dead-letters")["items"]
    return [each for each in items if each["service"] == service]


@contextmanager
def a_bad_release(world: World) -> Iterator[None]:
    """The records service looks for a table that is not there."""
    sql(world, "records", "ALTER TABLE app.person RENAME TO person_of_the_next_release")
    try:
        yield
    finally:
        sql(world, "records", "ALTER TABLE app.person_of_the_next_release RENAME TO person")


def test_parked_events_are_listed_and_folded_once_they_can_be(
    world: World, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["dead-letters", "list", *where]) == 0
    assert capsys.readouterr().out.strip() == "no event is parked"
    with a_bad_release(world):
        world.hire("PARKED")
        until(lambda: parked(world, "records"), lambda found: len(found) >= 1)
        assert cli.main(["dead-letters", *where]) == 3
        [line] = capsys.readouterr().out.splitlines()
        assert re.match(r"records +\d+  matrix\.person PARKED  .*app\.person.* does not exist", line)
        assert cli.main(["dead-letters", "retry", "records", *REASON, *where]) == 3
        assert "failed: 1" in capsys.readouterr().out
        # Nobody else is held up.
        assert cli.main(["dead-letters", "list", "qms", *where]) == 0
        capsys.readouterr()
    assert cli.main(["dead-letters", "retry", "records", *REASON, *where]) == 0
    assert re.search(r"applied: 1\b.*failed: 0", capsys.readouterr().out)
    world.enter_late("PARKED")
    until(lambda: world.records("PARKED"), lambda found: len(found) == 1)


def test_what_is_no_event_is_given_up_for_a_reason(
    world: World, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    async def send() -> None:
        async with AIOKafkaProducer(bootstrap_servers=world.told["kafka"]) as producer:
            await producer.send_and_wait("qms.change", b"no event", partition=0)

    asyncio.run(send())
    [letter] = until(lambda: parked(world, "reporting"), lambda found: len(found) == 1)
    number = str(letter["id"])
    assert cli.main(["dead-letters", "discard", "reporting", number, *where]) == 1
    assert "--reason WHY" in capsys.readouterr().err
    assert cli.main(["dead-letters", "retry", "reporting", number, *REASON, *where]) == 3
    assert "DecodeError" in capsys.readouterr().out
    assert cli.main(["dead-letters", "discard", "reporting", number, *REASON, *where]) == 0
    assert "no event is parked" in capsys.readouterr().out
    # Who decided it, and why, stays.
    kept = sql(
        world,
        "reporting",
        f"SELECT resolution, resolved_by, resolution_reason FROM bus.dead_letter WHERE id = {number}",
    )
    account = world.user("administrator").me["account"]
    assert kept == [("discarded", f"account/{account}", "looked into it")]
    assert cli.main(["dead-letters", "discard", "reporting", number, *REASON, *where]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_topic_is_published_again_and_changes_nothing(
    world: World, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ends = "SELECT sum(next)::bigint FROM bus.consumed WHERE topic = 'matrix.person'"
    known = "SELECT subject, epoch, sequence FROM bus.seen WHERE topic = 'matrix.person' ORDER BY 1"
    events = sql(world, "matrix", "SELECT count(*) FROM bus.outbox WHERE topic = 'matrix.person'")[0][0]
    assert events > 5
    [(before,)], seen = sql(world, "records", ends), sql(world, "records", known)
    assert cli.main(["replay", "matrix.person", *where]) == 0
    assert capsys.readouterr().out.strip() == f"{events:,} events of matrix.person are published again"
    until(lambda: sql(world, "records", ends)[0][0], lambda after: after >= before + events)
    assert sql(world, "records", known) == seen
    assert parked(world, "records") == []
    assert cli.main(["replay", "matrix.nothing", *where]) == 1
    assert "which topic? one of" in capsys.readouterr().err
