"""The guard: bounded logs, and no program outlives the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from servicekit.embedded import EmbeddedServerError, GuardedProcess
from servicekit.testing import eventually_sync

SUPERVISOR = """
import sys, time
from pathlib import Path
from servicekit.embedded import GuardedProcess
process = GuardedProcess("sleep", ["/bin/sleep", "600"], log=Path(sys.argv[1]) / "sleep.log")
process.start()
print(process.pid, process._guard.pid, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_exit_code_and_output(tmp_path: Path) -> None:
    process = GuardedProcess("sh", ["/bin/sh", "-c", "echo hello; exit 3"], log=tmp_path / "x.log")
    process.start()
    assert process.wait(10) == 3
    assert process.tail() == "hello\n"
    assert (tmp_path / "x.log").read_text() == "hello\n"
    assert not process.running


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    process = GuardedProcess("nothing", [str(tmp_path / "nothing")], log=tmp_path / "x.log")
    with pytest.raises(EmbeddedServerError) as failure:
        process.start()
    assert str(tmp_path / "nothing") in str(failure.value)
    assert "\n" not in str(failure.value)


def test_logs_are_bounded(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    process = GuardedProcess("seq", ["/usr/bin/seq", "200000"], log=log, log_bytes=100_000, log_files=3)
    process.start()
    assert process.wait(30) == 0
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["x.log", "x.log.1", "x.log.2"]
    assert all(file.stat().st_size <= 100_000 for file in files)
    assert log.read_text().endswith("200000\n")


def test_stop_sends_the_signal_and_kill_follows(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    process = GuardedProcess("stubborn", [sys.executable, "-c", stubborn], log=tmp_path / "x.log", grace=0.5)
    process.start()
    eventually_sync(lambda: "up" in process.tail())
    assert process.stop() == -signal.SIGKILL


def test_kill9_reaches_every_process_below(tmp_path: Path) -> None:
    process = GuardedProcess(
        "tree", ["/bin/sh", "-c", "setsid sleep 600 & echo $!; wait"], log=tmp_path / "x.log"
    )
    process.start()
    child = int(eventually_sync(lambda: process.tail().strip()))
    assert lives(child)
    process.kill9()
    eventually_sync(lambda: not lives(child), deadline=5)


@pytest.mark.parametrize("victim", ["supervisor", "guard"])
def test_the_program_dies_with_whoever_is_killed(tmp_path: Path, victim: str) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    with supervisor.stdout:
        program, guard = map(int, supervisor.stdout.readline().split())
    assert lives(program)
    try:
        os.kill(supervisor.pid if victim == "supervisor" else guard, signal.SIGKILL)
        eventually_sync(lambda: not lives(program), deadline=10)
    finally:
        supervisor.kill()
        supervisor.wait()
    eventually_sync(lambda: not lives(guard), deadline=10)
