"""`attest backup` and `attest restore`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from attest.backups.manifest import BackupError
from attest.commands.connection import CommandError, guarded
from attest.platform.commands import STATE_VARIABLE
from attest.platform.services import SERVICES
from attest.platform.state import PlatformError, StateDir


def _add(parser: argparse.ArgumentParser, directory: str) -> None:
    parser.add_argument("directory", nargs="?", default="", help=directory)
    parser.add_argument(
        "--state-dir",
        default=os.environ.get(STATE_VARIABLE, ".attest"),
        help="of the platform (default: .attest)",
    )


def add_backup(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest backup DIR`."""
    _add(parser, "where the backup is written: a new or empty directory")


def backup(args: argparse.Namespace) -> int:
    """Write a backup of the platform, running or stopped; exit code 1 with one line when it is none."""
    return guarded(_backup, args)


def _backup(args: argparse.Namespace) -> int:
    from attest.backups.make import make

    try:
        digest = make(StateDir(Path(args.state_dir)), _directory(args), _say)
    except (BackupError, PlatformError) as error:
        raise CommandError(str(error)) from error
    print(f"a backup is in {args.directory}, its manifest has SHA-256 {digest}")
    return 0


def add_restore(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest restore DIR`."""
    _add(parser, "of the backup")
    parser.add_argument("--force", action="store_true", help="put aside what the state directory holds")
    parser.add_argument(
        "--service", choices=SERVICES, default="", help="the database of this service alone, the others stay"
    )


def restore(args: argparse.Namespace) -> int:
    """Bring a platform, or the database of one service, back to a backup; `attest up` starts it then."""
    return guarded(_restore, args)


def _restore(args: argparse.Namespace) -> int:
    from attest.backups.load import load
    from attest.backups.one import load_one

    state, directory = StateDir(Path(args.state_dir)), _directory(args)
    try:
        if not args.service:
            digest = load(directory, state, _say, force=args.force)
            print(f"restored from the backup whose manifest has SHA-256 {digest}: `attest up` starts it")
            return 0
        done = load_one(directory, args.service, state, _say)
    except (BackupError, PlatformError) as error:
        raise CommandError(str(error)) from error
    print(
        f"{args.service}: epoch {done.epoch}, {done.announced:,} subjects announced again, "
        f"{done.lost:,} lost" + (f", listed in {done.listed}" if done.listed else "")
    )
    return 0


def _directory(args: argparse.Namespace) -> Path:
    if not args.directory:
        raise CommandError("which directory?")
    return Path(args.directory)


def _say(line: str) -> None:
    print(line, flush=True)
