"""Backup, rebuild and restore of a real platform: each test goes on where the one before has ended.

The plant is imported, DEV is hired and never trained: that is what the backup holds. After it DEV is trained by a
paper record and NEW2 is hired. A restored platform knows neither; a restored records service alone has lost the
record, and everybody else follows it.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attest import cli
from attest.backups.server import started
from attest.platform.services import SERVICES
from attest.platform.spec import Endpoints
from attest.platform.state import StateDir

from tests.e2e.api import until
from tests.faults.conftest import PEOPLE, World, nl
from tests.faults.cuts import known_but_not_announced

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("faults")]
AT = nl("2026-03-02T10:00:00")
BOTH = ("assignment", "reporting")


def both(status: str) -> dict[str, str]:
    return dict.fromkeys(BOTH, status)


def answers(world: World) -> dict[str, Any]:
    """What is asked before the backup and after the restore."""
    return {person: (world.statuses(person, AT), world.records(person)) for person in (*PEOPLE, "DEV")}


@pytest.fixture(scope="module")
def folder(world: World) -> Path:
    return world.state.parent


@pytest.fixture(scope="module")
def memory() -> dict[str, Any]:
    return {}


@contextmanager
def hiring(world: World, memory: dict[str, Any]) -> Iterator[None]:
    """Somebody is hired all the time, so that events are under way at every instant."""
    done = threading.Event()
    hired: list[str] = []
    world.user("coordinator")

    def work() -> None:
        while not done.is_set():
            world.hire(f"H{len(hired)}")
            hired.append(f"H{len(hired)}")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        until(lambda: len(hired), lambda n: n > 0)
        yield
    finally:
        memory["hired_while"] = len(hired)
        done.set()
        thread.join()


@pytest.mark.part("N-02", "a backup is a consistent cut while people work")
@pytest.mark.part("PL-29", "a backup is a consistent cut while people work")
def test_1_a_backup_is_taken_while_people_work(world: World, folder: Path, memory: dict[str, Any]) -> None:
    world.hire("DEV", "2026-02-20")
    until(lambda: world.statuses("DEV", AT), lambda found: found == both("NEVER_TRAINED"))
    memory["then"] = answers(world)
    with hiring(world, memory):
        assert cli.main(["backup", str(folder / "backup"), "--state-dir", str(world.state)]) == 0
    assert memory["hired_while"] > 1, "nothing happened during the backup"
    assert (folder / "backup").stat().st_mode & 0o777 == 0o700
    assert all(f.stat().st_mode & 0o777 == 0o600 for f in (folder / "backup").rglob("*") if f.is_file())
    assert cli.main(["backup", str(folder / "backup"), "--state-dir", str(world.state)]) == 1, (
        "it is not empty"
    )


def test_2_what_happens_after_it(world: World) -> None:
    world.hire("NEW2")
    world.enter_late("DEV")
    until(lambda: world.statuses("DEV", AT), lambda found: found == both("QUALIFIED"))
    until(lambda: world.statuses("NEW2", AT), lambda found: found == both("NEVER_TRAINED"))


@pytest.mark.part("RP-03", "reporting is rebuilt by the command")
def test_3_reporting_is_rebuilt_by_the_command(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["rebuild", "reporting", "--state-dir", str(world.state)]
    assert cli.main(command) == 0
    assert "the new tables are in place" in capsys.readouterr().out
    assert world.statuses("DEV", AT) == both("QUALIFIED")
    state = StateDir(world.state)
    owner = Endpoints(world.told["postgres"], "", state.password, state.path).database_url(
        "reporting", "owner"
    )
    with psycopg.connect(owner) as connection:
        touched = connection.execute(
            "UPDATE app.segment SET status = 'NEVER_TRAINED' WHERE person = 'DEV' AND status = 'QUALIFIED'"
        ).rowcount
    assert touched
    assert world.statuses("DEV", AT)["reporting"] == "NEVER_TRAINED"
    assert cli.main(command) == 3
    assert "DIFFERS" in capsys.readouterr().out
    assert world.statuses("DEV", AT)["reporting"] == "NEVER_TRAINED", "a difference is for people to judge"
    assert cli.main([*command, "--swap", "always"]) == 0
    assert world.statuses("DEV", AT) == both("QUALIFIED")


def test_4_a_backup_that_is_not_whole_is_refused(
    world: World, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.stop()
    shutil.copytree(folder / "backup", folder / "changed")
    dump = folder / "changed" / "databases" / "records.dump"
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    for more in ([], ["--service", "records"]):
        target = world.state if more else folder / "refused"
        assert cli.main(["restore", str(folder / "changed"), "--state-dir", str(target), *more]) == 1
        assert "databases/records.dump is not the file that was written" in capsys.readouterr().err
    assert not (folder / "refused").exists()


@pytest.mark.part("N-02", "a restored platform gives the answers of the backup")
def test_5_a_restored_platform_is_that_of_the_backup(
    world: World, folder: Path, memory: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["restore", str(folder / "backup"), "--state-dir"]
    assert cli.main([*command, str(world.state)]) == 1, "there is a platform already"
    assert "is not empty" in capsys.readouterr().err
    restored = World(folder / "restored")
    assert cli.main([*command, str(restored.state)]) == 0
    nobody_knows_more_than_its_producers(restored.state)
    restored.start()
    try:
        assert answers(restored) == memory["then"]
        assert restored.statuses("NEW2", AT) == both("none")
        assert restored.user("coordinator").raw("GET", "/api/people/NEW2").status_code == 404
        # The history is published again, nothing of it is new to anybody, and what is new flows.
        restored.enter_late("DEV")
        until(lambda: restored.statuses("DEV", AT), lambda found: found == both("QUALIFIED"))
        restored.hire("NEW3")
        until(lambda: restored.statuses("NEW3", AT), lambda found: found == both("NEVER_TRAINED"))
        assert epochs(restored.told["postgres"], restored.state, "NEW3") == {2}
        assert restored.user("administrator").get("/api/dead-letters")["items"] == []
        assert cli.main(["rebuild", "reporting", "--state-dir", str(restored.state)]) == 0
    finally:
        restored.stop()


@pytest.mark.part("N-02", "one service is restored and the others follow")
def test_6_one_service_is_restored_and_the_others_follow_it(
    world: World, folder: Path, memory: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--service", "records", "--state-dir", str(world.state)]
    assert cli.main(["restore", str(folder / "backup"), *arguments]) == 0
    assert "records: epoch 2" in capsys.readouterr().out
    (listed,) = world.state.glob("lost-records-epoch-2.jsonl")
    assert listed.read_text().count('"taken_back": true') == 1
    world.start()
    until(lambda: world.statuses("DEV", AT), lambda found: found == both("NEVER_TRAINED"), 60)
    assert world.records("DEV") == []
    assert world.statuses("NEW2", AT) == both("NEVER_TRAINED"), "the others keep what they know"
    assert {p: world.statuses(p, AT) for p in PEOPLE} == {p: memory["then"][p][0] for p in PEOPLE}
    # It has caught up with those who went on: NEW2 was hired after the backup.
    world.enter_late("NEW2", "2026-03-01T08:30:00")
    world.enter_late("DEV")
    until(lambda: world.statuses("DEV", AT), lambda found: found == both("QUALIFIED"))
    assert world.user("administrator").get("/api/dead-letters")["items"] == []
    assert cli.main(["rebuild", "reporting", "--state-dir", str(world.state)]) == 0


def nobody_knows_more_than_its_producers(path: Path) -> None:
    """That a backup whose databases are of different instants fails here: test_cut.py."""
    state = StateDir(path)
    with started(state) as (endpoints, _), ExitStack() as stack:
        urls = [endpoints.database_url(service, "owner") for service in SERVICES]
        assert known_but_not_announced([stack.enter_context(psycopg.connect(url)) for url in urls]) == []


def epochs(postgres: str, path: Path, person: str) -> set[int]:
    """Of what reporting has heard of a person."""
    state = StateDir(path)
    url = Endpoints(postgres, "", state.password, path).database_url("reporting", "owner")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT epoch FROM bus.seen WHERE topic = 'matrix.person' AND subject = %s", [person]
        ).fetchall()
    return {row[0] for row in rows}
