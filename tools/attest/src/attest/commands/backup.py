"""`attest backup` and `attest restore`."""

from __future__ import annotations

from pathlib import Path

import click

from attest.backups.manifest import BackupError
from attest.commands.connection import CommandError, guarded
from attest.options import applied, state_dir_option
from attest.platform.services import SERVICES
from attest.platform.state import PlatformError, StateDir

_common = applied(
    click.argument("directory", default=""), state_dir_option("of the platform (default: .attest)")
)


@click.command()
@_common
@guarded
def backup(directory: str, state_dir: Path) -> int:
    """Write a backup of the platform, running or stopped, to DIRECTORY, which is new or empty.

    Exit code 1 with one line when it is no backup.
    """
    from attest.backups.make import make

    try:
        digest = make(StateDir(state_dir), _directory(directory), _say)
    except (BackupError, PlatformError) as error:
        raise CommandError(str(error)) from error
    print(f"a backup is in {directory}, its manifest has SHA-256 {digest}")
    return 0


@click.command()
@_common
@click.option("--force", is_flag=True, help="put aside what the state directory holds")
@click.option(
    "--service",
    type=click.Choice(SERVICES),
    default=None,
    help="the database of this service alone, the others stay",
)
@guarded
def restore(directory: str, state_dir: Path, force: bool, service: str | None) -> int:
    """Bring a platform, or the database of one service, back to the backup in DIRECTORY; `attest up` starts it then."""
    from attest.backups.load import load
    from attest.backups.one import load_one

    state, source = StateDir(state_dir), _directory(directory)
    try:
        if not service:
            digest = load(source, state, _say, force=force)
            print(f"restored from the backup whose manifest has SHA-256 {digest}: `attest up` starts it")
            return 0
        done = load_one(source, service, state, _say)
    except (BackupError, PlatformError) as error:
        raise CommandError(str(error)) from error
    print(
        f"{service}: epoch {done.epoch}, {done.announced:,} subjects announced again, "
        f"{done.lost:,} lost" + (f", listed in {done.listed}" if done.listed else "")
    )
    return 0


def _directory(given: str) -> Path:
    if not given:
        raise CommandError("which directory?")
    return Path(given)


def _say(line: str) -> None:
    print(line, flush=True)
