"""Directories, locks and left-overs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from servicekit.embedded.errors import EmbeddedServerError


def cache_dir() -> Path:
    """The folder for downloads: `$SERVICEKIT_CACHE`, else `servicekit` in the user's cache folder."""
    if own := os.environ.get("SERVICEKIT_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "servicekit"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; the kernel frees it when the holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def private_dir(program: str, path: Path) -> Path:
    """Make a directory that only its owner can enter.

    Raises:
        EmbeddedServerError: naming the path, when that is impossible.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EmbeddedServerError(program, f"cannot make {path}: {error.strerror}", path=path) from error
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old or the new content, never half of it."""
    temporary = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def require_space(program: str, path: Path, needed: int, log: Path | None = None) -> None:
    """Raise EmbeddedServerError when the file system of `path` has fewer than `needed` bytes left."""
    free = shutil.disk_usage(path).free
    if free < needed:
        raise EmbeddedServerError(
            program,
            f"the disk of {path} is full: {free / 2**20:.0f} MiB free, {needed / 2**20:.0f} MiB needed",
            path=path,
            log=log,
        )


def works_in(pid: int, directory: Path) -> bool:
    """Whether process `pid` lives and has `directory` as its working directory.

    A number in a left-over pid file may belong to another program by now; its working directory tells.
    Without /proc every living process is taken for ours.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not Path("/proc/self/cwd").exists():
        return True
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
    except OSError:
        # A zombie has no working directory.
        return False


def clear_left_over(program: str, pid_file: Path, directory: Path, log: Path, wait: float = 20.0) -> None:
    """Wait for an earlier server that is still ending, then remove its pid file.

    Raises:
        EmbeddedServerError: a living server goes on using `directory`.
    """
    end = time.monotonic() + wait
    while pid_file.exists():
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            pid = 0
        if pid <= 0 or not works_in(pid, directory):
            pid_file.unlink(missing_ok=True)
            return
        if time.monotonic() > end:
            raise EmbeddedServerError(
                program, f"{directory} is in use by process {pid}", path=directory, log=log
            )
        time.sleep(0.05)
