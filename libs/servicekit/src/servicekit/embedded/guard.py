"""The process between a supervisor and one program: `python -I -S guard.py SPEC`, standard library only.

It starts the program, writes what the program prints to a log of bounded size, and makes sure that the program
never outlives the supervisor, however that ends. A process of its own is needed for that: `PR_SET_PDEATHSIG`
follows the *thread* that forked, and a pipe read by a thread of the supervisor would stop with it.

SPEC is JSON: ``argv``, ``env``, ``cwd``, ``log``, ``log_bytes``, ``log_files``, ``stop_signal``,
``death_signal``, ``grace`` (seconds), ``user`` (null, or ``{"uid", "gid", "namespace"}``).

Standard input takes the lines ``stop`` and ``kill``; its end means that the supervisor is gone and stops the
program too. Standard output carries JSON lines: ``{"pid"}`` or ``{"error", "kind"}`` first, at the end
``{"exit", "tail"}``. The guard ends when every process that inherited the program's output has ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
TAIL_BYTES = 16_384


def tell(**message: object) -> None:
    """Write one JSON line to the supervisor; one that is gone is no error."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


def enter_namespace(uid: int, gid: int) -> None:
    """Appear as `uid`:`gid` in a user namespace, while files go on belonging to the real user."""
    real_uid, real_gid = os.getuid(), os.getgid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {real_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {real_gid} 1")


def can_enter_namespace(uid: int, gid: int) -> bool:
    """Try `enter_namespace` in a child: many containers forbid it."""
    child = os.fork()
    if child == 0:
        try:
            enter_namespace(uid, gid)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


class Log:
    """A log file that is renamed to `.1`, `.2` ... when full; the oldest of `files` is dropped."""

    def __init__(self, path: str, limit: int, files: int) -> None:
        self.path, self.limit, self.files = path, limit, max(1, files)
        self.tail = b""
        self.file: Any = None
        self.size = 0
        self._open()

    def _open(self) -> None:
        try:
            self.file = open(self.path, "ab", buffering=0)  # noqa: SIM115
            self.size = os.fstat(self.file.fileno()).st_size
        except OSError:
            self.file = None

    def _rotate(self) -> None:
        if self.file is not None:
            self.file.close()
        try:
            for number in range(self.files - 1, 0, -1):
                older = f"{self.path}.{number}"
                newer = self.path if number == 1 else f"{self.path}.{number - 1}"
                if os.path.exists(newer):
                    os.replace(newer, older)
            if self.files == 1:
                os.truncate(self.path, 0)
        except OSError:
            pass
        self._open()

    def write(self, data: bytes) -> None:
        """Append `data`. A full disk loses log lines, never the program; the tail is kept in memory."""
        self.tail = (self.tail + data)[-TAIL_BYTES:]
        if self.size + len(data) > self.limit and self.size:
            self._rotate()
        if self.file is not None:
            try:
                self.file.write(data)
                self.size += len(data)
            except OSError:
                pass


def descendants(pid: int) -> list[int]:
    """Every process below `pid`, as far as the system lists them (Linux)."""
    found: list[int] = []
    todo = [pid]
    while todo:
        parent = todo.pop()
        try:
            children = [
                int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            ]
        except OSError:
            continue
        found += children
        todo += children
    return found


def send(pid: int, number: int) -> None:
    """Send a signal to a process that may be gone."""
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def spawn(spec: dict[str, Any], output: int) -> subprocess.Popen[bytes]:
    """Start the program so that the kernel sends it `death_signal` when this process dies."""
    user = spec.get("user")
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if user and user["namespace"]:
            enter_namespace(user["uid"], user["gid"])
        elif user:
            os.setgroups([])
            os.setgid(user["gid"])
            os.setuid(user["uid"])
        if libc is not None:
            # A change of credentials clears it, so it comes last.
            libc.prctl(PR_SET_PDEATHSIG, spec["death_signal"], 0, 0, 0)

    return subprocess.Popen(  # noqa: S603
        spec["argv"],
        env=spec["env"],
        cwd=spec["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=prepare,
    )


class Watch:
    """The loop between supervisor, program and log."""

    def __init__(self, spec: dict[str, Any], log: Log) -> None:
        self.spec, self.log = spec, log
        self.parent = os.getppid()
        self.kill_at: float | None = None
        self.commands = b""
        self.wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop())

    def stop(self) -> None:
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self.spec["grace"]
            send(self.pid, self.spec["stop_signal"])

    def kill(self) -> None:
        for pid in [self.pid, *descendants(self.pid)]:
            send(pid, signal.SIGKILL)

    def command(self, data: bytes) -> None:
        self.commands += data
        *lines, self.commands = self.commands.split(b"\n")
        for line in lines:
            if line == b"stop":
                self.stop()
            elif line == b"kill":
                self.kill()

    def run(self, process: subprocess.Popen[bytes], output: int) -> int:
        self.pid = process.pid
        listened = {0, output, self.wake_read}
        ended_at: float | None = None
        while True:
            ready, _, _ = select.select(list(listened), [], [], 0.5)
            if self.wake_read in ready:
                os.read(self.wake_read, 1024)
            if output in ready:
                data = os.read(output, 65_536)
                if data:
                    self.log.write(data)
                else:
                    listened.discard(output)
            if 0 in ready:
                data = os.read(0, 1024)
                if data:
                    self.command(data)
                else:
                    listened.discard(0)
                    self.stop()
            if os.getppid() != self.parent:
                self.stop()
            now = time.monotonic()
            if self.kill_at is not None and now >= self.kill_at:
                self.kill()
            if process.poll() is not None and ended_at is None:
                ended_at = now
            # Children of the program hold its output: the directory is in use until they have ended too.
            if ended_at is not None and (output not in listened or now - ended_at > 5):
                return process.returncode


def main() -> int:
    """Run the guard; its exit code is the program's, 128 + n for a signal n, 127 when it did not start."""
    spec = json.loads(sys.argv[1])
    user = spec.get("user")
    if user and user["namespace"] and not can_enter_namespace(user["uid"], user["gid"]):
        tell(error="user namespaces are not allowed", kind="namespace")
        return 127
    read, write = os.pipe()
    log = Log(spec["log"], spec["log_bytes"], spec["log_files"])
    watch = Watch(spec, log)
    try:
        process = spawn(spec, write)
    except (OSError, subprocess.SubprocessError) as error:
        tell(error=str(error), kind="exec")
        return 127
    os.close(write)
    tell(pid=process.pid)
    code = watch.run(process, read)
    tell(exit=code, tail=log.tail.decode("utf-8", "replace"))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
