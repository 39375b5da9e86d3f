"""The process that holds a test server for all processes of a run: `python -m servicekit.testing.keeper`.

A server must outlive whichever process asked for it first and must not outlive the last one, even when they are
killed. Locks of the kernel tell that: every user holds a shared lock on `users.lock`, the keeper holds
`keeper.lock`. When the keeper gets the users' lock for itself nobody is left, and it removes the server with
its data. A keeper that was killed leaves `keeper.lock` free: the next user replaces what it left.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Literal

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.files import locked, private_dir, write_private
from servicekit.embedded.kafka import KafkaServer
from servicekit.embedded.postgres import PostgresServer

Kind = Literal["postgres", "kafka"]
Backend = Literal["embedded", "containers"]
START_DEADLINE = 300.0
"""Seconds; the first start on a machine fetches Kafka."""


def base_dir() -> Path:
    """The folder of all runs of this user."""
    return Path(tempfile.gettempdir()) / f"servicekit-tests-{os.getuid()}"


def _try_lock(path: Path) -> IO[str] | None:
    """The exclusive lock of `path`, None when somebody holds it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


class SharedServer:
    """A user's end of one shared server.

    Example:
        >>> server = SharedServer("kafka", "run-7f")
        >>> server.state()["bootstrap"]
        '127.0.0.1:40123'

    Args:
        kind: which server.
        run: identifies the run whose processes share it.
        backend: what it runs in.
    """

    def __init__(self, kind: Kind, run: str, backend: Backend = "embedded") -> None:
        self.kind: Kind = kind
        self.backend: Backend = backend
        private_dir("test servers", base_dir())
        self.dir = private_dir("test servers", base_dir() / run / f"{kind}-{backend}")
        self._users: IO[str] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def prefetch(self) -> None:
        """Start it without waiting, when it does not run."""
        self._join()
        with locked(self.dir / "start.lock"):
            self._spawn()

    def state(self) -> dict[str, Any]:
        """Start it when it does not run, and return how to reach it.

        Raises:
            EmbeddedServerError: it does not start.
        """
        self._join()
        file = self.dir / "state.json"
        end = time.monotonic() + START_DEADLINE
        with locked(self.dir / "start.lock"):
            self._spawn()
            while not file.exists():
                failed = self.dir / "error"
                if failed.exists():
                    raise EmbeddedServerError(self.kind, failed.read_text(), log=self.dir / "keeper.log")
                if self._keeper is not None and self._keeper.poll() is not None:
                    raise EmbeddedServerError(self.kind, "its keeper ended", log=self.dir / "keeper.log")
                if time.monotonic() > end:
                    raise EmbeddedServerError(self.kind, "it does not start", log=self.dir / "keeper.log")
                time.sleep(0.02)
        state: dict[str, Any] = json.loads(file.read_text())
        return state

    def leave(self) -> None:
        """Stop using it; the last one's leaving ends it."""
        if self._users is not None:
            self._users.close()
            self._users = None

    def _join(self) -> None:
        path = self.dir / "users.lock"
        while self._users is None:
            private_dir("test servers", self.dir)
            with contextlib.suppress(FileNotFoundError):
                file = path.open("a")
                fcntl.flock(file, fcntl.LOCK_SH)
                # Whoever held it until now may have removed the directory.
                if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                    self._users = file
                else:
                    file.close()

    def _spawn(self) -> None:
        lock = _try_lock(self.dir / "keeper.lock")
        if lock is None:
            return
        with lock:
            keep = {"users.lock", "start.lock", "keeper.lock"}
            _remove_container(self.dir)
            for path in self.dir.iterdir():
                if path.name not in keep:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            with (self.dir / "keeper.log").open("ab") as log:
                # The keeper inherits the lock: there is no moment at which nobody holds it.
                self._keeper = subprocess.Popen(  # noqa: S603
                    [
                        sys.executable,
                        "-m",
                        __name__,
                        self.kind,
                        self.backend,
                        str(self.dir),
                        str(lock.fileno()),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,
                )


def sweep() -> None:
    """Remove what killed runs left behind: directories whose keeper and users are gone."""
    if not base_dir().is_dir():
        return
    for directory in base_dir().glob("*/*"):
        with contextlib.suppress(OSError):
            users = _try_lock(directory / "users.lock")
            keeper = _try_lock(directory / "keeper.lock")
            if users is not None and keeper is not None:
                _remove_container(directory)
                shutil.rmtree(directory, ignore_errors=True)
            for lock in (users, keeper):
                if lock is not None:
                    lock.close()
    for directory in base_dir().iterdir():
        with contextlib.suppress(OSError):
            directory.rmdir()


class ContainerNote:
    """Notes a container that a process of the run itself started, so that `sweep` removes it when that was killed.

    Args:
        run: identifies the run.
        name: of the note; each is used once a run.
    """

    def __init__(self, run: str, name: str) -> None:
        self._dir = private_dir("test servers", base_dir() / run / name)
        self._lock = (self._dir / "users.lock").open("a")
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def write(self, identifier: str) -> None:
        """Called with the container's id as soon as it is known."""
        write_private(self._dir / "container", identifier)

    def close(self) -> None:
        """The container is gone."""
        shutil.rmtree(self._dir, ignore_errors=True)
        self._lock.close()
        with contextlib.suppress(OSError):
            self._dir.parent.rmdir()


def _remove_container(directory: Path) -> None:
    """Remove the container that a killed keeper left running."""
    file = directory / "container"
    if file.exists():
        subprocess.run(["docker", "rm", "-f", "-v", file.read_text()], check=False, capture_output=True)  # noqa: S603, S607
        file.unlink()


def _run_server(kind: Kind, backend: Backend, directory: Path) -> tuple[dict[str, Any], Any]:
    """Start the server; return how to reach it and a function that ends it."""
    if backend == "containers":
        from servicekit.testing.containers import start_kafka, start_postgres

        start = start_postgres if kind == "postgres" else start_kafka
        return start(lambda identifier: write_private(directory / "container", identifier))
    if kind == "postgres":
        server = PostgresServer(directory / "data", log=directory / "postgres.log", fast=True).start()
        return {"url": server.url("postgres")}, server.kill9
    kafka = KafkaServer(directory / "data", log=directory / "kafka.log").start()
    return {"bootstrap": kafka.bootstrap}, kafka.kill9


def main(kind: Kind, backend: Backend, directory: Path, lock: int) -> None:
    """Keep one server until nobody uses it."""
    os.set_inheritable(lock, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        state, end = _run_server(kind, backend, directory)
    except EmbeddedServerError as error:
        write_private(directory / "error", str(error))
        return
    write_private(directory / "state.json", json.dumps(state))
    while (last := _try_lock(directory / "users.lock")) is None:
        time.sleep(0.2)
    with last:
        end()
        shutil.rmtree(directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            directory.parent.rmdir()


if __name__ == "__main__":
    _, kind_, backend_, directory_, lock_ = sys.argv
    main(kind_, backend_, Path(directory_), int(lock_))  # type: ignore[arg-type]
