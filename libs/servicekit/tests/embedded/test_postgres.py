"""The embedded PostgreSQL with its faults, on real processes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from servicekit.embedded import EmbeddedServerError, PostgresServer, postgres
from servicekit.embedded.process import RunAs

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def ask(server: PostgresServer, query: str) -> object:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def run(server: PostgresServer, statement: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement.encode())


def test_settings_of_a_lasting_server(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "data", log=tmp_path / "postgres.log") as server:
        assert {name: ask(server, f"SHOW {name}") for name in ("fsync", "data_checksums", "TimeZone")} == {
            "fsync": "on",
            "data_checksums": "on",
            "TimeZone": "UTC",
        }
        assert ask(server, "SHOW synchronous_commit") == "on"
        assert ask(server, "SHOW listen_addresses") == "127.0.0.1"
        assert str(ask(server, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'")).startswith(
            "SCRAM"
        )
        assert ask(server, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.url("postgres", "postgres", "wrong"))
    assert not server.running


def test_fast_profile(private_postgres: PostgresServer) -> None:
    assert ask(private_postgres, "SHOW fsync") == "off"
    assert ask(private_postgres, "SHOW synchronous_commit") == "off"
    assert ask(private_postgres, "SHOW max_connections") == "300"


def test_data_survives_stop_and_kill9(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "data", log=tmp_path / "postgres.log")
    server.start()
    run(server, "CREATE TABLE t AS SELECT 1 AS n")
    port = server.port
    server.kill9()
    server.start()
    assert server.port == port
    run(server, "INSERT INTO t VALUES (2)")
    server.stop()
    # Another process, which knows nothing but the directory.
    with PostgresServer(tmp_path / "data", log=tmp_path / "postgres.log") as again:
        assert ask(again, "SELECT sum(n) FROM t") == 3


def test_a_left_over_pid_file_of_a_living_stranger(private_postgres: PostgresServer) -> None:
    private_postgres.kill9()
    (private_postgres.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{private_postgres.data_dir}\n")
    private_postgres.start()
    assert ask(private_postgres, "SELECT 1") == 1


def test_data_in_use_is_refused(private_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres.clear_left_over, "__defaults__", (0.3,))
    with pytest.raises(EmbeddedServerError, match="is in use by process"):
        PostgresServer(private_postgres.data_dir, log=private_postgres.log).start()
    assert ask(private_postgres, "SELECT 1") == 1


def test_deleted_data_gives_an_empty_server(private_postgres: PostgresServer) -> None:
    run(private_postgres, "CREATE TABLE t (n int)")
    private_postgres.kill9()
    shutil.rmtree(private_postgres.data_dir)
    private_postgres.start()
    assert ask(private_postgres, "SELECT to_regclass('t')::text") is None


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedServerError) as failure:
            PostgresServer(tmp_path / "data", port, tmp_path / "postgres.log").start()
    assert failure.value.port == port
    assert f"PostgreSQL: port {port} of 127.0.0.1" in str(failure.value)
    assert str(tmp_path / "postgres.log") in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_port_taken_after_the_check_is_named_too(
    private_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_postgres.stop()
    monkeypatch.setattr(postgres, "require_free", lambda *_: None)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", private_postgres.port))
        taken.listen()
        with pytest.raises(EmbeddedServerError) as failure:
            private_postgres.start()
    assert failure.value.port == private_postgres.port
    assert "is in use" in str(failure.value)


def test_data_of_another_version_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="holds data of PostgreSQL 17, this is 18"):
        PostgresServer(data).start()


def test_foreign_files_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "thesis.txt").write_text("mine")
    with pytest.raises(EmbeddedServerError, match="is not empty"):
        PostgresServer(tmp_path / "data").start()
    assert (tmp_path / "data" / "thesis.txt").read_text() == "mine"


def test_another_password_is_named(tmp_path: Path) -> None:
    PostgresServer(tmp_path / "data", password="one", fast=True).start().kill9()
    with pytest.raises(EmbeddedServerError, match="was made with another password"):
        PostgresServer(tmp_path / "data", password="two", fast=True).start()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB: an initialised server fits, and little more."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(mount)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("cannot mount a file system here")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


@root_only
def test_a_full_disk_is_named_before_the_start(small_disk: Path) -> None:
    with pytest.raises(EmbeddedServerError) as failure:
        PostgresServer(small_disk / "data", log=small_disk / "postgres.log").start()
    assert f"the disk of {small_disk} is full" in str(failure.value)


@root_only
def test_a_disk_that_fills_while_it_starts_is_named(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "NEEDED_BYTES", 0)
    (small_disk / "ballast").write_bytes(b"x" * 50_000_000)
    with pytest.raises(EmbeddedServerError) as failure:
        PostgresServer(small_disk / "data", log=small_disk / "postgres.log").start()
    assert f"the disk of {small_disk / 'data'} is full" in str(failure.value)
    assert "\n" not in str(failure.value)


@root_only
def test_root_without_user_namespaces_runs_it_as_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most container engines forbid user namespaces; the data then belong to `nobody`."""
    found = postgres.unprivileged()
    assert found is not None
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        base = Path(folder)
        base.chmod(0o755)
        server = PostgresServer(base / "data", log=base / "postgres.log", fast=True)
        server.start()
        run(server, "CREATE TABLE t AS SELECT 7 AS n")
        server.stop()
        assert server.data_dir.stat().st_uid == 0
        with monkeypatch.context() as patch:
            patch.setattr(postgres, "unprivileged", lambda: RunAs(found.uid, found.gid, namespace=False))
            server.start()
            assert server.data_dir.stat().st_uid == found.uid
            assert ask(server, "SELECT n FROM t") == 7
            server.stop()
            with PostgresServer(base / "new", log=base / "new.log", fast=True) as fresh:
                assert ask(fresh, "SELECT 1") == 1
        server.start()
        assert ask(server, "SELECT n FROM t") == 7
        server.kill9()
