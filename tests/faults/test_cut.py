"""The cut of a backup, at the worst instant: an event is announced and consumed between two of its snapshots."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy
from attest.backups import make
from servicekit.bus import Announcement, Event, PlainTopic, Received, Subscription, announce, claim, configure
from servicekit.bus import positions as places
from servicekit.bus.inbox import Inbox
from servicekit.bus.intake import Intake
from servicekit.bus.queue import Part
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.db.platform import install
from servicekit.testing import Template, databases, eventually_sync
from servicekit.testing.plugin import DatabaseMaker

from tests.faults.cuts import known_but_not_announced

pytestmark = [
    pytest.mark.part("N-02", "a backup is a cut: no effect without its event"),
    pytest.mark.part("PL-29", "a backup is a cut: no effect without its event"),
]

TOPIC = "store.part"
PART = Part(TOPIC, 0)
CONTEXT = Context(actor="system/test", reason="a test", correlation="c-1")


def template(service: str) -> Template:
    """A database with the bus in it and nothing of a service."""

    def build(database: databases.Database) -> None:
        owner, app = database.role(f"{service}_owner"), f"{service}_app"
        database.role(app)
        with database.connect() as connection:
            connection.execute(f'ALTER DATABASE "{database.name}" OWNER TO {service}_owner'.encode())
        engine = sqlalchemy.create_engine(owner.replace("postgresql://", "postgresql+psycopg://", 1))
        with engine.begin() as connection:
            install(connection, service=service, app_role=app, owner_role=f"{service}_owner", mode="test")
        engine.dispose()

    return Template(f"cut-{service}", build)


@dataclass(frozen=True)
class Two:
    """A service that announces parts, and one that listens to it."""

    databases: Mapping[str, databases.Database]

    def database_url(self, service: str, role: str = "app") -> str:
        return self.databases[service].role(f"{service}_{role}")

    async def happens(self, number: int) -> None:
        """A part is announced, and consumed as a consumer does: the position first, then what was seen."""
        state = {"part": "P1", "count": number}
        store = Database(self.database_url("store"), source="store")
        sales = Database(self.database_url("sales"), source="sales")
        try:
            async with store.transaction(CONTEXT) as tx:
                await claim(tx, [(TOPIC, "P1")])
                await announce(tx, [Announcement(TOPIC, f"{TOPIC}-changed.v1", "P1", "P1", state, {})])
            async with store.read() as tx:
                envelope = await tx.scalar("SELECT envelope FROM bus.outbox ORDER BY id DESC LIMIT 1")
            received = Received(TOPIC, 0, number, b"P1", envelope.encode())
            Intake().read(received)
            if number == 0:
                async with sales.transaction(CONTEXT) as tx:
                    await places.positions(tx, "sales", [PART], {TOPIC: 1})
                    await places.start_at(tx, "sales", PART, 0, another_log=False)
            await Inbox("sales", sales, {TOPIC: Subscription(_fold)}).apply(PART, [received], number)
        finally:
            await store.close()
            await sales.close()


async def _fold(_tx: Tx, _events: Sequence[Event]) -> None:
    """What it does with a part is no matter here: what it has seen is noted before."""


@pytest.fixture
def two(database_factory: DatabaseMaker, monkeypatch: pytest.MonkeyPatch) -> Two:
    configure([PlainTopic(TOPIC, 1)])
    monkeypatch.setattr(make, "SERVICES", ("store", "sales"))
    monkeypatch.setattr(make, "PUBLIC", "store")
    found = Two({service: database_factory(template(service)) for service in ("store", "sales")})
    asyncio.run(found.happens(0))
    return found


@contextmanager
def cut_while_it_happens(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[psycopg.Connection[Any]]]:
    """The snapshots that a backup dumps; between those of the producer and of the consumer something happens."""
    working = threading.Thread(target=lambda: asyncio.run(two.happens(1)))
    ask = make._one

    def stands_still() -> bool:
        """The event has its effect, or its consumer waits for the cut."""
        waits = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with two.databases["sales"].connect() as connection:
            return not working.is_alive() or connection.execute(waits).fetchone() is not None

    def asked(connection: psycopg.Connection[Any], statement: str) -> Any:
        answer = ask(connection, statement)
        if "pg_export_snapshot" in statement and working.ident is None:
            working.start()
            eventually_sync(stands_still, deadline=30)
        return answer

    monkeypatch.setattr(make, "_one", asked)
    with make._cut(two) as (sessions, _):  # pyright: ignore[reportArgumentType] - addresses are all it needs
        working.join(30)
        assert not working.is_alive(), "the consumer goes on once all snapshots are taken"
        yield [connection for connection, _ in sessions.values()]


def test_nobody_in_a_cut_knows_more_than_its_producers(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    with cut_while_it_happens(two, monkeypatch) as snapshots:
        assert known_but_not_announced(snapshots) == []


def test_control_dumps_of_different_instants_know_what_nobody_has_announced(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "_consumers_held", lambda urls: nullcontext())
    with cut_while_it_happens(two, monkeypatch) as snapshots:
        assert known_but_not_announced(snapshots) == [(TOPIC, "P1")]
