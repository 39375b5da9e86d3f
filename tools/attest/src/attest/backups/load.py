"""Restoring a whole platform into an empty state directory.

Every database is loaded as it was at the cut, its epoch is raised, and its whole history is queued for a Kafka that
holds nothing of it: what is announced from then on outranks whatever somebody outside may have heard after the cut.
Within the platform nobody knows more than its producers tell, so nothing has to be taken back.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from attest_contracts import topics
from servicekit.bus import replay
from servicekit.bus.restore import raise_epoch
from servicekit.db import Database
from servicekit.embedded.files import private_dir

from attest.backups.make import KEPT, SETTINGS, count
from attest.backups.manifest import BackupError, Dumped, Manifest, check_files, read
from attest.backups.server import client, started
from attest.platform.provision import provision
from attest.platform.services import SERVICES
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir

ASIDE = "replaced-"
"""What stood in a state directory before a forced restore is in a directory of this name and the instant."""
_NOT_DATA = {"boot", "synced", "up.lock", "up.json"}


def load(directory: Path, state: StateDir, say: Callable[[str], None], *, force: bool = False) -> str:
    """Makes the platform of a backup in a state directory; returns the SHA-256 of the backup's manifest.

    force: what stands there is put aside. Nothing is written before the backup was found whole.

    Raises:
        BackupError: the target runs or is not empty, the backup is not whole or is newer than this release. A
            restore that fails half-way leaves no data that could be started.
    """
    manifest, manifest_digest = read(directory, SERVICES)
    check_files(directory, manifest)
    if state.taken():
        raise BackupError(
            f"{state.path} is in use by process {state.running.get('pid', 'of unknown number')}"
        )
    present = _present(state)
    if present and not force:
        raise BackupError(f"{state.path} is not empty (--force puts aside what is there)")
    if present:
        say(f"what was there is in {_put_aside(state, present)}")
    state.make()
    try:
        _copy_back(directory, state, manifest)
        with started(state) as (endpoints, admin_url):
            provision(admin_url, SERVICES, state.password)
            for service in SERVICES:
                load_database(directory, service, manifest.databases[service], endpoints)
                epoch, events = asyncio.run(_begin_anew(service, endpoints))
                say(f"{service}: epoch {epoch}, {events:,} events to publish")
    except BaseException:
        # Half a platform must not look like one.
        for name in _present(state):
            _remove(state.path / name)
        raise
    return manifest_digest


def load_database(directory: Path, service: str, dumped: Dumped, endpoints: Endpoints) -> None:
    """Loads a dump into the empty database of a service and holds it against the manifest."""
    url = endpoints.database_url(service, "owner")
    client("pg_restore", url, ["--exit-on-error", "--single-transaction", str(directory / dumped.file)])
    with psycopg.connect(url) as connection:
        found = count(connection, list(dumped.rows))
    if found != dict(dumped.rows):
        raise BackupError(f"{service}: loaded are {found}, the manifest says {dict(dumped.rows)}")


async def _begin_anew(service: str, endpoints: Endpoints) -> tuple[int, int]:
    owner = endpoints.database_url(service, "owner")
    epoch = await raise_epoch(owner)
    async with await psycopg.AsyncConnection.connect(owner) as connection:
        # Offsets mean something in the log alone that they were read in, and that one is gone.
        await connection.execute("TRUNCATE bus.acked")
        await connection.execute("UPDATE bus.consumed SET next = NULL, last_id = NULL")
        if service == "gateway":
            await end_sessions(connection)
    database = Database(endpoints.database_url(service), source=service, application_name="attest restore")
    try:
        own = [topic.name for topic in topics.load().values() if topic.owner == service]
        return epoch, sum([await replay(database, name) for name in own])
    finally:
        await database.close()


async def end_sessions(connection: psycopg.AsyncConnection) -> None:
    """Who has logged out since, or lost the account, must not be logged in again by a restore."""
    await connection.execute("DELETE FROM app.session")


def _present(state: StateDir) -> list[str]:
    """What stands in the state directory and belongs to a platform; logs alone make none."""
    if not state.path.exists():
        return []
    found = [
        path.name
        for path in sorted(state.path.iterdir())
        if path.name not in _NOT_DATA and not path.name.startswith(ASIDE)
    ]
    return [name for name in found if name == SETTINGS or not _empty(state.path / name)]


def _empty(path: Path) -> bool:
    return path.is_dir() and not any(each for each in path.rglob("*") if not each.is_dir())


def _put_aside(state: StateDir, names: list[str]) -> Path:
    aside = private_dir("Attest", state.path / f"{ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for name in names:
        (state.path / name).rename(aside / name)
    return aside


def _copy_back(directory: Path, state: StateDir, manifest: Manifest) -> None:
    for name in manifest.files:
        if name == SETTINGS or name.split("/", 1)[0] in KEPT:
            target = state.path / name
            private_dir("Attest", target.parent)
            shutil.copyfile(directory / name, target)
            target.chmod(0o600)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
