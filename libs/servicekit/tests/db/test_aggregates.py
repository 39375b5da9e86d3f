"""Load, decide, save, announce: two writers of one row, rows and facts, and what is announced of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from servicekit.aggregates import (
    Aggregate,
    Columns,
    Row,
    Subject,
    carry_out,
    create,
    handle,
    load,
    one_row,
    save,
)
from servicekit.bus import outbox
from servicekit.bus.outbox import Announcement
from servicekit.bus.topics import PlainTopic
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.domain import StateError
from servicekit.problems import Problem

from .toy_svc.db.tables import device, reading

pytestmark = pytest.mark.infra

TOPIC = "toy.device"


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    title: str
    keeper: str | None
    version: int
    readings: int = 0


@dataclass(frozen=True, slots=True)
class Buy:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Rename:
    title: str


@dataclass(frozen=True, slots=True)
class Read:
    value: int


type Command = Buy | Rename | Read


@dataclass(frozen=True, slots=True)
class Bought:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Renamed:
    title: str


@dataclass(frozen=True, slots=True)
class WasRead:
    id: str
    number: int
    value: int
    at: datetime


type Event = Bought | Renamed | WasRead


def decide(state: Device | None, command: Command, now: datetime) -> list[Event]:
    if isinstance(command, Buy):
        if state is not None:
            raise StateError("bought", "it is there already")
        return [Bought(command.id, command.title)]
    assert state is not None
    if isinstance(command, Rename):
        if not command.title:
            raise StateError("nameless", "a device has a name")
        return [Renamed(command.title)]
    return [WasRead(state.id, state.readings + 1, command.value, now)]


def evolve(state: Device | None, event: Event) -> Device:
    if isinstance(event, Bought):
        return Device(event.id, event.title, None, 1)
    assert state is not None
    if isinstance(event, Renamed):
        return replace(state, title=event.title, version=state.version + 1)
    return replace(state, readings=event.number)


COLUMNS = Columns(device, Device)


async def lock_device(_: Tx, key: str) -> list[Subject]:
    return [(TOPIC, key)]


async def load_device(tx: Tx, key: str) -> Device | None:
    row = await tx.one("SELECT * FROM app.device WHERE id = :id", {"id": key})
    if row is None:
        return None
    count = await tx.scalar("SELECT count(*) FROM app.reading WHERE device = :id", {"id": key})
    return COLUMNS.state(row, readings=count)


def facts(event: Event) -> Iterable[Row]:
    if isinstance(event, WasRead):
        values = {"device": event.id, "number": event.number, "value": event.value, "taken_at": event.at}
        yield Row(reading, values)


def announces(state: Device, events: Sequence[Event], reason: str | None) -> Iterable[Announcement]:
    for event in events:
        shown = {"id": state.id, "title": state.title, "readings": state.readings}
        kind = type(event).__name__.lower()
        yield Announcement(TOPIC, f"{TOPIC}-{kind}.v1", state.id, state.id, shown, {"reason": reason})


DEVICE = Aggregate(
    name="device",
    decide=decide,
    evolve=evolve,
    lock=lock_device,
    load=load_device,
    rows=lambda state: [COLUMNS.row(state)],
    facts=facts,
    announces=announces,
)


@pytest.fixture(autouse=True)
async def _one_device(db: Database, context: Context) -> AsyncIterator[None]:
    before = outbox._catalogue.topics, outbox._catalogue.validate
    outbox.configure([PlainTopic(TOPIC, 1)])
    async with db.transaction(context) as tx:
        await create(tx, DEVICE, "d1", Buy("d1", "Scale"))
    yield
    outbox.configure(before[0], validate=before[1])


async def stored(db: Database) -> Device:
    async with db.read() as tx:
        return await load(tx, DEVICE, "d1", lock=False)


async def announced(db: Database) -> list[tuple[str, int]]:
    async with db.read() as tx:
        rows = await tx.rows(
            "SELECT type, sequence FROM bus.outbox WHERE topic = :t ORDER BY id", {"t": TOPIC}
        )
    return [(row["type"].rsplit("-", 1)[1], row["sequence"]) for row in rows]


async def test_a_command_is_saved_and_announced_and_the_state_is_the_stored_one(
    db: Database, context: Context
) -> None:
    async with db.transaction(context) as tx:
        renamed = await handle(tx, DEVICE, "d1", Rename("Balance"))
        read = await carry_out(tx, DEVICE, renamed, Read(7))
    assert read == await stored(db) == Device("d1", "Balance", None, 2, 1)
    assert await announced(db) == [("bought.v1", 1), ("renamed.v1", 2), ("wasread.v1", 3)]


async def test_a_refused_command_leaves_nothing(db: Database, context: Context) -> None:
    for command, code in ((Rename(""), "nameless"), (Buy("d1", "Again"), "bought")):
        with pytest.raises(StateError) as refused:
            async with db.transaction(context) as tx:
                await handle(tx, DEVICE, "d1", command)
        assert refused.value.code == code
    assert (await stored(db)).version == 1
    assert len(await announced(db)) == 1


async def test_what_is_not_there_is_not_found(db: Database, context: Context) -> None:
    with pytest.raises(Problem) as caught:
        async with db.transaction(context) as tx:
            await handle(tx, DEVICE, "d2", Rename("Balance"))
    assert caught.value.status == 404


async def test_a_writer_of_an_old_state_is_told_what_is_there(db: Database, context: Context) -> None:
    old = await stored(db)
    async with db.transaction(context) as tx:
        await handle(tx, DEVICE, "d1", Rename("A"))
    with pytest.raises(Problem) as caught:
        async with db.transaction(context) as tx:
            await save(tx, [COLUMNS.row(old)], [COLUMNS.row(evolve(old, Renamed("B")))])
    assert (caught.value.status, caught.value.code) == (409, "stale")
    assert caught.value.extra == {"expected_version": 1, "current_version": 2}
    gone = replace(old, id="d9")
    with pytest.raises(Problem) as caught:
        async with db.transaction(context) as tx:
            await save(tx, [COLUMNS.row(gone)], [COLUMNS.row(evolve(gone, Renamed("B")))])
    assert caught.value.status == 404


async def test_a_row_never_changes_without_its_next_version(db: Database, context: Context) -> None:
    old = await stored(db)
    with pytest.raises(ValueError, match="without moving to its next version"):
        async with db.transaction(context) as tx:
            await save(tx, [COLUMNS.row(old)], [COLUMNS.row(replace(old, title="B"))])


async def test_commands_at_once_come_one_after_the_other(db: Database, context: Context) -> None:
    async def rename(n: int) -> None:
        async with db.transaction(context) as tx:
            await handle(tx, DEVICE, "d1", Rename(f"t{n}"))

    await asyncio.gather(*(rename(n) for n in range(8)))
    assert (await stored(db)).version == 9
    assert [sequence for _, sequence in await announced(db)] == list(range(1, 10))


async def test_an_aggregate_of_one_row_waits_for_its_lock(db: Database, context: Context) -> None:
    lock, load_row, rows = one_row(COLUMNS)
    alone = Aggregate(name="device", decide=decide, evolve=evolve, lock=lock, load=load_row, rows=rows)

    async def rename(n: int) -> None:
        async with db.transaction(context) as tx:
            await handle(tx, alone, "d1", Rename(f"t{n}"))

    await asyncio.gather(*(rename(n) for n in range(8)))
    assert (await stored(db)).version == 9
    assert len(await announced(db)) == 1
