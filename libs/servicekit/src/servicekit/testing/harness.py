"""A whole service in the test's own process: its application, relay, consumer and lanes on real PostgreSQL and Kafka.

async with running(SPEC, database_factory, kafka, topic_prefix) as service:
    client = service.client(role="editor")
    await client.post("/api/units", json={...})
    await service.feed("other.thing", "other.thing-changed.v1", "T1", state={...})
    await service.settled()
    assert await service.announced("units.unit")
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from servicekit.bus import ensure_topics
from servicekit.bus.envelope import Event, encode, encode_heartbeat
from servicekit.bus.partitioner import partition_of
from servicekit.context import Context
from servicekit.db.platform import raise_clock
from servicekit.db.testing import service_database
from servicekit.http.caller import Caller, Grant, TokenIssuer, new_key, public_set
from servicekit.ids import new_id
from servicekit.service import Service, ServiceSpec
from servicekit.settings import Mode
from servicekit.signing import Statement, issue_statement
from servicekit.tasks import end_all
from servicekit.testing.plugin import DatabaseMaker
from servicekit.testing.polling import eventually

_KEY = new_key("test")


class RunningService:
    """What a test does with a running service."""

    def __init__(self, service: Service, kafka: str, prefix: str) -> None:
        self.service = service
        self.database = service.database
        self.issuer = TokenIssuer(_KEY)
        self.app = service.app()
        self._kafka = kafka
        self._prefix = prefix
        self._sequences: dict[tuple[str, str], int] = {}
        self._fed: dict[tuple[str, int], int] = {}
        """The last offset fed to each partition: what is settled lies behind it."""
        self._producer: AIOKafkaProducer | None = None
        self._clients: list[httpx.AsyncClient] = []

    def client(
        self, *roles: str, subject: str | None = None, scope: Mapping[str, str] | None = None
    ) -> httpx.AsyncClient:
        """A client whose calls bear internal tokens of an account with these roles."""
        actor = f"account/{subject or 'tester'}"
        caller = Caller(actor, [Grant(role, dict(scope or {})) for role in roles], subject, "session")
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=f"http://{self.service.spec.name}",
            auth=_Token(self.issuer, caller, self.service.spec.name),
        )
        self._clients.append(client)
        return client

    async def sign(
        self,
        client: httpx.AsyncClient,
        kind: str,
        key: str,
        meaning: str,
        *,
        signer: str,
        inputs: Mapping[str, Any] | None = None,
        reason: str = "signs",
        prepared: Mapping[str, Any] | None = None,
        intent: str | None = None,
    ) -> httpx.Response:
        """Both halves of a signature as the gateway would ask for them; the first one's error is returned as it is."""
        body = {"kind": kind, "key": key, "meaning": meaning, "inputs": dict(inputs or {})}
        if prepared is None:
            answer = await client.post("/signing/prepare", json=body)
            if answer.status_code != 200:
                return answer
            prepared = answer.json()
        assert prepared is not None
        statement = Statement(
            intent=intent or new_id(),
            digest=prepared["digest"],
            meaning=meaning,
            signer=signer,
            printed_name=f"Name of {signer}",
            account=f"account/{signer}",
            auth_time=datetime.now(UTC),
            auth_method="password",
        )
        token = issue_statement(self.issuer, statement, audience=self.service.spec.name, now=int(time.time()))
        return await client.post("/signing/sign", json={**body, "statement": token, "reason": reason})

    async def feed(
        self,
        topic: str,
        type_: str,
        subject: str,
        state: Mapping[str, Any],
        *,
        key: str | None = None,
        time: datetime | None = None,
        change: Mapping[str, Any] | None = None,
        sequence: int | None = None,
    ) -> str:
        """Publishes an event of another service, as its relay would; returns its id."""
        spec = self.service.spec.topics[topic]
        number = sequence or self._sequences.get((topic, subject), 0) + 1
        self._sequences[topic, subject] = max(number, self._sequences.get((topic, subject), 0))
        event = Event(
            id=new_id(),
            source=f"/attest/{topic.split('.', 1)[0]}",
            type=type_,
            topic=topic,
            subject=subject,
            key=key or subject,
            time=time or datetime.now(UTC),
            epoch=1,
            sequence=number,
            correlation=new_id(),
            cause=None,
            actor=f"system/{topic.split('.', 1)[0]}",
            traceparent=None,
            dataschema=spec.dataschema,
            state=dict(state),
            change=dict(change or {"kind": "changed"}),
        )
        await self._send(topic, event.key, encode(event))
        return event.id

    async def beat(self, watermark: datetime | None = None) -> None:
        """Heartbeats on every partition of every consumed topic: nothing earlier can still come."""
        value = encode_heartbeat(watermark or datetime.now(UTC))
        for topic in self.service.spec.inbound:
            spec = self.service.spec.topics[topic]
            keyed = b"watermark" if "compact" in spec.kafka_config().get("cleanup.policy", "") else None
            for partition in range(spec.partitions):
                producer = await self._started()
                await producer.send_and_wait(self._prefix + topic, value, key=keyed, partition=partition)

    async def _send(self, topic: str, key: str, value: str | bytes) -> None:
        producer = await self._started()
        partition = partition_of(key, self.service.spec.topics[topic].partitions)
        data = value.encode() if isinstance(value, str) else value
        sent = await producer.send_and_wait(self._prefix + topic, data, key=key.encode(), partition=partition)
        self._fed[topic, partition] = sent.offset

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(bootstrap_servers=self._kafka)
            await self._producer.start()
        return self._producer

    async def announced(self, topic: str) -> list[dict[str, Any]]:
        """What the service announced on a topic so far, as envelopes in order."""
        async with self.database.read() as tx:
            rows = await tx.rows("SELECT envelope FROM bus.outbox WHERE topic = :t ORDER BY id", {"t": topic})
        return [json.loads(row["envelope"]) for row in rows]

    async def settled(self, deadline: float = 30.0) -> None:
        """Waits until everything fed so far is folded, every mark worked off, every event sent."""
        await eventually(self._idle, deadline=deadline)

    async def _idle(self) -> bool:
        consumer = self.service.consumer
        if consumer is not None:
            if consumer.readiness():
                return False
            lag = consumer.lag()
            wanted = sum(self.service.spec.topics[t].partitions for t in self.service.spec.inbound)
            if len(lag) < wanted or any(lag.values()):
                return False
        async with self.database.read() as tx:
            # The lag that the consumer knows of is as old as its last fetch: what was fed is asked of the database.
            rows = await tx.rows("SELECT topic, partition, next FROM bus.consumed")
            folded = {(row["topic"], row["partition"]): row["next"] or 0 for row in rows}
            if any(folded.get(part, 0) <= offset for part, offset in self._fed.items()):
                return False
            if await tx.scalar("SELECT EXISTS (SELECT FROM bus.outbox_pending)"):
                return False
            if self.service.work is not None:
                dirty = self.service.work.lanes.tables.dirty.fullname
                return not await tx.scalar(f"SELECT EXISTS (SELECT FROM {dirty})")  # noqa: S608
        return True

    async def move_clock(self, to: datetime) -> None:
        """Moves the database's clock forward to an instant."""
        context = Context("system/test", "moves the clock", new_id())
        async with self.database.transaction(context) as tx:
            await raise_clock(tx.conn, to - datetime.now(UTC))

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        if self._producer is not None:
            await self._producer.stop()


