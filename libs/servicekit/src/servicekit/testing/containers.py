"""Test servers in containers (`--backend=containers`), for a machine with a Docker engine.

The programs' ports are published on the loopback alone. testcontainers' own clean-up container (Ryuk) is not used
unless TESTCONTAINERS_RYUK_DISABLED says `false`: it would need one more image, and whoever starts a container here
removes it, or the next run does (`servicekit.testing.keeper`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psycopg

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.kafka import answers
from servicekit.embedded.ports import HOST, free_port
from servicekit.testing.polling import eventually_sync

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
START_DEADLINE = 240.0
"""Seconds until a started program has to answer."""

_KAFKA_PORT = 9092
_KAFKA_DATA = "/var/lib/kafka/data"
_KAFKA_SETTINGS: Mapping[str, str] = {
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "KAFKA_LISTENERS": f"PLAINTEXT://:{_KAFKA_PORT},CONTROLLER://:9093",
    "KAFKA_LOG_DIRS": _KAFKA_DATA,
    "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
    "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
    "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
    "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
    "KAFKA_LOG_SEGMENT_DELETE_DELAY_MS": "1000",
    # After a crash the controller takes the broker back only when its earlier session has run out.
    "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
    "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
    "KAFKA_HEAP_OPTS": "-Xms64m -Xmx384m",
}

Started = tuple[dict[str, Any], Callable[[], None]]


class Container:
    """One program in a container; the port that it listens on is published on the loopback.

    Args:
        program: its name, for messages.
        image: what runs.
        container_port: where the program listens inside.
        environment: its settings.
        command: arguments, as a shell would split them.
        mount: a directory of the host and where it is seen inside, or None.

    Raises:
        EmbeddedServerError: no container engine answers.
    """

    def __init__(
        self,
        program: str,
        image: str,
        container_port: int,
        environment: Mapping[str, str],
        *,
        port: int,
        command: str = "",
        mount: tuple[Path, str] | None = None,
    ) -> None:
        os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
        self.program = program
        self.port = port
        try:
            from testcontainers.core.container import DockerContainer

            made: Any = DockerContainer(image)
        except Exception as error:
            raise EmbeddedServerError(program, f"no container engine answers: {error}") from error
        # with_bind_ports() knows no address, and a test server is nobody else's.
        made.ports[str(container_port)] = (HOST, port)
        for name, value in environment.items():
            made.with_env(name, value)
        if command:
            made.with_command(command)
        if mount:
            # As the caller, so that what the program writes can be changed and removed by the caller.
            made.with_volume_mapping(str(mount[0]), mount[1], "rw").with_kwargs(user=f"{os.getuid()}:0")
        self._made = made

    @property
    def running(self) -> bool:
        """Whether the program lives."""
        if self._made._container is None:
            return False
        wrapped = self._made.get_wrapped_container()
        wrapped.reload()
        return wrapped.status == "running"

    def create(self) -> str:
        """Start it for the first time; returns the container's id.

        Raises:
            EmbeddedServerError: no such image, or the engine refuses.
        """
        try:
            self._made.start()
        except Exception as error:
            self.remove()
            raise EmbeddedServerError(
                self.program, f"the image {self._made.image} does not start: {error}", port=self.port
            ) from error
        return self._made.get_wrapped_container().id

    def start_again(self) -> None:
        """Start the same container after `stop` or `kill9`."""
        self._made.get_wrapped_container().start()

    def stop(self) -> None:
        """Stop cleanly, by force after 30 s; the container stays."""
        self._made.get_wrapped_container().stop(timeout=30)

    def kill9(self) -> None:
        """Kill the program with SIGKILL; the container stays."""
        self._made.get_wrapped_container().kill("SIGKILL")

    def remove(self) -> None:
        """Remove the container and its unnamed volumes; nothing happens when it is gone."""
        with contextlib.suppress(Exception):
            self._made.stop()

    def wait(self, check: Callable[[], bool]) -> None:
        """Return when `check` is true; a program that ended, or that never answers, is an EmbeddedServerError."""

        def answered() -> bool:
            if not self.running:
                raise EmbeddedServerError(self.program, f"it ended: {self._last_words()}", port=self.port)
            return check()

        try:
            eventually_sync(answered, deadline=START_DEADLINE, every=0.25)
        except TimeoutError as error:
            raise EmbeddedServerError(
                self.program, f"no answer on port {self.port} after {START_DEADLINE:g} s", port=self.port
            ) from error

    def _last_words(self) -> str:
        text = self._made.get_wrapped_container().logs(tail=5).decode(errors="replace").strip()
        return text[-500:] or "it said nothing"


class KafkaContainer:
    """`apache/kafka:4.3.1` as one node whose data lie in a directory of this machine: the faults of `KafkaServer`.

    The cluster's id is the image's own, also after its data were deleted: that is what a lost volume looks like.

    Args:
        data_dir: the broker's data, made when it is not there.
        announce: is given the container's id.
    """

    def __init__(self, data_dir: Path, announce: Callable[[str], object] = lambda _: None) -> None:
        self._announce = announce
        self.data_dir = data_dir.absolute()
        self.port = free_port(hold=False)
        self._container: Container | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; it stays the same over restarts."""
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the broker lives."""
        return self._container is not None and self._container.running

    def start(self) -> Self:
        """Start the broker and return when it is registered and answers.

        Raises:
            EmbeddedServerError: no engine, no image, or no answer within four minutes.
        """
        if self.running:
            return self
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if self._container is None:
            self._container = _kafka(self.port, (self.data_dir, _KAFKA_DATA))
            self._announce(self._container.create())
        else:
            self._container.start_again()
        self._container.wait(lambda: answers(self.bootstrap))
        return self

    def stop(self) -> None:
        """Stop cleanly."""
        if self._container is not None:
            self._container.stop()

    def kill9(self) -> None:
        """Kill the broker with SIGKILL; nothing happens when it does not run."""
        if self._container is not None and self.running:
            self._container.kill9()

    def remove(self) -> None:
        """Kill the broker and remove its container; the data directory stays."""
        if self._container is not None:
            self._container.remove()
            self._container = None


def start_postgres(announce: Callable[[str], None]) -> Started:
    """Start `postgres:18`; `announce` is given the container's id.

    Raises:
        EmbeddedServerError: no engine, no image, or no answer within four minutes.
    """
    port = free_port(hold=False)
    container = Container(
        "PostgreSQL",
        POSTGRES_IMAGE,
        5432,
        {"POSTGRES_PASSWORD": "test"},
        port=port,
        command="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300",
    )
    url = f"postgresql://postgres:test@{HOST}:{port}/postgres"

    def reached() -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    return _shared(container, reached, announce, {"url": url})


def start_kafka(announce: Callable[[str], None]) -> Started:
    """Start `apache/kafka:4.3.1` as one node; `announce` is given the container's id.

    Raises:
        EmbeddedServerError: no engine, no image, or no answer within four minutes.
    """
    port = free_port(hold=False)
    bootstrap = f"{HOST}:{port}"
    return _shared(_kafka(port), lambda: answers(bootstrap), announce, {"bootstrap": bootstrap})


def _shared(
    container: Container, check: Callable[[], bool], announce: Callable[[str], None], state: dict[str, Any]
) -> Started:
    announce(container.create())
    try:
        container.wait(check)
    except EmbeddedServerError:
        container.remove()
        raise
    return state, container.remove


def _kafka(port: int, mount: tuple[Path, str] | None = None) -> Container:
    settings = {**_KAFKA_SETTINGS, "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://{HOST}:{port}"}
    return Container("Kafka", KAFKA_IMAGE, _KAFKA_PORT, settings, port=port, mount=mount)
