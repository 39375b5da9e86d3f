"""A whole service in the test's own process, on a real PostgreSQL.

`in_process` runs it without a broker: what a test feeds goes through the service's intake and inbox, as the consumer
would deliver it, and `settled` works off every mark. One service and one database serve a module; a named state of the
database is put back before each test:

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def plant(databases):
        async with in_process(SPEC, databases, clock=BEGIN) as service:
            await organisation(service)
            service.keep("plant")
            yield service

    @pytest.fixture
    def service(plant):
        return plant.put_back("plant")

`running` runs all roles on a real Kafka, for the tests of the bus:

    async with running(SPEC, databases, kafka, topic_prefix) as service:
        await service.feed("other.thing", "other.thing-changed.v1", "T1", state={...})
        await service.settled()
        assert await service.announced("units.unit")
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import httpx
import psycopg
from psycopg.rows import dict_row

from servicekit.bus import ensure_topics
from servicekit.bus.envelope import Event, encode, encode_heartbeat
from servicekit.bus.partitioner import partition_of
from servicekit.context import Context
from servicekit.db.platform import raise_clock
from servicekit.db.testing import ServiceDatabase, lent_database
from servicekit.http.caller import Caller, Grant, TokenIssuer, new_key, public_set
from servicekit.ids import new_id
from servicekit.service import Service, ServiceSpec
from servicekit.settings import Mode
from servicekit.signing import Statement, issue_statement
from servicekit.tasks import end_all
from servicekit.testing.databases import DatabaseFactory
from servicekit.testing.delivery import Delivery, InProcess, OverKafka
from servicekit.testing.snapshots import Snapshots
from servicekit.testing.topics import TopicMaker

KEY = new_key("test")
"""Signs the internal tokens of every service under test."""
NO_KAFKA = "127.0.0.1:1"


class RunningService:
    """What a test does with a service. The tests of a service subclass it for words of their own.

    service, database, app: the service itself. urls: its database's addresses. delivery: how events reach it.
    """

    def __init__(self, service: Service, urls: ServiceDatabase, delivery: Delivery) -> None:
        self.service = service
        self.database = service.database
        self.urls = urls
        self.issuer = TokenIssuer(KEY)
        self.app = service.app()
        self._delivery = delivery
        self._sequences: dict[tuple[str, str], int] = {}
        self._clients: list[httpx.AsyncClient] = []
        self._states: Snapshots | None = None
        self._kept: dict[str, dict[tuple[str, str], int]] = {}
        self._anybody = self._client(raise_app_exceptions=False)

    # --- calls ---

    async def call(self, who: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        """One request with a fresh internal token of the caller. more: for `httpx.AsyncClient.request`."""
        token = self.issuer.call_token(who, audience=self.service.spec.name, now=int(time.time()))
        headers = {"authorization": f"Bearer {token}", **(more.pop("headers", None) or {})}
        return await self._anybody.request(method, path, headers=headers, **more)

    def client(
        self, *roles: str, subject: str | None = None, scope: Mapping[str, str] | None = None
    ) -> httpx.AsyncClient:
        """A client whose calls bear internal tokens of an account with these roles."""
        actor = f"account/{subject or 'tester'}"
        caller = Caller(actor, [Grant(role, dict(scope or {})) for role in roles], subject, "session")
        return self._client(auth=_Token(self.issuer, caller, self.service.spec.name))

    def _client(self, *, raise_app_exceptions: bool = True, **more: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=raise_app_exceptions)
        client = httpx.AsyncClient(transport=transport, base_url=f"http://{self.service.spec.name}", **more)
        self._clients.append(client)
        return client

    def statement(
        self, signer: str, digest: str, meaning: str, *, intent: str | None = None, **more: Any
    ) -> str:
        """What the gateway states of a signature, as the token that a service gets. more: further fields of `Statement`."""
        fields: dict[str, Any] = {
            "intent": intent or new_id(),
            "digest": digest,
            "meaning": meaning,
            "signer": signer,
            "printed_name": f"Name of {signer}",
            "account": f"account/{signer}",
            "auth_time": datetime.now(UTC),
            "auth_method": "password",
        }
        return issue_statement(
            self.issuer, Statement(**fields | more), audience=self.service.spec.name, now=int(time.time())
        )

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
        token = self.statement(signer, prepared["digest"], meaning, intent=intent)
        return await client.post("/signing/sign", json={**body, "statement": token, "reason": reason})

    # --- events ---

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
        """Delivers an event of another service as its relay would; returns its id. Fails when the event is parked."""
        event = self._event(topic, type_, subject, state, key, time, change, sequence)
        parked = await self.deliver(topic, encode(event).encode(), key=event.key)
        assert not parked, "the event was parked"
        return event.id

    async def fold(self, topic: str, *states: Mapping[str, Any]) -> None:
        """Delivers the next announcement of each state as one batch. Type, subject and key are those of the topic's
        contract. Fails when one of them is parked."""
        spec: Any = self.service.spec.topics[topic]
        batches: dict[int, list[tuple[bytes, bytes]]] = {}
        for state in states:
            key = spec.key_of(state)
            event = self._event(
                topic, spec.event_types[0], spec.subject_of(state), state, key, None, None, None
            )
            partition = partition_of(key, spec.partitions)
            batches.setdefault(partition, []).append((key.encode(), encode(event).encode()))
        for partition, messages in batches.items():
            assert not await self._delivery.deliver(topic, partition, messages), "an event was parked"

    def _event(
        self,
        topic: str,
        type_: str,
        subject: str,
        state: Mapping[str, Any],
        key: str | None,
        time: datetime | None,
        change: Mapping[str, Any] | None,
        sequence: int | None,
    ) -> Event:
        number = sequence or self._sequences.get((topic, subject), 0) + 1
        self._sequences[topic, subject] = max(number, self._sequences.get((topic, subject), 0))
        owner = topic.split(".", 1)[0]
        return Event(
            id=new_id(),
            source=f"/attest/{owner}",
            type=type_,
            topic=topic,
            subject=subject,
            key=key or subject,
            time=time or datetime.now(UTC),
            epoch=1,
            sequence=number,
            correlation=new_id(),
            cause=None,
            actor=f"system/{owner}",
            traceparent=None,
            dataschema=self.service.spec.topics[topic].dataschema,
            state=dict(state),
            change=dict(change or {"kind": "changed"}),
        )

    async def beat(self, watermark: datetime | None = None, *, without: Sequence[str] = ()) -> None:
        """Heartbeats on every partition of every consumed topic but some: nothing earlier can still come."""
        message = encode_heartbeat(watermark or datetime.now(UTC))
        for topic in self.service.spec.inbound:
            if topic in without:
                continue
            spec = self.service.spec.topics[topic]
            keyed = b"watermark" if "compact" in spec.kafka_config().get("cleanup.policy", "") else None
            for partition in range(spec.partitions):
                await self._delivery.deliver(topic, partition, [(keyed, message)])

    async def deliver(self, topic: str, *values: bytes, key: str = "") -> int:
        """Delivers the bytes of messages, whatever they are, as one batch; returns how many were parked at once."""
        partition = partition_of(key, self.service.spec.topics[topic].partitions)
        messages = [(key.encode() or None, value) for value in values]
        return await self._delivery.deliver(topic, partition, messages)

    async def settled(self, deadline: float = 30.0) -> None:
        """Waits until everything delivered so far is folded and every mark is worked off."""
        await self._delivery.settle(deadline)

    async def announced(self, topic: str) -> list[dict[str, Any]]:
        """What the service announced on a topic so far, as envelopes in order."""
        async with self.database.read() as tx:
            rows = await tx.rows("SELECT envelope FROM bus.outbox WHERE topic = :t ORDER BY id", {"t": topic})
        return [json.loads(row["envelope"]) for row in rows]

    # --- the database ---

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """As superuser: a look at what is stored, and what no role of the product may do."""
        with psycopg.connect(self.urls.admin_url, autocommit=True) as connection:
            connection.execute("SET timezone = 'UTC'")
            cursor = connection.cursor(row_factory=dict_row).execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def clock(self, at: datetime) -> None:
        """As `move_clock`, outside an event loop."""
        self.sql("SELECT app.raise_clock(%s)", [at - datetime.now(UTC)])

    def tamper(self, query: str, parameters: Sequence[Any] = ()) -> None:
        """As somebody who can switch off every trigger."""
        self.states.execute(query, parameters)

    async def move_clock(self, to: datetime) -> None:
        """Moves the database's clock forward to an instant; it runs on from there."""
        context = Context("system/test", "moves the clock", new_id())
        async with self.database.transaction(context) as tx:
            await raise_clock(tx.conn, to - datetime.now(UTC))

    # --- states ---

    @property
    def states(self) -> Snapshots:
        """The kept states of the database."""
        if self._states is None:
            self._states = Snapshots(self.urls.admin_url)
        return self._states

    def keep(self, state: str) -> None:
        """Keeps the service as it is now under a name."""
        self.states.keep(state)
        self._kept[state] = dict(self._sequences)

    def put_back(self, state: str) -> Self:
        """Makes database and sequences what they were when `state` was kept; returns the service."""
        self.states.put_back(state)
        self._sequences = dict(self._kept[state])
        return self

    async def in_state(self, state: str, prepare: Callable[[Self], Awaitable[None]]) -> Self:
        """Puts a state back; the first time `prepare` makes it from what is there. Returns the service."""
        if state in self._kept:
            return self.put_back(state)
        await prepare(self)
        self.keep(state)
        return self

    def assert_kept(self) -> None:
        """Fails when a kept state that is put back is not what was kept: a test left something behind."""
        for state in self._kept:
            self.states.put_back(state)
            assert not self.states.differences(state), self.states.differences(state)

    async def close(self) -> None:
        """Closes clients and connections."""
        for client in self._clients:
            await client.aclose()
        if self._states is not None:
            self._states.close()
        await self._delivery.close()


