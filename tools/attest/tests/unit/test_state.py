"""Who runs the platform of a directory, as others see it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from attest.platform.state import PlatformError, StateDir


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "state")
    made.make()
    return made


def test_what_a_killed_platform_told_is_not_the_next_ones(state: StateDir) -> None:
    """The next one holds the lock already, and has told nothing yet."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with (state.path / "up.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for pid, seen in ((os.getpid(), True), (dead.pid, False)):
            (state.path / "up.json").write_text(json.dumps({"pid": pid, "ready": True}))
            assert bool(state.running.get("ready")) is seen


def test_who_only_looks_does_not_keep_a_platform_from_starting(state: StateDir) -> None:
    with (state.path / "up.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        looking = threading.Timer(0.2, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
        looking.start()
        with state.held():
            assert state.running["pid"] == os.getpid()
        looking.join()


def test_two_platforms_of_one_directory_are_refused(state: StateDir) -> None:
    with (
        state.held(),
        pytest.raises(PlatformError, match="is in use by process"),
        StateDir(state.path).held(),
    ):
        pass
