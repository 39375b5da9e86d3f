"""A program with a bounded log that never outlives the process that started it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from servicekit.embedded import guard
from servicekit.embedded.errors import EmbeddedServerError

_GUARD = str(Path(guard.__file__).resolve())


class NamespaceRefused(RuntimeError):
    """The system does not allow this process to make a user namespace."""


@dataclass(frozen=True, slots=True)
class RunAs:
    """The user that a program sees itself as.

    Attributes:
        uid: numeric user id; one that the user database knows.
        gid: numeric group id.
        namespace: True: only inside a user namespace, files keep their owner; False: by changing the user.
    """

    uid: int
    gid: int
    namespace: bool


class GuardedProcess:
    """One program run under `servicekit.embedded.guard`.

    Example:
        >>> process = GuardedProcess("echo", ["/bin/echo", "hello"], log=tmp / "echo.log")
        >>> process.start()
        >>> process.wait(5)
        0

    Args:
        program: its name in messages.
        argv: program and arguments.
        log: log file; parents are made. It and its predecessors hold at most `log_bytes` * `log_files` bytes.
        env: complete environment, default that of this process.
        cwd: working directory, default that of this process.
        stop_signal: what `stop` sends.
        death_signal: what the kernel sends when the guard itself is killed (Linux).
        grace: seconds after `stop` until the program and all below it are killed.
        run_as: see RunAs.
    """

    def __init__(
        self,
        program: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: int = signal.SIGTERM,
        death_signal: int = signal.SIGTERM,
        grace: float = 30.0,
        run_as: RunAs | None = None,
        log_bytes: int = 8_000_000,
        log_files: int = 3,
    ) -> None:
        self.program = program
        self.argv = list(argv)
        self.log = log
        self._spec: dict[str, Any] = {
            "argv": self.argv,
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd) if cwd else None,
            "log": str(log),
            "log_bytes": log_bytes,
            "log_files": log_files,
            "stop_signal": int(stop_signal),
            "death_signal": int(death_signal),
            "grace": grace,
            "user": asdict(run_as) if run_as else None,
        }
        self._guard: subprocess.Popen[bytes] | None = None
        self._last: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self.pid: int | None = None

    def start(self) -> None:
        """Start the program.

        Raises:
            EmbeddedServerError: the program is missing or cannot be executed.
            NamespaceRefused: `run_as` asks for a user namespace and the system forbids it.
        """
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._guard = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", _GUARD, json.dumps(self._spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise EmbeddedServerError(self.program, f"cannot start: {error}", path=self.log.parent) from error
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        first: dict[str, Any] = json.loads(line) if line else {"error": "its guard ended", "kind": "exec"}
        if "error" in first:
            self._guard.wait()
            self._close()
            if first["kind"] == "namespace":
                raise NamespaceRefused(first["error"])
            raise EmbeddedServerError(
                self.program,
                f"cannot run {self.argv[0]}: {first['error']}",
                path=Path(self.argv[0]),
                log=self.log,
            )
        self.pid = int(first["pid"])
        self._last = None

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code, negative for a signal; None before `start` too."""
        with self._lock:
            if self._last is None and self._guard is not None and self._guard.poll() is not None:
                assert self._guard.stdout is not None
                line = b"" if self._guard.stdout.closed else self._guard.stdout.readline()
                # A guard that was killed has nothing to say; the kernel has signalled the program for it.
                self._last = json.loads(line) if line else {"exit": -signal.SIGKILL, "tail": ""}
                self._close()
        return None if self._last is None else int(self._last["exit"])

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._guard is not None and self.poll() is None

    def wait(self, timeout: float) -> int:
        """Return the exit code; raise TimeoutError when it has not ended after `timeout` seconds."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.program} has not ended after {timeout:g} s")
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self._guard is not None:
                    self._guard.wait(0.05)
        return code

    def stop(self) -> int | None:
        """Ask it to end, kill it after the grace time, and return its exit code; None when it never ran."""
        return self._end(b"stop\n", float(self._spec["grace"]) + 10)

    def kill9(self) -> int | None:
        """Kill it and all processes below it with SIGKILL, and return when they are gone."""
        return self._end(b"kill\n", 15)

    def request_stop(self) -> None:
        """Ask it to end and return at once: several programs can end side by side."""
        self._send(b"stop\n")

    def tail(self) -> str:
        """The end of its output: from memory once it has ended (a full disk may have no log), else the log's."""
        if self.poll() is not None and self._last is not None and self._last["tail"]:
            return str(self._last["tail"])
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - guard.TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _send(self, command: bytes) -> None:
        if self._guard is not None and self._guard.stdin is not None and self.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                self._guard.stdin.write(command)
                self._guard.stdin.flush()

    def _end(self, command: bytes, timeout: float) -> int | None:
        if self._guard is None:
            return None
        self._send(command)
        return self.wait(timeout)

    def _close(self) -> None:
        if self._guard is not None:
            for stream in (self._guard.stdin, self._guard.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
