"""Two major versions of one contract: a consumer of the later one reads both, through the intake and the inbox of every
service, and parks what it cannot read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from attest_contracts import ContractError, files
from attest_contracts.reading import CONTRACTS, Contracts
from attest_contracts.wire import WireModel
from servicekit.bus import Announcement, PlainTopic, announce, claim, configure
from servicekit.bus.deadletter import DeadLetters
from servicekit.bus.envelope import Event, encode
from servicekit.bus.intake import Intake, Received
from servicekit.bus.queue import Part
from servicekit.bus.restore import announce_again, raise_epoch
from servicekit.bus.subscription import Subscription
from servicekit.context import Context
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.folds import Reader, folding

pytestmark = [
    pytest.mark.infra,
    pytest.mark.part("PL-24", "a consumer reads two major versions of a contract"),
]

TOPIC = "toy.part"
ACTOR = Context("account/qa", "reads again what was parked", "c")


def schema(state: dict[str, Any]) -> dict[str, Any]:
    change = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}
    part = {"type": "object", "properties": state, "required": list(state)}
    return {
        "type": "object",
        "properties": {"state": part, "change": change},
        "required": ["state", "change"],
    }


SCHEMAS = {
    "toy.part.v1": schema({"part": {"type": "string"}, "millimetres": {"type": "integer"}}),
    "toy.part.v2": schema(
        {"part": {"type": "string"}, "size": {"type": "number"}, "unit": {"enum": ["mm", "in"]}}
    ),
}


class Change(WireModel):
    kind: str


class Part2(WireModel):
    part: str
    size: float
    unit: str


class Data2(WireModel):
    state: Part2
    change: Change


class Part3(Part2):
    colour: str | None = None


class Data3(WireModel):
    state: Part3
    change: Change


def in_units(data: Any) -> Any:
    old = data["state"]
    return {**data, "state": {"part": old["part"], "size": old["millimetres"], "unit": "mm"}}


@dataclass(frozen=True)
class Toy:
    schema: str


RELEASE = Contracts(
    {TOPIC: Toy("toy.part.v2")},
    schema=SCHEMAS.__getitem__,
    model={"toy.part.v2": Data2}.__getitem__,
    steps={"toy.part.v1": in_units},
)
LATER_RELEASE = Contracts(
    {TOPIC: Toy("toy.part.v3")},
    schema=(SCHEMAS | {"toy.part.v3": SCHEMAS["toy.part.v2"]}).__getitem__,
    model={"toy.part.v3": Data3}.__getitem__,
    steps={"toy.part.v1": in_units, "toy.part.v2": lambda data: data},
)


def event(major: int, part: str, sequence: int, **more: Any) -> Event:
    return Event(
        id=new_id(),
        source="/attest/toy",
        type=f"toy.part-changed.v{major}",
        topic=TOPIC,
        subject=part,
        key=part,
        time=datetime(2026, 3, 1, 8, tzinfo=UTC),
        epoch=1,
        sequence=sequence,
        correlation="c",
        cause=None,
        actor="system/toy",
        traceparent=None,
        dataschema=f"urn:attest:schema:toy.part:v{major}",
        state={"part": part, **more},
        change={"kind": "changed"},
    )


class Consumer:
    """The real inbox of a consumer of the toy topic. `folded` holds what its fold received."""

    def __init__(self, reader: Reader, folded: list[Event[Part2]]) -> None:
        self.reader = reader
        self.folded = folded
        self._offset = 0

    async def read(self, *events: Event, contracts: Contracts = RELEASE) -> list[Received]:
        """One batch, as it comes from Kafka."""
        records = [
            Received(TOPIC, 0, self._offset + n, one.key.encode(), encode(one).encode())
            for n, one in enumerate(events)
        ]
        for record in records:
            Intake(contracts).read(record)
        await self.reader.inbox.apply(Part(TOPIC, 0), records, self._offset)
        self._offset += len(records)
        return records

    async def parked(self) -> list[tuple[str, str, str]]:
        """Subject, error class and error of what is parked for what it is."""
        async with self.reader.database.read() as tx:
            rows = await tx.rows(
                "SELECT subject, error_class, error FROM bus.dead_letter"
                " WHERE error IS NOT NULL AND resolved_at IS NULL ORDER BY id"
            )
        return [(row["subject"], row["error_class"], row["error"]) for row in rows]


@pytest.fixture
async def consumer(databases: DatabaseFactory) -> AsyncIterator[Consumer]:
    folded: list[Event[Part2]] = []

    async def fold(_tx: Tx, events: Sequence[Event[Part2]]) -> None:
        folded.extend(events)

    # Any service's database serves: the schema `bus` is the same in all.
    inbound = {TOPIC: Subscription(fold, versions="every")}
    async with folding(databases, "matrix_svc", inbound, []) as reader:
        context = Context("system/matrix", "begins to read", "c")
        async with reader.database.transaction(context) as tx:
            await tx.execute(
                "INSERT INTO bus.consumed (consumer, topic, partition, next) VALUES ('matrix', :topic, 0, 0)",
                {"topic": TOPIC},
            )
        yield Consumer(reader, folded)


async def test_an_old_event_is_folded_as_the_later_major_version(consumer: Consumer) -> None:
    await consumer.read(event(1, "P1", 1, millimetres=4), event(2, "P2", 1, size=0.5, unit="in"))
    assert [one.state for one in consumer.folded] == [
        Part2(part="P1", size=4, unit="mm"),
        Part2(part="P2", size=0.5, unit="in"),
    ]
    assert [one.raw_state for one in consumer.folded] == [
        {"part": "P1", "size": 4, "unit": "mm"},
        {"part": "P2", "size": 0.5, "unit": "in"},
    ]
    assert await consumer.parked() == []


async def test_both_versions_of_one_subject_are_one_history(consumer: Consumer) -> None:
    await consumer.read(event(1, "P1", 1, millimetres=4))
    await consumer.read(event(2, "P1", 2, size=6, unit="mm"), event(1, "P1", 1, millimetres=4))
    assert [one.state.size for one in consumer.folded] == [4, 6]


async def test_an_unknown_major_version_is_parked_and_read_by_a_later_release(consumer: Consumer) -> None:
    await consumer.read(event(3, "P1", 1, size=1, unit="mm", colour="red"), event(1, "P2", 1, millimetres=2))
    assert [one.subject for one in consumer.folded] == ["P2"]
    assert await consumer.parked() == [
        ("P1", "UnknownMajorError", "toy.part.v3 cannot be read as toy.part.v2")
    ]
    inbox = consumer.reader.inbox
    later = DeadLetters(inbox.consumer, inbox.database, inbox.subscriptions, Intake(LATER_RELEASE))
    assert (await later.retry(ACTOR)).applied == 1
    assert consumer.folded[-1].state == Part3(part="P1", size=1, unit="mm", colour="red")


@pytest.mark.parametrize("major", [0, 99])
async def test_no_major_version_and_a_distant_one_are_unknown(consumer: Consumer, major: int) -> None:
    await consumer.read(event(major, "P1", 1, millimetres=2))
    assert [row[:2] for row in await consumer.parked()] == [("P1", "UnknownMajorError")]
    assert consumer.folded == []


async def test_an_old_event_must_hold_to_its_own_contract(consumer: Consumer) -> None:
    await consumer.read(event(1, "P1", 1, millimetres="four"), event(1, "P2", 1))
    parked = await consumer.parked()
    assert [row[:2] for row in parked] == [("P1", "ContractError"), ("P2", "ContractError")]
    assert "four" not in parked[0][2]


async def test_an_upcast_event_must_hold_to_the_later_contract(consumer: Consumer) -> None:
    broken = Contracts(
        {TOPIC: Toy("toy.part.v2")},
        schema=SCHEMAS.__getitem__,
        model={"toy.part.v2": Data2}.__getitem__,
        steps={"toy.part.v1": lambda data: data},
    )
    await consumer.read(event(1, "P1", 1, millimetres=4), contracts=broken)
    assert [row[:2] for row in await consumer.parked()] == [("P1", "ContractError")]


async def test_a_reader_tolerates_what_a_later_release_adds(consumer: Consumer) -> None:
    await consumer.read(event(2, "P1", 1, size=1, unit="furlong", colour="red"))
    assert consumer.folded[0].state == Part2(part="P1", size=1, unit="furlong")
    assert consumer.folded[0].raw_state["colour"] == "red"


@pytest.mark.parametrize(
    ("contracts", "announced"),
    [
        (RELEASE, ("toy.part-changed.v2", {"part": "P1", "size": 4, "unit": "mm"})),
        (None, ("toy.part-changed.v1", {"part": "P1", "millimetres": 4})),
    ],
    ids=["release", "control"],
)
async def test_a_restored_producer_announces_its_old_history_in_the_version_of_its_release(
    consumer: Consumer, contracts: Contracts | None, announced: tuple[str, dict[str, Any]]
) -> None:
    database = consumer.reader.database
    configure([PlainTopic(TOPIC)])
    old = event(1, "P1", 1, millimetres=4)
    async with database.transaction(ACTOR) as tx:
        await claim(tx, [(TOPIC, "P1")])
        await announce(tx, [Announcement(TOPIC, old.type, "P1", "P1", old.state, old.change)])
    await raise_epoch(consumer.reader.urls.owner_url)
    assert await announce_again(database, ACTOR, contracts=contracts) == 1
    async with database.read() as tx:
        envelope = json.loads(await tx.scalar("SELECT envelope FROM bus.outbox ORDER BY id DESC LIMIT 1"))
    assert (envelope["type"], envelope["data"]["state"]) == announced


def test_what_json_admits_and_python_cannot_hold_is_a_problem_without_its_value() -> None:
    """A leap second is a valid RFC 3339 instant."""
    entry = json.loads(files.read("examples", "matrix.audit", "v1", "spell.json"))
    entry["data"]["state"]["at"] = "2016-12-31T23:59:60Z"
    received = Received("matrix.audit", 0, 0, b"", json.dumps(entry).encode())
    Intake(CONTRACTS).read(received)
    assert isinstance(received.problem, ContractError)
    assert received.problem.path == "/state/at"
    assert "2016" not in str(received.problem)
