"""The databases of a platform, running or stopped, and PostgreSQL's client programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from servicekit.embedded import EmbeddedServerError, PostgresServer
from servicekit.embedded.postgres import binaries

from attest.backups.manifest import BackupError
from attest.platform.spec import Endpoints
from attest.platform.state import PlatformError, StateDir

_RECOVERY_DEADLINE_S = 300.0


@contextmanager
def running_or_started(state: StateDir) -> Iterator[Endpoints]:
    """The databases: those of the platform that runs, else its PostgreSQL alone, for a while."""
    found = state.running
    if found:
        if not found.get("ready"):
            raise BackupError(f"the platform in {state.path} is starting")
        yield Endpoints(found["postgres"], found["kafka"], state.password, state.path)
        return
    if not (state.postgres / "PG_VERSION").exists():
        raise BackupError(f"{state.path} holds no platform with a PostgreSQL of its own, and none runs there")
    with started(state) as (endpoints, _):
        yield endpoints


@contextmanager
def started(state: StateDir) -> Iterator[tuple[Endpoints, str]]:
    """The PostgreSQL of a stopped platform, for a while: its endpoints and the superuser's URL.

    Raises:
        BackupError: the platform runs, or its server does not start.
    """
    try:
        with state.held():
            server = PostgresServer(
                state.postgres,
                log=state.log("postgres"),
                password=state.password("postgres"),
                deadline=_RECOVERY_DEADLINE_S,
            )
            with server:
                yield (
                    Endpoints(f"{server.host}:{server.port}", "", state.password, state.path),
                    server.url("postgres"),
                )
    except (PlatformError, EmbeddedServerError) as error:
        raise BackupError(str(error)) from error


def client(program: str, url: str, arguments: Sequence[str], *, output: Path | None = None) -> None:
    """Runs `pg_dump` or `pg_restore` of the embedded PostgreSQL on the database of a URL.

    Raises:
        BackupError: with the program's last line.
    """
    parts = urlsplit(url)
    # The password stands in the environment: a command line can be read by everybody on the machine.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment["PGPASSWORD"] = unquote(parts.password or "")
    argv = [
        str(binaries() / program),
        "--no-password",
        f"--host={parts.hostname}",
        f"--port={parts.port or 5432}",
        f"--username={unquote(parts.username or '')}",
        f"--dbname={unquote(parts.path.lstrip('/'))}",
        *([f"--file={output}"] if output else []),
        *arguments,
    ]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        raise BackupError(lines[0] if lines else f"{program} ended with code {done.returncode}")
