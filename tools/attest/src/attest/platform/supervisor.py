"""Starts a platform, watches it, and stops all of it when one part ends.

Nothing is restarted in silence: a part that ends takes the platform down with a non-zero code and one line on
standard error, so that whoever runs it (a terminal, systemd) decides. Standard output carries the progress.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

import httpx
from servicekit.embedded import EmbeddedServerError, GuardedProcess, KafkaServer, PostgresServer
from servicekit.embedded.files import require_space
from servicekit.embedded.ports import require_free

from attest.platform.provision import provision
from attest.platform.spec import Endpoints, Plan, ProcessSpec
from attest.platform.state import PlatformError, StateDir

NEEDED_BYTES = 512 * 2**20
"""Free bytes without which nothing starts: databases that run full recover badly."""

_POLL_S = 0.05
# The recovery of a large database after a crash counts.
_SERVER_DEADLINE_S = 300.0
# A download that is under way is not waited for longer.
_GIVE_UP_S = 5.0


def say(line: str) -> None:
    """Write a progress line to standard output."""
    print(line, flush=True)


class Stopped(Exception):
    """A signal asked for the end."""


@dataclass
class _Running:
    spec: ProcessSpec
    process: GuardedProcess
    since: float
    ready: bool = False
    answer: str = "no answer"


@dataclass
class _Server:
    """A server that starts in a thread of its own."""

    name: str
    start: Callable[[], object]
    kill: Callable[[], None]
    failure: BaseException | None = None
    seconds: float = 0.0
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        begin = time.monotonic()
        try:
            self.start()
        except BaseException as error:
            self.failure = error
        self.seconds = time.monotonic() - begin


class Supervisor:
    """One run of a platform.

    Example:
        >>> sys.exit(Supervisor(StateDir(Path(".attest")), plan).run())

    Args:
        state: where everything is kept.
        plan: what to run.
        postgres_url: a running PostgreSQL, reached by a role that may create roles and databases; by default an
            embedded one.
        kafka: `host:port` of a running Kafka; by default an embedded one.
        postgres_port: of the embedded server, 0 for a free one.
        kafka_port: of the embedded server, 0 for a free one.
        output: takes progress lines.
    """

    def __init__(
        self,
        state: StateDir,
        plan: Plan,
        *,
        postgres_url: str = "",
        kafka: str = "",
        postgres_port: int = 0,
        kafka_port: int = 0,
        output: Callable[[str], None] = say,
    ) -> None:
        self.state = state
        self.plan = plan
        self.output = output
        self._postgres_url = postgres_url
        self._kafka_address = kafka
        self._ports = (postgres_port, kafka_port)
        self._postgres: PostgresServer | None = None
        self._kafka: KafkaServer | None = None
        self._servers: list[_Server] = []
        self._running: dict[str, _Running] = {}
        self._announced: object = None
        self._ready = False
        self._signals = 0
        self._begin = time.monotonic()

    def run(self) -> int:
        """Run until a signal or a failure; return the exit code.

        SIGINT and SIGTERM stop everything with code 0, a second one at once.
        """
        try:
            with self.state.held():
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, self._signalled)
                try:
                    self._start()
                    self._watch()
                except Stopped:
                    self.output("stopping")
                    return 0
                finally:
                    self._stop()
        except (PlatformError, EmbeddedServerError) as error:
            print(str(error), file=sys.stderr, flush=True)
            return 1
        except OSError as error:
            print(
                f"Attest: {error.filename or self.state.path}: {error.strerror}", file=sys.stderr, flush=True
            )
            return 1
        return 0

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _pause(self) -> None:
        if self._signals:
            raise Stopped
        time.sleep(_POLL_S)

    # --- start

    def _start(self) -> None:
        require_space("Attest", self.state.path, NEEDED_BYTES)
        for name, port in self.plan.ports.items():
            require_free(name, port)
        self._start_servers()
        specs = self.plan.processes(self._endpoints())
        self._check(specs)
        waiting = {spec.name: spec for spec in specs}
        ready: set[str] = {"postgres", "kafka"}
        while waiting or any(not running.ready for running in self._running.values()):
            for spec in [spec for spec in waiting.values() if ready.issuperset(spec.needs)]:
                self._launch(waiting.pop(spec.name))
            for running in self._running.values():
                if not running.ready and self._becomes_ready(running):
                    ready.add(running.spec.name)
            self._require_alive()
            self._announce()
            if waiting or len(ready) < len(self._running) + 2:
                self._pause()
        self._ready = True
        self._announce()
        self.output(f"ready after {time.monotonic() - self._begin:.1f} s")
        for line in ([f"open {self.plan.address}"] if self.plan.address else []) + list(self.plan.hint):
            self.output(line)

    def _start_servers(self) -> None:
        state = self.state
        if not self._postgres_url:
            self._postgres = PostgresServer(
                state.postgres,
                self._ports[0],
                state.log("postgres"),
                password=state.password("postgres"),
                deadline=_SERVER_DEADLINE_S,
            )
        servers = self._servers
        kill = self._postgres.kill9 if self._postgres is not None else lambda: None
        servers.append(_Server("PostgreSQL", self._start_postgres, kill))
        if not self._kafka_address:
            self._kafka = KafkaServer(
                state.kafka,
                self._ports[1],
                state.log("kafka"),
                deadline=_SERVER_DEADLINE_S,
                say=self.output,
            )
            servers.append(_Server("Kafka", self._kafka.start, self._kafka.kill9))
        told: set[str] = set()
        while len(told) < len(servers):
            for server in servers:
                if server.failure is not None:
                    raise server.failure
                if server.name not in told and not server.thread.is_alive():
                    told.add(server.name)
                    self.output(f"{server.name} ready ({server.seconds:.1f} s)")
            self._pause()

    def _start_postgres(self) -> None:
        url = self._postgres_url
        if self._postgres is not None:
            self._postgres.start()
            url = self._postgres.url("postgres")
        try:
            provision(url, self.plan.databases, self.state.password)
        except OSError as error:
            raise PlatformError(f"PostgreSQL: {error}") from error
        except Exception as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise PlatformError(f"PostgreSQL: cannot make databases and roles: {first}") from error

    def _endpoints(self) -> Endpoints:
        if self._postgres is not None:
            postgres = f"{self._postgres.host}:{self._postgres.port}"
        else:
            postgres = self._postgres_url.rsplit("@", 1)[-1].split("/", 1)[0]
        kafka = self._kafka.bootstrap if self._kafka is not None else self._kafka_address
        return Endpoints(postgres, kafka, self.state.password, self.state.path)

    def _check(self, specs: Sequence[ProcessSpec]) -> None:
        known = {"postgres", "kafka", *(spec.name for spec in specs)}
        for spec in specs:
            if missing := set(spec.needs) - known:
                raise PlatformError(
                    f"{spec.name}: needs {', '.join(sorted(missing))}, which is not in the plan"
                )
            if spec.port is not None:
                require_free(spec.name, spec.port, self.state.log(spec.name))

    def _launch(self, spec: ProcessSpec) -> None:
        process = GuardedProcess(
            spec.name,
            spec.argv,
            log=self.state.log(spec.name),
            env={**os.environ, **spec.env},
            grace=20,
        )
        process.start()
        self._running[spec.name] = _Running(spec, process, time.monotonic())

    def _becomes_ready(self, running: _Running) -> bool:
        waited = time.monotonic() - running.since
        spec = running.spec
        if spec.ready_url is not None:
            running.answer = _ask(spec.ready_url)
            if running.answer != "200":
                if waited > spec.deadline:
                    raise PlatformError(
                        f"{spec.name}: not ready after {spec.deadline:g} s, {spec.ready_url} says: "
                        f"{running.answer} (log: {running.process.log})"
                    )
                return False
        running.ready = True
        self.output(f"{spec.name} ready ({waited:.1f} s)")
        return True

    # --- run

    def _watch(self) -> None:
        while True:
            self._require_alive()
            self._pause()

    def _require_alive(self) -> None:
        for name, process in self._processes().items():
            code = process.poll()
            if code is not None:
                last = next((line for line in reversed(process.tail().splitlines()) if line.strip()), "")
                how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
                reason = f": {' '.join(last.split())[:300]}" if last else ""
                raise PlatformError(f"{name} {how}{reason} (log: {process.log})")

    def _processes(self) -> dict[str, GuardedProcess]:
        found: dict[str, GuardedProcess] = {}
        for name, server in (("PostgreSQL", self._postgres), ("Kafka", self._kafka)):
            if server is not None and server.process is not None:
                found[name] = server.process
        return found | {name: running.process for name, running in self._running.items()}

    def _announce(self) -> None:
        now = (self._ready, {name: process.pid for name, process in self._processes().items()})
        if now == self._announced:
            return
        self._announced = now
        self.state.announce(
            {
                "pid": os.getpid(),
                "address": self.plan.address,
                "ready": self._ready,
                "postgres": self._endpoints().postgres,
                "kafka": self._endpoints().kafka,
                "programs": {
                    name: {"pid": process.pid, "log": str(process.log)}
                    for name, process in self._processes().items()
                },
            }
        )

    # --- stop

    def _stop(self) -> None:
        """End the services side by side, then the servers side by side; a further signal kills what is left."""
        signals = self._signals
        end = time.monotonic() + _GIVE_UP_S
        while (starting := [s for s in self._servers if s.thread.is_alive()]) and time.monotonic() < end:
            # It has taken nothing yet that a clean end would save.
            for server in starting:
                server.kill()
            time.sleep(_POLL_S)
        for group in (
            [running.process for running in self._running.values()],
            [process for name, process in self._processes().items() if name not in self._running],
        ):
            for process in group:
                process.request_stop()
            while any(process.running for process in group):
                if self._signals > max(1, signals):
                    for process in group:
                        process.kill9()
                time.sleep(_POLL_S)


def _ask(url: str) -> str:
    """`"200"`, or what was answered instead, in one line."""
    try:
        # It asks a process of its own whether it is ready: who signed the certificate says nothing about that.
        answer = httpx.get(url, timeout=2, verify=False, trust_env=False)  # noqa: S501
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    if answer.is_success:
        return str(answer.status_code)
    return f"{answer.status_code} {' '.join(answer.text[:400].split())}".strip()
