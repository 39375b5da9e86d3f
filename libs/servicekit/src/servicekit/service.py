"""The composition of a service: one description, one process, several roles.

`run(spec)` reads the settings, migrates (when it has the owner's URL), and runs what the roles ask
for in one event loop until a signal or a failure: `api` (HTTP), `worker` (consumers and lanes), `relay` (outbox, audit
announcements, heartbeat), `all`. Without `api` only `/livez` and `/readyz` are answered. A part that fails ends the process with a non-zero exit code and one line on stderr:
whoever started it decides what happens next.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI
from sqlalchemy.exc import DBAPIError

from servicekit import telemetry
from servicekit.bus import (
    Consumer,
    Contracts,
    DeadLetters,
    Fold,
    Intake,
    Relay,
    Subscription,
    TopicSpec,
    configure,
)
from servicekit.bus.subscription import Archive
from servicekit.db import Database
from servicekit.db.audit import announce_audit_forever
from servicekit.db.migrate import migrate
from servicekit.health import Health, watch
from servicekit.http.app import make_app
from servicekit.http.caller import TokenVerifier
from servicekit.http.internal import internal_router
from servicekit.http.signing import Signables, signing_router
from servicekit.lanes import ChunkHandler, Lanes
from servicekit.policy import Policy
from servicekit.settings import ServiceSettings
from servicekit.signing import Signable
from servicekit.tasks import end_all

log = structlog.get_logger(__name__)

ROLES = ("api", "worker", "relay")
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Runtime:
    """What the parts of a running service share."""

    settings: ServiceSettings
    database: Database


@dataclass(frozen=True)
class LaneWork:
    """Lanes and what is done with a chunk of them."""

    lanes: Lanes
    handler: ChunkHandler


@dataclass(frozen=True)
class ServiceSpec:
    """A service as data.

    package: where `migrations/` and `db/tables.py` are. topics: all of the installation; those named `<name>.*` are
    this service's own. inbound: topic -> fold, or a Subscription where every version matters. validate: checks what
    is announced. contracts: make typed events of what is read. lanes: how marks are worked off. background: further loops of the
    worker role. archive: gets every consumed record, duplicates included. public: paths that need no token.
    """

    name: str
    package: str
    version: str
    topics: Mapping[str, TopicSpec]
    policy: Policy
    validate: Callable[[str, Any], None]
    routers: Sequence[APIRouter]
    contracts: Contracts | None = None
    inbound: Mapping[str, Fold | Subscription] = field(default_factory=dict)
    archive: Archive | None = None
    lanes: Callable[[Runtime], LaneWork] | None = None
    signables: Mapping[str, Signable[Any]] = field(default_factory=dict)
    background: Sequence[Callable[[Runtime], Awaitable[None]]] = ()
    look: Callable[[Runtime], Awaitable[int]] | None = None
    """Marks what the passing of time alone changes and returns how many marks it made; the worker role repeats it."""
    state: Callable[[Runtime], dict[str, Any]] | None = None
    app: Callable[[FastAPI, Runtime], None] | None = None
    """Last touch on the application: middleware, static files."""
    public: frozenset[str] = frozenset()
    settings: type[ServiceSettings] = ServiceSettings

    @property
    def loops(self) -> Sequence[Callable[[Runtime], Awaitable[None]]]:
        """What the worker role runs beside consumer and lanes."""
        return self.background if self.look is None else [*self.background, _repeated(self.look)]

    @property
    def own_topics(self) -> list[TopicSpec]:
        return [topic for topic in self.topics.values() if topic.name.split(".", 1)[0] == self.name]


def _repeated(look: Callable[[Runtime], Awaitable[int]]) -> Callable[[Runtime], Awaitable[None]]:
    async def looks(runtime: Runtime) -> None:
        while True:
            try:
                found = await look(runtime)
            except (DBAPIError, OSError) as error:
                log.warning("looks", error=type(error).__name__)
                found = 0
            if not found:
                await asyncio.sleep(_LOOK_SECONDS)

    return looks


class Service:
    """A service put together from its spec and settings; `serve` runs it."""

    def __init__(self, spec: ServiceSpec, settings: ServiceSettings, roles: frozenset[str]) -> None:
        self.spec = spec
        self.settings = settings
        self.roles = roles
        self.database = Database(
            settings.database_url,
            source=spec.name,
            pool_size=settings.database_pool,
            application_name=f"{spec.name}-svc",
        )
        self.runtime = Runtime(settings, self.database)
        configure(spec.topics, validate=spec.validate)
        self.relay: Relay | None = None
        if "relay" in roles:
            self.relay = Relay(
                settings.database_url,
                settings.kafka,
                spec.own_topics,
                prefix=settings.topic_prefix,
                heartbeat_interval=settings.heartbeat_interval,
            )
        self.intake = Intake(spec.contracts)
        self.dead_letters: DeadLetters | None = None
        if spec.inbound:
            subscriptions = {
                topic: fold if isinstance(fold, Subscription) else Subscription(fold)
                for topic, fold in spec.inbound.items()
            }
            self.dead_letters = DeadLetters(spec.name, self.database, subscriptions, self.intake)
        self.consumer: Consumer | None = None
        if "worker" in roles and spec.inbound:
            self.consumer = Consumer(
                spec.name,
                self.database,
                settings.kafka,
                spec.inbound,
                prefix=settings.topic_prefix,
                archive=spec.archive,
                specs=spec.topics.values(),
                intake=self.intake,
            )
        self.work = spec.lanes(self.runtime) if spec.lanes else None
        self.health = Health()

    def readiness(self) -> list[str]:
        """Why this process should get no traffic; empty when it is ready."""
        reasons: list[str] = []
        if self.relay is not None:
            reasons += self.relay.readiness()
        if self.consumer is not None:
            reasons += self.consumer.readiness()
        if self.work is not None and "worker" in self.roles:
            reasons += self.work.lanes.readiness()
        return reasons

    def app(self) -> FastAPI:
        """The application of the process: the service's own with the role `api`, else its health alone."""
        spec, settings = self.spec, self.settings
        verifier = TokenVerifier.from_file(settings.internal_keys, audience=spec.name)
        if "api" not in self.roles:
            return make_app(
                name=f"{spec.name}-svc",
                version=spec.version,
                routers=[],
                policy=spec.policy,
                verifier=verifier,
                readiness=self.readiness,
            )
        routers = [
            *spec.routers,
            internal_router(
                spec.name,
                self.database,
                marks=self.work.lanes.tables.dirty.fullname if self.work else None,
                dead_letters=self.dead_letters,
                version=spec.version,
                package=spec.package,
            ),
        ]
        if spec.signables:
            routers.append(
                signing_router(Signables(spec.signables, database=lambda request: request.app.state.database))
            )
        state: dict[str, Any] = {"database": self.database, "settings": settings}
        if spec.state is not None:
            state |= spec.state(self.runtime)
        app = make_app(
            name=f"{spec.name}-svc",
            version=spec.version,
            routers=routers,
            policy=spec.policy,
            verifier=verifier,
            readiness=self.readiness,
            state=state,
            public=spec.public,
        )
        if spec.app is not None:
            spec.app(app, self.runtime)
        telemetry.instrument(app)
        return app

    async def serve(self) -> None:
        """Runs until a signal or the first failure of a part."""
        server = _Server(
            uvicorn.Config(
                self.app(),
                host=self.settings.http_host,
                port=self.settings.http_port,
                ssl_certfile=self.settings.tls_certificate,
                ssl_keyfile=self.settings.tls_key,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=3,
            )
        )
        parts: dict[str, Awaitable[None]] = {"api": server.serve()}
        if self.relay is not None:
            parts["relay"] = self.relay.run()
            parts["audit"] = announce_audit_forever(self.database, wake=self.relay.announced)
        if self.consumer is not None:
            parts["consumer"] = self.consumer.run()
        if self.work is not None and "worker" in self.roles:
            parts["lanes"] = self.work.lanes.run_chunks(self.work.handler)
        if "worker" in self.roles:
            for loop in self.spec.loops:
                parts[getattr(loop, "__name__", "background")] = loop(self.runtime)
        if self.roles - {"api"}:
            parts["health"] = watch(
                self.health,
                self.database,
                self.spec.name,
                self.work.lanes if self.work else None,
                lag=self.consumer.lag if self.consumer is not None else dict,
            )
        # What was imported and put together stays for good: the collector would walk all of it, again and again, while
        # requests wait.
        gc.collect()
        gc.freeze()
        # A batch of typed events makes some ten thousand objects that die with it. With the default threshold the
        # collector walks them again and again while they live, which doubles the time of reading.
        gc.set_threshold(50_000, 20, 100)
        try:
            await _until_first_ends(parts, server)
        finally:
            await self.database.close()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service's loop has them."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


