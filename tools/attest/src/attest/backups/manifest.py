"""`manifest.json`: what a backup holds, from when and by which version, with the SHA-256 of every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from servicekit.db.migrate import knows
from servicekit.embedded.files import write_private
from servicekit.embedded.postgres import MAJOR

FORMAT = 1
NAME = "manifest.json"
_BLOCK = 1 << 20


class BackupError(Exception):
    """Why a backup is not made or not taken, in one line."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the backup: SHA-256 in hexadecimal, and its length in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Dumped:
    """The database of a service.

    Attributes:
        file: its dump, a path in the backup.
        revision: of its schema.
        epoch: of its announcements.
        rows: of tables that only grow, by name; a restored database is held against them.
    """

    file: str
    revision: str
    epoch: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A backup.

    Attributes:
        taken_at: instant of the cut in ISO 8601, UTC, in real time.
        clock: the same instant as the platform's clock showed it.
        attest: version of Attest.
        postgres: major version of the server.
        platform: the settings of the platform's creation.
        databases: by service.
        files: every other file of the backup, by its path in it.
    """

    taken_at: str
    clock: str
    attest: str
    postgres: str
    platform: Mapping[str, Any]
    databases: Mapping[str, Dumped]
    files: Mapping[str, File]
    format: int = FORMAT

    def write(self, directory: Path) -> str:
        """Writes it, after everything else, and returns its own SHA-256: kept elsewhere, it vouches for all."""
        text = json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"
        write_private(directory / NAME, text)
        return hashlib.sha256(text.encode()).hexdigest()


def digest(path: Path) -> File:
    """The SHA-256 and the length of a file, read in blocks."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return File(found.hexdigest(), path.stat().st_size)


def read(directory: Path, services: Sequence[str]) -> tuple[Manifest, str]:
    """The manifest and its own SHA-256.

    Raises:
        BackupError: it is not there, of another format, of a newer PostgreSQL or schema than this release can
            read, or lacks the database of one of `services`.
    """
    try:
        text = (directory / NAME).read_bytes()
    except FileNotFoundError:
        raise BackupError(f"{directory} holds no backup: {NAME} is missing") from None
    try:
        raw = json.loads(text)
        if raw["format"] != FORMAT:
            raise BackupError(f"{directory}: a backup of format {raw['format']}, this release reads {FORMAT}")
        raw["databases"] = {name: Dumped(**each) for name, each in raw["databases"].items()}
        raw["files"] = {name: File(**each) for name, each in raw["files"].items()}
        manifest = Manifest(**raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{directory / NAME} cannot be read: {error}") from error
    if int(manifest.postgres) > int(MAJOR):
        raise BackupError(f"{directory}: made by PostgreSQL {manifest.postgres}, this is {MAJOR}")
    for service in services:
        dumped = manifest.databases.get(service)
        if dumped is None:
            raise BackupError(f"{directory}: holds no database of {service}")
        if not knows(f"{service}_svc", dumped.revision):
            raise BackupError(
                f"{directory}: the schema of {service} ({dumped.revision}) is newer than this release, "
                f"made by Attest {manifest.attest}"
            )
    return manifest, hashlib.sha256(text).hexdigest()


def check_files(directory: Path, manifest: Manifest) -> None:
    """Every file is there and is the one that was written.

    Raises:
        BackupError: naming the first that is not, or one that the manifest does not name.
    """
    for name, wanted in manifest.files.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            raise BackupError(f"{directory}: {name} lies outside of the backup")
        try:
            found = digest(path)
        except FileNotFoundError:
            raise BackupError(f"{directory}: {name} is missing") from None
        if found != wanted:
            raise BackupError(
                f"{directory}: {name} is not the file that was written (SHA-256 {found.sha256}, "
                f"the manifest says {wanted.sha256})"
            )
    missing = {dumped.file for dumped in manifest.databases.values()} - set(manifest.files)
    if missing:
        raise BackupError(f"{directory}: the manifest has no digest of {', '.join(sorted(missing))}")
    stray = (
        {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
        - set(manifest.files)
        - {NAME}
    )
    if stray:
        raise BackupError(f"{directory}: {', '.join(sorted(stray))} is not of this backup")