class _Token(httpx.Auth):
    """A fresh internal token for each call."""

    def __init__(self, issuer: TokenIssuer, caller: Caller, audience: str) -> None:
        self._issuer, self._caller, self._audience = issuer, caller, audience

    def auth_flow(self, request: httpx.Request) -> Any:
        token = self._issuer.call_token(self._caller, audience=self._audience, now=int(time.time()))
        request.headers["authorization"] = f"Bearer {token}"
        yield request


@asynccontextmanager
async def in_process[T: RunningService](
    spec: ServiceSpec,
    databases: DatabaseFactory,
    *,
    clock: datetime | None = None,
    of: type[T] = RunningService,
    checked: bool = True,
    **settings: Any,
) -> AsyncIterator[T]:
    """The service without a broker until the block ends, on a database of its own.

    clock: what the database's clock shows at the beginning; None: real time. of: the class of what is yielded.
    checked: at the end every kept state can be put back; False for tests that change the tables themselves. settings: of the service, beside those that every test has.
    """
    with lent_database(databases, spec.package, clock=clock) as urls, TemporaryDirectory() as folder:
        service = Service(
            _with_partitions(spec, 1), _settings(spec, urls, folder, **settings), frozenset({"api"})
        )
        under_test = of(service, urls, InProcess(service))
        try:
            yield under_test
            if checked:
                under_test.assert_kept()
        finally:
            await under_test.close()
            await service.database.close()