class PartFailedError(Exception):
    """A part of the service ended; the message names it."""


async def _until_first_ends(parts: Mapping[str, Awaitable[None]], server: _Server) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    running: dict[asyncio.Future[Any], str] = {
        asyncio.ensure_future(part): name for name, part in parts.items()
    }
    stopping = asyncio.ensure_future(stop.wait())
    done, _ = await asyncio.wait([*running, stopping], return_when=asyncio.FIRST_COMPLETED)
    # Requests in hand are answered before the parts that they need go.
    server.should_exit = True
    api = next(task for task, name in running.items() if name == "api")
    await asyncio.wait([api], timeout=5)
    await end_all(running)
    stopping.cancel()
    for task in done:
        if task in running:
            error = None if task.cancelled() else task.exception()
            raise PartFailedError(f"{running[task]} ended: {error!r}") from error


async def prepare(spec: ServiceSpec, settings: ServiceSettings) -> None:
    """Migrates the database; safe to repeat. Topics are made by the relay and the consumers when they connect, so that
    a service whose Kafka is away serves what it can."""
    if settings.owner_database_url:
        await asyncio.to_thread(
            migrate,
            settings.owner_database_url,
            spec.package,
            settings.mode.value,
            clock_offset=timedelta(seconds=settings.clock_offset),
            service=spec.name,
        )


