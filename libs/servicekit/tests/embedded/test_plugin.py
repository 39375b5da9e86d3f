"""The fixtures, seen from test runs of their own: processes share one server, and nothing stays."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from servicekit.testing import (
    Database,
    PostgresAdmin,
    Template,
    TopicMaker,
    eventually,
    eventually_sync,
)
from servicekit.testing.plugin import DatabaseMaker, TopicsMaker

built: list[str] = []


def build(database: Database) -> None:
    built.append(database.name)
    with database.connect() as connection:
        connection.execute("CREATE TABLE part (id int PRIMARY KEY)")


async def build_slowly(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        await connection.execute("CREATE TABLE slow (id int)")


PARTS = Template("parts", build)


def count(database: Database, table: str = "part") -> int:
    with database.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return row[0]


def test_databases_are_private_clones(database_factory: DatabaseMaker) -> None:
    one, two = database_factory(PARTS), database_factory(PARTS)
    with one.connect() as connection:
        connection.execute("INSERT INTO part VALUES (1)")
    assert (count(one), count(two)) == (1, 0)
    assert len(built) == 1


def test_a_template_is_built_once(database_factory: DatabaseMaker) -> None:
    database_factory(PARTS)
    assert len(built) == 1


async def test_an_asynchronous_template(database_factory: DatabaseMaker) -> None:
    assert count(database_factory(Template("slow", build_slowly)), "slow") == 0


def test_a_template_that_failed_is_built_again(database_factory: DatabaseMaker) -> None:
    def fail(database: Database) -> None:
        build(database)
        raise LookupError("half-way")

    with pytest.raises(LookupError):
        database_factory(Template("twice", fail))
    assert count(database_factory(Template("twice", build))) == 0


def test_open_sessions_do_not_keep_a_database(databases, postgres: PostgresAdmin) -> None:
    database = databases.create()
    connection = database.connect()
    databases.drop(database)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    with postgres.connect() as server:
        assert not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database.name]).fetchone()


def test_a_role_has_no_more_rights_than_given(database_factory: DatabaseMaker) -> None:
    database = database_factory(PARTS)
    url = database.role("parts_reader")
    assert database.role("parts_reader") == url
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM part")


async def test_topics_are_private_and_deleted(
    kafka: str, make_topics: TopicsMaker, topic_prefix: str
) -> None:
    names = make_topics("orders", "parts", partitions=3)
    assert names == [f"{topic_prefix}orders", f"{topic_prefix}parts"]
    maker = TopicMaker(kafka)
    described = await (await _on(maker)).describe_topics(names)
    assert [len(topic["partitions"]) for topic in described] == [3, 3]
    maker.close()


async def _on(maker: TopicMaker):
    # The client belongs to the maker's loop; a second one serves this test's.
    from aiokafka.admin import AIOKafkaAdminClient

    client = AIOKafkaAdminClient(bootstrap_servers=maker.bootstrap)
    await client.start()
    return client


async def test_eventually_waits_and_tells_what_it_saw() -> None:
    start = time.monotonic()
    assert await eventually(lambda: time.monotonic() > start + 0.1)
    with pytest.raises(TimeoutError, match=r"orders: not within 0\.05 s; the last value was 0"):
        await eventually(lambda: 0, deadline=0.05, what="orders")

    async def never() -> bool:
        await asyncio.sleep(0)
        raise AssertionError("2 of 3")

    with pytest.raises(AssertionError, match="2 of 3"):
        await eventually(never, deadline=0.05)
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 // 0)
    with pytest.raises(TimeoutError):
        eventually_sync(lambda: None, deadline=0.05)


RUN = """
import os, time
from pathlib import Path
import pytest
from servicekit.testing import Template

def build(database):
    with (Path(os.environ["SEEN"]) / "built").open("a") as file:
        file.write("x")
    with database.connect() as connection:
        connection.execute("CREATE TABLE part (id int)")

@pytest.mark.parametrize("number", range(6))
def test_clone(database_factory, postgres, number):
    database_factory(Template("parts", build))
    (Path(os.environ["SEEN"]) / f"port-{os.getpid()}").write_text(str(postgres.port))
    if os.environ.get("HANG"):
        time.sleep(600)

def test_pure():
    (Path(os.environ["SEEN"]) / "pure").write_text("")
"""


def start_run(folder: Path, *options: str, **env: str) -> subprocess.Popen[bytes]:
    (folder / "conftest.py").write_text('pytest_plugins = ["servicekit.testing.plugin"]\n')
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  infra: x\n")
    (folder / "test_run.py").write_text(RUN)
    (folder / "seen").mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "ATTEST_TEST"))
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(folder)],
        cwd=folder,
        env={**clean, "TMPDIR": str(folder / "tmp"), "SEEN": str(folder / "seen"), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(run: subprocess.Popen[bytes]) -> str:
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 0, output.decode()
    return output.decode()


def ports(folder: Path) -> set[str]:
    return {path.read_text() for path in (folder / "seen").glob("port-*")}


def left_over(folder: Path) -> list[Path]:
    base = folder / "tmp" / f"servicekit-tests-{os.getuid()}"
    return list(base.glob("*/*")) if base.exists() else []


def test_workers_share_one_server_and_the_last_one_ends_it(tmp_path: Path) -> None:
    assert "7 passed" in finish(start_run(tmp_path, "-n", "2"))
    assert len(list((tmp_path / "seen").glob("port-*"))) == 2
    assert len(ports(tmp_path)) == 1
    assert (tmp_path / "seen" / "built").read_text() == "x"
    eventually_sync(lambda: left_over(tmp_path) == [], deadline=15)


def test_no_server_starts_for_tests_that_need_none(tmp_path: Path) -> None:
    assert "1 passed, 6 deselected" in finish(start_run(tmp_path, "-m", "not infra"))
    assert not (tmp_path / "tmp" / f"servicekit-tests-{os.getuid()}").exists()


def test_a_killed_run_leaves_nothing(tmp_path: Path) -> None:
    run = start_run(tmp_path, HANG="yes")
    eventually_sync(lambda: ports(tmp_path), deadline=60)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    eventually_sync(lambda: left_over(tmp_path) == [], deadline=15)


def test_what_a_killed_keeper_left_is_replaced(tmp_path: Path) -> None:
    run = start_run(tmp_path, HANG="yes")
    eventually_sync(lambda: ports(tmp_path), deadline=60)
    [directory] = left_over(tmp_path)
    keepers = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"servicekit.testing.keeper" in (command := _read(path)) and str(directory).encode() in command
    ]
    for pid in [run.pid, *keepers]:
        os.kill(pid, signal.SIGKILL)
    run.communicate()
    assert keepers
    assert left_over(tmp_path) == [directory]
    assert "7 passed" in finish(start_run(tmp_path))
    eventually_sync(lambda: left_over(tmp_path) == [], deadline=15)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_running_servers_are_used_and_left_clean(tmp_path: Path, postgres: PostgresAdmin) -> None:
    with postgres.connect() as server:
        before = server.execute("SELECT datname FROM pg_database").fetchall()
        assert "7 passed" in finish(start_run(tmp_path, ATTEST_TEST_POSTGRES_URL=postgres.url("postgres")))
        assert ports(tmp_path) == {str(postgres.port)}
        assert left_over(tmp_path) == []
        # Other tests of this run may come and go meanwhile.
        after = server.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE '%\\_t\\_parts\\_%'"
        ).fetchall()
        assert set(after) <= set(before)
