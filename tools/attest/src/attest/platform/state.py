"""The state directory: data, logs, secrets, and who runs the platform."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from servicekit.embedded.errors import EmbeddedServerError
from servicekit.embedded.files import private_dir, write_private

PROGRAM = "Attest"
# Made by the Makefile, not by the platform: `reset` keeps them.
_KEPT = {"boot", "synced"}
_LOOKS_S = 1.0


class PlatformError(RuntimeError):
    """Why the platform does not run, as one line that names the port, path, program or service and its log."""


class StateDir:
    """Everything that the local platform keeps, below one directory.

    Attributes:
        path: the directory, `.attest` by default.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def postgres(self) -> Path:
        """Data directory of PostgreSQL."""
        return self.path / "data" / "postgres"

    @property
    def kafka(self) -> Path:
        """Data directory of Kafka."""
        return self.path / "data" / "kafka"

    @property
    def logs(self) -> Path:
        """Directory of the logs, one a program."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """Directory of passwords and keys, mode 0700."""
        return self.path / "secrets"

    def log(self, name: str) -> Path:
        """The log file of a program."""
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Make the directories.

        Raises:
            PlatformError: naming the path, when that is impossible.
        """
        try:
            for path in (self.path, self.path / "data", self.logs, self.secrets):
                private_dir(PROGRAM, path)
            self.secrets.chmod(0o700)
        except (EmbeddedServerError, OSError) as error:
            raise PlatformError(str(error)) from error

    def password(self, role: str) -> str:
        """The password of a database role, generated at the first call, in a file of mode 0600."""
        file = self.secrets / "passwords.json"
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if role not in known:
            known[role] = secrets.token_urlsafe(24)
            write_private(file, json.dumps(known, indent=2) + "\n")
        return known[role]

    @property
    def settings(self) -> dict[str, Any]:
        """What was fixed when the platform was created; empty before."""
        file = self.path / "platform.json"
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    @settings.setter
    def settings(self, values: dict[str, Any]) -> None:
        write_private(self.path / "platform.json", json.dumps(values, indent=2) + "\n")

    @property
    def running(self) -> dict[str, Any]:
        """What a running platform told about itself: `pid`, `url`, `programs`; empty when none runs."""
        if not self.taken():
            return {}
        try:
            found: dict[str, Any] = json.loads((self.path / "up.json").read_text())
            # What a killed one told stands there until the next one has told more than that it starts.
            os.kill(found["pid"], 0)
        except (OSError, ValueError, KeyError):
            return {}
        return found

    def announce(self, values: dict[str, Any]) -> None:
        """Tell other terminals about this platform."""
        write_private(self.path / "up.json", json.dumps(values, indent=2) + "\n")

    def taken(self) -> bool:
        """Whether a platform runs here. The kernel frees the lock of one that was killed."""
        file = self.path / "up.lock"
        if not file.exists():
            return False
        with file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Be the one platform of this directory.

        Raises:
            PlatformError: another one runs here.
        """
        self.make()
        with (self.path / "up.lock").open("a") as lock:
            end = time.monotonic() + _LOOKS_S
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    # Who only looks whether one runs here holds the lock for an instant, too.
                    if time.monotonic() < end:
                        time.sleep(0.05)
                        continue
                    pid = self.running.get("pid", "of unknown number")
                    raise PlatformError(f"{PROGRAM}: {self.path} is in use by process {pid}") from None
            self.announce({"pid": os.getpid(), "programs": {}})
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    (self.path / "up.json").unlink()

    def remove(self) -> None:
        """Remove all data, logs, secrets and settings."""
        if not self.path.exists():
            return
        for path in self.path.iterdir():
            if path.name in _KEPT:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