def _own_trace_file(spec: ServiceSpec, settings: ServiceSettings, roles: frozenset[str]) -> Path | None:
    """`spans.jsonl` is `matters-spans.jsonl` of the service: two processes do not write one file."""
    asked = settings.trace_file
    if asked is None or not asked.name:
        return None
    part = "" if "api" in roles else "-".join(["", *sorted(roles)])
    return asked.with_name(f"{spec.name}{part}-{asked.name}")


def run(spec: ServiceSpec, argv: Sequence[str] | None = None) -> None:
    """The `main` of a service."""
    parser = argparse.ArgumentParser(prog=f"{spec.name}-svc")
    parser.add_argument("--roles", default="all", help="api, worker, relay (comma separated) or all")
    parser.add_argument("--no-prepare", action="store_true", help="do not migrate")
    arguments = parser.parse_args(argv)
    roles = frozenset(ROLES if arguments.roles == "all" else arguments.roles.split(","))
    if not roles <= set(ROLES):
        parser.error(f"roles are of {', '.join(ROLES)}")
    settings = spec.settings()  # pyright: ignore[reportCallIssue] - from the environment
    telemetry.set_up(spec.name, level=settings.log_level, trace_file=_own_trace_file(spec, settings, roles))

    async def main() -> None:
        if not arguments.no_prepare:
            await prepare(spec, settings)
        await Service(spec, settings, roles).serve()

    try:
        uvloop.run(main())
    except Exception as error:
        # One line for whoever started us; the rest is in the log above it.
        log.error("stopped", error=repr(error), exc_info=error)
        print(f"{spec.name}-svc: {type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        sys.exit(1)
