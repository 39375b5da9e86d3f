"""Making a backup: a consistent cut through all databases, then a dump of each from its snapshot.

A dump of one database is consistent by itself; six dumps at six instants are not: a consumer may know an event that
its producer's dump lacks. So for a moment no consumer may move: a lock on `bus.consumed` in each database lets the
batches in hand end and the next ones wait. In that moment each database exports a snapshot, the gateway first,
since it calls the others and notes their answers. Whatever is known in one snapshot is then in that of its owner.
The lock is held for as long as it takes to open six transactions; nobody who writes by the API waits for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from servicekit.embedded.files import private_dir

from attest.backups.manifest import BackupError, Dumped, File, Manifest, digest
from attest.backups.server import client, running_or_started
from attest.platform.services import PUBLIC, SERVICES
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir

KEPT = ("secrets", "tls")
"""Directories of the state that no database can give back."""
SETTINGS = "platform.json"
GROWING = ("bus.outbox", "audit.entry")
"""Tables whose number of rows tells whether a restored database is whole."""
_ATTEMPTS = 6
_LOCK_TIMEOUT_MS = 5_000


def make(state: StateDir, directory: Path, say: Callable[[str], None]) -> str:
    """Writes a backup of the platform into a new or empty directory; returns the SHA-256 of its manifest.

    The platform may run or not. The backup holds secrets: the directory is for its owner alone.

    Raises:
        BackupError: the directory is not empty, there is no platform, or a part of it fails; the directory then
            holds no manifest, and hence no backup.
    """
    if directory.exists() and any(directory.iterdir()):
        raise BackupError(f"{directory} is not empty")
    private_dir("Attest", directory)
    private_dir("Attest", directory / "databases")
    with running_or_started(state) as endpoints:
        files = _copy(state.path, directory)
        databases: dict[str, Dumped] = {}
        with _cut(endpoints) as (sessions, clock):
            taken_at = datetime.now(UTC)
            for service in SERVICES:
                name = f"databases/{service}.dump"
                databases[service] = _dump(
                    service,
                    sessions[service],
                    endpoints.database_url(service, "owner"),
                    directory / name,
                    name,
                )
                files[name] = digest(directory / name)
                say(f"{service}: {files[name].bytes / 2**20:,.1f} MiB")
        postgres = _server_version(sessions_url=endpoints.database_url(PUBLIC, "owner"))
    return Manifest(
        taken_at=taken_at.isoformat(),
        clock=clock.astimezone(UTC).isoformat(),
        attest=version("attest"),
        postgres=postgres,
        platform=state.settings,
        databases=databases,
        files=files,
    ).write(directory)


def _server_version(sessions_url: str) -> str:
    with psycopg.connect(sessions_url) as connection:
        return str(connection.info.server_version // 10_000)


def _copy(source: Path, directory: Path) -> dict[str, File]:
    names = [SETTINGS] if (source / SETTINGS).exists() else []
    for kept in KEPT:
        names += [
            str(path.relative_to(source)) for path in sorted((source / kept).rglob("*")) if path.is_file()
        ]
    files: dict[str, File] = {}
    for name in names:
        private_dir("Attest", (directory / name).parent)
        shutil.copyfile(source / name, directory / name)
        (directory / name).chmod(0o600)
        files[name] = digest(directory / name)
    return files


type Session = tuple[psycopg.Connection, str]
"""A transaction that reads one snapshot, and the snapshot's name."""


@contextmanager
def _cut(endpoints: Endpoints) -> Iterator[tuple[Mapping[str, Session], datetime]]:
    """One snapshot of each database, none of which knows more than the others can tell; and the platform's clock."""
    # Who calls others comes before them: what it has noted of an answer is in the snapshot of whoever gave it.
    order = [PUBLIC, *(name for name in SERVICES if name != PUBLIC)]
    urls = {name: endpoints.database_url(name, "owner") for name in order}
    with ExitStack() as stack:
        sessions: dict[str, Session] = {}
        try:
            with _consumers_held(urls):
                for name in order:
                    connection = stack.enter_context(psycopg.connect(urls[name]))
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    sessions[name] = connection, _one(connection, "SELECT pg_export_snapshot()")
            clock: datetime = _one(sessions[PUBLIC][0], "SELECT app.clock()")
        except psycopg.Error as error:
            raise BackupError(f"PostgreSQL: {str(error).strip().splitlines()[0]}") from error
        yield sessions, clock


@contextmanager
def _consumers_held(urls: Mapping[str, str]) -> Iterator[None]:
    """Every consumer stands between two batches."""
    with ExitStack() as stack:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                for url in urls.values():
                    connection = stack.enter_context(psycopg.connect(url))
                    connection.execute(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}".encode())
                    connection.execute("LOCK TABLE bus.consumed IN SHARE MODE")
                break
            except psycopg.errors.LockNotAvailable:
                # Those that are held wait for this one: let all go on for a moment.
                stack.pop_all().close()
                if attempt == _ATTEMPTS:
                    raise
        yield


def _dump(service: str, session: Session, url: str, path: Path, name: str) -> Dumped:
    connection, snapshot = session
    path.touch(mode=0o600)
    client("pg_dump", url, ["--format=custom", f"--snapshot={snapshot}"], output=path)
    try:
        return Dumped(
            file=name,
            revision=_one(connection, "SELECT version_num FROM app.alembic_version"),
            epoch=_one(connection, "SELECT epoch FROM bus.epoch"),
            rows=count(connection, GROWING),
        )
    except psycopg.Error as error:
        raise BackupError(f"{service}: {str(error).strip().splitlines()[0]}") from error


def count(connection: psycopg.Connection, tables: Sequence[str]) -> dict[str, int]:
    """The number of rows of tables of ours."""
    return {table: _one(connection, f"SELECT count(*) FROM {table}") for table in tables}  # noqa: S608


def _one(connection: psycopg.Connection, statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    return None if row is None else row[0]
