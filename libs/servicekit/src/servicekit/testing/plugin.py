"""The pytest plugin: `pytest_plugins = ["servicekit.testing.plugin"]` in the top conftest.py.

| fixture | scope | what |
|---|---|---|
| `postgres` | session | PostgresAdmin of a PostgreSQL 18 that the processes of the run share |
| `kafka` | session | `host:port` of a Kafka 4 that the processes of the run share |
| `database_factory` | function | `database_factory(template=None)` makes a private Database, dropped after the test |
| `topic_prefix` | function | a prefix that no other test has |
| `make_topics` | function | `make_topics("a", "b", partitions=3)` makes private topics, deleted after the test |
| `private_postgres` | function | a started PostgresServer of the test's own, for faults |
| `private_kafka` | function | a started KafkaServer of the test's own, for faults |
| `make_private_kafka` | session | `make_private_kafka(folder)` makes a broker for faults where the run's servers live |

The servers start when a collected test needs them, and end with the last process of the run. Each test that uses
one bears the marker `infra`: `-m "not infra"` leaves only those that need none.

`ATTEST_TEST_POSTGRES_URL` (a superuser's `postgresql://` URL) and `ATTEST_TEST_KAFKA` (`host:port`) name running
servers instead, so that several runs can share them: `python -m servicekit.testing.servers` runs a pair.
`--backend=containers` takes the shared ones, and those of `make_private_kafka`, from a container engine.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
import structlog
from hypothesis import HealthCheck, settings

from servicekit.embedded import KafkaServer, PostgresServer
from servicekit.testing.databases import Database, DatabaseFactory, PostgresAdmin, Template
from servicekit.testing.keeper import ContainerNote, SharedServer, sweep
from servicekit.testing.topics import TopicMaker

POSTGRES_VARIABLE = "ATTEST_TEST_POSTGRES_URL"
KAFKA_VARIABLE = "ATTEST_TEST_KAFKA"

_FIXTURES = {"postgres", "kafka", "private_postgres", "private_kafka", "make_private_kafka"}
_KEY = pytest.StashKey["Servers"]()


class DatabaseMaker(Protocol):
    """The type of `database_factory`."""

    def __call__(self, template: Template | None = None) -> Database: ...


class TopicsMaker(Protocol):
    """The type of `make_topics`."""

    def __call__(
        self, *names: str, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> list[str]: ...


class BreakableKafka(Protocol):
    """A broker of somebody's own: `KafkaServer` as a process, `KafkaContainer` in a container."""

    @property
    def bootstrap(self) -> str: ...

    @property
    def running(self) -> bool: ...

    @property
    def data_dir(self) -> Path: ...

    def start(self) -> object: ...

    def stop(self) -> None: ...

    def kill9(self) -> None: ...


