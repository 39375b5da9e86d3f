"""The supervisor behind `attest up` on real processes: PostgreSQL, Kafka and toy services."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from attest import cli
from servicekit.embedded.ports import accepts, free_port
from servicekit.testing import eventually_sync

TOY = Path(__file__).with_name("toy_platform.py")


class Platform:
    """One `up` in a process of its own."""

    def __init__(self, state: Path, port: int, **env: str) -> None:
        self.state, self.port = state, port
        self.process = subprocess.Popen(
            [sys.executable, str(TOY), str(state), str(port)],
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ready(self) -> Platform:
        def is_ready() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            return cli.main(["status", "--state-dir", str(self.state)]) == 0

        eventually_sync(is_ready, deadline=60, every=0.1)
        return self

    def ask(self, path: str) -> str:
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5, trust_env=False)
        return answer.raise_for_status().text

    @property
    def told(self) -> dict:
        return json.loads((self.state / "up.json").read_text())

    def pids(self) -> list[int]:
        return [program["pid"] for program in self.told["programs"].values()]

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def up(tmp_path: Path) -> Iterator:
    made: list[Platform] = []
    port = free_port()

    def start(state: Path = tmp_path / "state", port: int = port, **env: str) -> Platform:
        made.append(Platform(state, port, **env))
        return made[-1]

    yield start
    for platform in made:
        if platform.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                platform.process.kill()
        platform.process.communicate()


def failed(platform: Platform) -> str:
    """The one line on standard error of a platform that ended with an error."""
    code, _, err = platform.end()
    assert code == 1
    assert err.count("\n") == 1, err
    return err.strip()


def test_it_starts_stops_and_finds_its_data_again(up, tmp_path: Path) -> None:
    first = up().ready()
    assert first.ask("/starts") == "1"
    pids = first.pids()
    assert len(pids) == 4
    first.process.send_signal(signal.SIGINT)
    code, out, err = first.end()
    assert (code, err) == (0, "")
    assert f"open http://127.0.0.1:{first.port}" in out
    assert re.search(r"alpha ready .*\n(.*\n)*beta ready", out)
    assert not any(lives(pid) for pid in pids)
    assert not accepts(first.port)

    second = up().ready()
    assert second.ask("/starts") == "2"
    assert cli.main(["down", "--state-dir", str(tmp_path / "state")]) == 0
    assert second.end()[0] == 0


def test_data_survive_kill_9_of_everything(up) -> None:
    first = up().ready()
    pids = first.pids()
    children = subprocess.run(
        ["pgrep", "-P", str(first.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(children) == 4
    for pid in [first.process.pid, *map(int, children), *pids]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    first.process.communicate()
    second = up().ready()
    assert second.ask("/starts") == "2"


def test_nothing_outlives_a_killed_supervisor(up) -> None:
    platform = up().ready()
    pids = platform.pids()
    assert all(lives(pid) for pid in pids)
    platform.process.kill()
    platform.process.communicate()
    eventually_sync(lambda: not any(lives(pid) for pid in pids), deadline=30)


def test_databases_belong_to_their_service(up, kafka: str) -> None:
    platform = up(TOY_KAFKA=kafka).ready()
    passwords = json.loads((platform.state / "secrets" / "passwords.json").read_text())
    host, port = platform.told["postgres"].split(":")

    def connect(role: str, database: str) -> psycopg.Connection:
        return psycopg.connect(host=host, port=port, user=role, password=passwords[role], dbname=database)

    with connect("alpha_app", "alpha") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM starts")
        connection.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (n int)")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect("alpha_app", "beta")
    secrets = platform.state / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in secrets.iterdir())


def test_a_second_up_is_refused(up, kafka: str) -> None:
    first = up(TOY_KAFKA=kafka).ready()
    line = failed(up(port=free_port()))
    assert f"{first.state} is in use by process {first.process.pid}" in line
    assert first.ask("/readyz") == "1"


def test_a_busy_port_is_named(up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = failed(up(port=port))
    assert f"alpha: port {port} of 127.0.0.1" in line


def test_a_full_disk_is_named(up, tmp_path: Path) -> None:
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(mount)], check=False)
    if made.returncode:
        pytest.skip("cannot mount a file system here")
    try:
        line = failed(up(state=mount / "state"))
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)
    assert f"the disk of {mount / 'state'} is full" in line


def test_a_java_runtime_that_does_not_start_is_named(up, tmp_path: Path) -> None:
    broken = tmp_path / "java"
    broken.write_text("#!/bin/sh\necho 'Error: could not open libjvm.so' >&2\nexit 6\n")
    broken.chmod(0o755)
    platform = up(SERVICEKIT_JAVA=str(broken))
    line = failed(platform)
    assert f"Kafka: the Java runtime {broken} ended with code 6: Error: could not open libjvm.so" in line
    assert str(platform.state / "logs" / "kafka.log") in line


@pytest.mark.parametrize("victim", ["alpha", "Kafka", "PostgreSQL"])
def test_a_dead_child_ends_the_platform(up, victim: str) -> None:
    platform = up().ready()
    pids, program = platform.pids(), platform.told["programs"][victim]
    if victim == "alpha":
        with contextlib.suppress(httpx.TransportError):
            platform.ask("/die?7")
        expected = "alpha ended with code 7: the disk controller is on fire"
    else:
        os.kill(program["pid"], signal.SIGKILL)
        expected = f"{victim} killed by SIGKILL"
    line = failed(platform)
    assert expected in line
    assert program["log"] in line
    assert not any(lives(pid) for pid in pids)


def test_a_service_that_is_never_ready_is_named(up, kafka: str) -> None:
    platform = up(TOY="never ready", TOY_KAFKA=kafka)
    line = failed(platform)
    assert "alpha: not ready after 5 s" in line
    assert "says: 503" in line
    assert str(platform.state / "logs" / "alpha.log") in line


def test_a_missing_program_is_named(up, kafka: str) -> None:
    line = failed(up(TOY="missing program", TOY_KAFKA=kafka))
    assert line.startswith("beta: cannot run /nowhere/beta")


def test_a_signal_while_it_starts_leaves_nothing(up) -> None:
    platform = up()
    eventually_sync(lambda: (platform.state / "up.json").exists(), deadline=20)
    platform.process.send_signal(signal.SIGTERM)
    code, _, err = platform.end()
    assert (code, err) == (0, "")
    eventually_sync(lambda: not _users_of(platform.state), deadline=20)


def _users_of(directory: Path) -> list[str]:
    """Processes whose command line names `directory`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = path.read_bytes()
            if str(directory).encode() in command:
                found.append(command.decode("utf-8", "replace"))
    return found