class _Token(httpx.Auth):
    """A fresh internal token for each call."""

    def __init__(self, issuer: TokenIssuer, caller: Caller, audience: str) -> None:
        self._issuer, self._caller, self._audience = issuer, caller, audience

    def auth_flow(self, request: httpx.Request) -> Any:
        token = self._issuer.call_token(self._caller, audience=self._audience, now=int(time.time()))
        request.headers["authorization"] = f"Bearer {token}"
        yield request


@asynccontextmanager
async def running(
    spec: ServiceSpec,
    database_factory: DatabaseMaker,
    kafka: str,
    prefix: str,
    *,
    partitions: int | None = 2,
    clock: datetime | None = None,
    **settings: Any,
) -> AsyncIterator[RunningService]:
    """The service, all roles, until the block ends. partitions: of its topics in the test; None: as specified. clock: what its
    clock shows at the beginning, to the hour."""
    if partitions is not None:
        spec = replace(
            spec,
            topics={name: replace(t, partitions=partitions) for name, t in spec.topics.items()},  # pyright: ignore[reportArgumentType]
        )
    offset = timedelta(0) if clock is None else clock - datetime.now(UTC)
    database = service_database(database_factory, spec.package, clock_offset=offset)
    with TemporaryDirectory() as folder:
        keys = Path(folder) / "keys.json"
        keys.write_text(json.dumps(public_set([_KEY])))
        configured = spec.settings(
            service=spec.name,
            mode=Mode.TEST,
            database_url=database.app_url,
            kafka=kafka,
            topic_prefix=prefix,
            internal_keys=keys,
            state_dir=Path(folder),
            heartbeat_interval=1.0,
            **settings,
        )
        used = {*spec.inbound, *(t.name for t in spec.own_topics)}
        await ensure_topics(kafka, [spec.topics[name] for name in sorted(used)], prefix=prefix)
        service = Service(spec, configured, frozenset({"api", "worker", "relay"}))
        under_test = RunningService(service, kafka, prefix)
        parts = [part.run() for part in (service.relay, service.consumer) if part is not None]
        if service.work is not None:
            parts.append(service.work.lanes.run_chunks(service.work.handler))
        parts += [loop(service.runtime) for loop in spec.background]
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            yield under_test
        finally:
            await under_test.close()
            await end_all(tasks)
            await service.database.close()