class Servers:
    """The shared servers as one process of a run sees them."""

    def __init__(self, config: pytest.Config) -> None:
        self.backend = config.getoption("--backend")
        given = getattr(config, "workerinput", {})
        self.worker = given.get("workerid", "main")
        # xdist tells its workers which run they belong to; the controller of a run starts no server.
        self.run = f"r{given.get('testrunuid', config.option.testrunuid)[:12]}"
        self._shared: dict[str, SharedServer] = {}

    def shared(self, kind: str) -> SharedServer:
        """The server of that kind, not necessarily started."""
        if kind not in self._shared:
            self._shared[kind] = SharedServer(kind, self.run, self.backend)  # type: ignore[arg-type]
        return self._shared[kind]

    def leave(self) -> None:
        """Let go of all."""
        for server in self._shared.values():
            server.leave()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--backend`, `--shuffle` and `--deep`."""
    parser.addoption(
        "--backend",
        choices=("embedded", "containers"),
        default="embedded",
        help="where the shared PostgreSQL and Kafka come from",
    )
    parser.addoption("--shuffle", metavar="SEED", help="run the tests of each module in another order")
    parser.addoption(
        "--deep", action="store_true", help="five times the examples of each law, faults repeated"
    )


def _plain_logs() -> None:
    """A fault that a test provokes is logged with a plain traceback: the coloured one takes seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )


def _laws(*, deep: bool) -> None:
    """How many examples Hypothesis draws for a law that says nothing itself: 40, or 200 with `--deep`."""
    shared = settings(
        deadline=None,
        database=None,
        # A module's database is emptied by the law itself; states of many topics are large.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )
    settings.register_profile("quick", shared, max_examples=40)
    settings.register_profile("deep", shared, max_examples=200)
    settings.load_profile("deep" if deep else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Remove what killed runs left, once a run."""
    if not getattr(config.option, "testrunuid", None):
        # Set before xdist does, so that the controller of a run knows the name of what its workers make.
        config.option.testrunuid = uuid.uuid4().hex
    config.stash[_KEY] = Servers(config)
    _plain_logs()
    _laws(deep=bool(config.getoption("--deep")))
    if not hasattr(config, "workerinput"):
        sweep()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the shared servers."""
    servers = config.stash.get(_KEY, None)
    if servers is None:
        return
    servers.leave()
    url = os.environ.get(POSTGRES_VARIABLE)
    if url and servers.worker == "main" and not config.option.collectonly:
        # On a server of somebody else nothing may stay; that of the run is removed as a whole.
        factory = DatabaseFactory(PostgresAdmin.from_url(url), servers.run, servers.worker)
        factory.drop_all()
        factory.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """Mark the tests that need a server, before `-m` selects; keep the tests of a module on one worker, and begin
    with what takes longest."""
    for test in items:
        if _FIXTURES.intersection(getattr(test, "fixturenames", ())):
            test.add_marker(pytest.mark.infra)
    seed = config.getoption("--shuffle")
    if seed is not None:
        _shuffle(items, seed)
    ranks: dict[str, int] = {}
    for test in items:
        group = test.get_closest_marker("xdist_group")
        if group is None:
            group = pytest.mark.xdist_group(test.nodeid.split("::", 1)[0]).mark
            test.add_marker(pytest.mark.xdist_group(*group.args))
        slow = test.get_closest_marker("slow") is not None
        rank = 0 if "/" not in group.args[0] else 1 if slow else 2
        ranks[group.args[0]] = min(rank, ranks.get(group.args[0], rank))
    items.sort(key=lambda test: ranks[_group(test)])


def _group(test: pytest.Function) -> str:
    group = test.get_closest_marker("xdist_group")
    assert group is not None
    return group.args[0]


def _shuffle(items: list[pytest.Function], seed: str) -> None:
    """Another order within each module; the tests of a named group tell a story, and keep theirs."""
    dice = random.Random(seed)  # noqa: S311 - an order, no secret
    modules: dict[str, list[int]] = {}
    for place, test in enumerate(items):
        if test.get_closest_marker("xdist_group") is None:
            modules.setdefault(test.nodeid.split("::", 1)[0], []).append(place)
    for places in modules.values():
        order = [items[place] for place in places]
        dice.shuffle(order)
        for place, test in zip(places, order, strict=True):
            items[place] = test


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers that the selected tests need side by side, ahead of the first of them."""
    config = session.config
    if getattr(config.option, "loadgroup", False):
        split = [
            t.nodeid for t in session.items if any(t.iter_markers("xdist_group")) and "@" not in t.nodeid
        ]
        if split:
            raise pytest.UsageError(f"pytest-xdist does not keep the group of {split[0]} together")
    if config.option.collectonly or getattr(config.option, "numprocesses", None):
        return
    needed = {name for test in session.items for name in getattr(test, "fixturenames", ())}
    for kind, variable in (("kafka", KAFKA_VARIABLE), ("postgres", POSTGRES_VARIABLE)):
        if kind in needed and not os.environ.get(variable):
            config.stash[_KEY].shared(kind).prefetch()


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> PostgresAdmin:
    """The shared PostgreSQL 18, reached as superuser.

    Example:
        >>> def test_version(postgres):
        ...     with postgres.connect() as connection:
        ...         assert connection.info.server_version >= 180000
    """
    url = os.environ.get(POSTGRES_VARIABLE) or pytestconfig.stash[_KEY].shared("postgres").state()["url"]
    return PostgresAdmin.from_url(url)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """The shared Kafka 4: `host:port` for `bootstrap_servers`. Topics are not created by themselves.

    Example:
        >>> async def test_send(kafka, make_topics):
        ...     [topic] = make_topics("orders")
        ...     producer = AIOKafkaProducer(bootstrap_servers=kafka)
    """
    given = os.environ.get(KAFKA_VARIABLE)
    return given or str(pytestconfig.stash[_KEY].shared("kafka").state()["bootstrap"])


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config, postgres: PostgresAdmin) -> Iterator[DatabaseFactory]:
    """Makes databases that live longer than a test; `database_factory` serves most tests better.

    Example:
        >>> @pytest.fixture(scope="module")
        ... def history(databases):
        ...     database = databases.create(PARTS)
        ...     yield database
        ...     databases.drop(database)
    """
    servers = pytestconfig.stash[_KEY]
    factory = DatabaseFactory(postgres, servers.run, servers.worker)
    yield factory
    factory.close()


@pytest.fixture
def database_factory(databases: DatabaseFactory) -> Iterator[DatabaseMaker]:
    """Make private databases, dropped after the test with all sessions that it left open.

    Example:
        >>> PARTS = Template("parts", lambda database: migrate(database.url))
        >>> def test_insert(database_factory):
        ...     database = database_factory(PARTS)
        ...     with database.connect() as connection:
        ...         connection.execute("INSERT INTO part VALUES (1)")
    """
    made: list[Database] = []

    def make(template: Template | None = None) -> Database:
        made.append(databases.create(template))
        return made[-1]

    yield make
    for database in made:
        databases.drop(database)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topic and group names that no other test has, e.g. ``t3f9a1c27b0d4.``."""
    return f"t{uuid.uuid4().hex[:12]}."


@pytest.fixture(scope="session")
def _topics(kafka: str) -> Iterator[TopicMaker]:
    maker = TopicMaker(kafka)
    yield maker
    maker.close()


@pytest.fixture
def make_topics(_topics: TopicMaker, topic_prefix: str) -> Iterator[TopicsMaker]:
    """Make topics named `topic_prefix` + name, ready for use; returns the complete names.

    Example:
        >>> def test_topics(make_topics):
        ...     orders, parts = make_topics("orders", "parts", partitions=12)
    """
    made: list[str] = []

    def make(*names: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> list[str]:
        complete = [topic_prefix + name for name in names]
        _topics.create(*complete, partitions=partitions, config=config)
        made.extend(complete)
        return complete

    yield make
    _topics.delete(*made)


@pytest.fixture(scope="session")
def make_private_kafka(pytestconfig: pytest.Config) -> Iterator[Callable[[Path], BreakableKafka]]:
    """Make brokers, not yet started, for kill -9, deleted data and the like; they end with the session.

    The argument is an empty folder. With `--backend=containers` it is a container whose data lie in that folder.

    Example:
        >>> def test_new_cluster(make_private_kafka, tmp_path):
        ...     broker = make_private_kafka(tmp_path)
        ...     broker.start()
        ...     broker.kill9()
        ...     shutil.rmtree(broker.data_dir)
        ...     broker.start()
    """
    servers = pytestconfig.stash[_KEY]
    ends: list[Callable[[], None]] = []

    def make(folder: Path) -> BreakableKafka:
        if servers.backend == "containers":
            from servicekit.testing.containers import KafkaContainer

            note = ContainerNote(servers.run, f"private-kafka-{servers.worker}-{len(ends)}")
            broker = KafkaContainer(folder / "data", note.write)
            ends.extend((broker.remove, note.close))
            return broker
        server = KafkaServer(folder / "data", log=folder / "kafka.log")
        ends.append(server.kill9)
        return server

    yield make
    for end in ends:
        end()


@pytest.fixture
def private_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own, for kill -9, deleted data and the like.

    Example:
        >>> def test_crash(private_postgres):
        ...     private_postgres.kill9()
        ...     private_postgres.start()
    """
    server = PostgresServer(tmp_path / "postgres", log=tmp_path / "postgres.log", fast=True)
    yield from _private(server.start, server.kill9, server)


@pytest.fixture
def private_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A Kafka of the test's own, for kill -9, deleted data and the like.

    Example:
        >>> def test_new_cluster(private_kafka):
        ...     private_kafka.kill9()
        ...     shutil.rmtree(private_kafka.data_dir)
        ...     private_kafka.start()
    """
    server = KafkaServer(tmp_path / "kafka", log=tmp_path / "kafka.log")
    yield from _private(server.start, server.kill9, server)


def _private[T](start: Callable[[], object], kill: Callable[[], None], server: T) -> Iterator[T]:
    start()
    try:
        yield server
    finally:
        kill()