@asynccontextmanager
async def running[T: RunningService](
    spec: ServiceSpec,
    databases: DatabaseFactory,
    kafka: str,
    prefix: str,
    *,
    partitions: int | None = 2,
    clock: datetime | None = None,
    of: type[T] = RunningService,
    **settings: Any,
) -> AsyncIterator[T]:
    """The service with all roles on Kafka until the block ends; its topics are deleted then.

    partitions: of its topics in the test; None: as specified. The rest as `in_process`.
    """
    spec = _with_partitions(spec, partitions)
    with lent_database(databases, spec.package, clock=clock) as urls, TemporaryDirectory() as folder:
        configured = _settings(
            spec, urls, folder, kafka=kafka, topic_prefix=prefix, heartbeat_interval=1.0, **settings
        )
        used = sorted({*spec.inbound, *(t.name for t in spec.own_topics)})
        await ensure_topics(kafka, [spec.topics[name] for name in used], prefix=prefix)
        service = Service(spec, configured, frozenset({"api", "worker", "relay"}))
        under_test = of(service, urls, OverKafka(service, kafka, prefix))
        parts = [part.run() for part in (service.relay, service.consumer) if part is not None]
        if service.work is not None:
            parts.append(service.work.lanes.run_chunks(service.work.handler))
        parts += [loop(service.runtime) for loop in spec.loops]
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            yield under_test
        finally:
            await under_test.close()
            await end_all(tasks)
            await service.database.close()
            await asyncio.to_thread(_delete_topics, kafka, [prefix + name for name in used])


def _delete_topics(kafka: str, names: Sequence[str]) -> None:
    maker = TopicMaker(kafka)
    try:
        maker.delete(*names)
    finally:
        maker.close()


def _with_partitions(spec: ServiceSpec, partitions: int | None) -> ServiceSpec:
    if partitions is None:
        return spec
    return replace(
        spec,
        topics={name: replace(t, partitions=partitions) for name, t in spec.topics.items()},  # pyright: ignore[reportArgumentType]
    )


def _settings(spec: ServiceSpec, urls: ServiceDatabase, folder: str, **more: Any) -> Any:
    keys = Path(folder) / "keys.json"
    keys.write_text(json.dumps(public_set([KEY])))
    return spec.settings(
        **{
            "service": spec.name,
            "mode": Mode.TEST,
            "database_url": urls.app_url,
            "kafka": NO_KAFKA,
            "internal_keys": keys,
            "state_dir": Path(folder),
            **more,
        }
    )
