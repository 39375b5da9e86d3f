"""The embedded Kafka with its faults, on real processes."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError
from servicekit.embedded import EmbeddedServerError, KafkaServer, jars, kafka
from servicekit.testing import TopicMaker


async def send(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value, partition=0)


async def read(bootstrap: str, topic: str) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition := TopicPartition(topic, 0)])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        values: list[bytes] = []
        while len(values) < end:
            values.append((await consumer.getone()).value or b"")
        return values
    finally:
        await consumer.stop()


def make_topic(server: KafkaServer, name: str) -> None:
    maker = TopicMaker(server.bootstrap)
    maker.create(name)
    maker.close()


async def cluster_id(server: KafkaServer) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    try:
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()


async def test_a_crash_keeps_what_was_acknowledged(private_kafka: KafkaServer) -> None:
    make_topic(private_kafka, "t")
    await send(private_kafka.bootstrap, "t", b"one")
    port, first = private_kafka.port, await cluster_id(private_kafka)
    private_kafka.kill9()
    private_kafka.start()
    assert private_kafka.port == port
    assert await cluster_id(private_kafka) == first
    await send(private_kafka.bootstrap, "t", b"two")
    private_kafka.stop()
    private_kafka.start()
    assert await read(private_kafka.bootstrap, "t") == [b"one", b"two"]


async def test_deleted_data_gives_a_new_cluster(private_kafka: KafkaServer) -> None:
    first = await cluster_id(private_kafka)
    private_kafka.kill9()
    shutil.rmtree(private_kafka.data_dir)
    private_kafka.start()
    assert await cluster_id(private_kafka) != first


async def test_topics_are_never_created_by_themselves(kafka: str, topic_prefix: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, request_timeout_ms=1000, retry_backoff_ms=50)
    await producer.start()
    try:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.partitions_for(topic_prefix + "none")
    finally:
        await producer.stop()


def test_data_in_use_is_refused(private_kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka.clear_left_over, "__defaults__", (0.3,))
    with pytest.raises(EmbeddedServerError, match="is in use by process"):
        KafkaServer(private_kafka.data_dir, log=private_kafka.log).start()
    assert kafka.answers(private_kafka.bootstrap)


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedServerError) as failure:
            KafkaServer(tmp_path / "data", port, tmp_path / "kafka.log").start()
    assert failure.value.port == port
    assert f"Kafka: port {port} of 127.0.0.1" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_missing_java_runtime_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICEKIT_JAVA", str(tmp_path / "java"))
    with pytest.raises(EmbeddedServerError) as failure:
        KafkaServer(tmp_path / "data").start()
    assert f"the Java runtime {tmp_path / 'java'} is missing" in str(failure.value)


def test_a_java_runtime_that_does_not_start_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "java"
    broken.write_text("#!/bin/sh\necho 'error while loading shared libraries: libjvm.so' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("SERVICEKIT_JAVA", str(broken))
    log = tmp_path / "kafka.log"
    with pytest.raises(EmbeddedServerError) as failure:
        KafkaServer(tmp_path / "data", log=log).start()
    assert f"the Java runtime {broken} ended with code 127" in str(failure.value)
    assert "libjvm.so" in str(failure.value)
    assert str(log) in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_heap_that_the_machine_refuses_is_named(tmp_path: Path) -> None:
    server = KafkaServer(tmp_path / "data", log=tmp_path / "kafka.log")
    server.jvm_options = ("-Xmx1m",)
    with pytest.raises(EmbeddedServerError, match=r"the Java runtime .* ended with code 1: .*heap"):
        server.start()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(mount)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("cannot mount a file system here")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 4096):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_full_disk_is_named(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = KafkaServer(small_disk / "data", log=small_disk / "kafka.log")
    with pytest.raises(EmbeddedServerError) as early:
        server.start()
    assert f"the disk of {small_disk} is full" in str(early.value)

    monkeypatch.setattr(kafka, "NEEDED_BYTES", 0)
    server.start()
    server.stop()
    fill(small_disk / "ballast")
    with pytest.raises(EmbeddedServerError) as late:
        server.start()
    assert str(small_disk) in str(late.value)
    assert "full" in str(late.value) or "No space left" in str(late.value)
    assert "\n" not in str(late.value)


class Repository:
    """A Maven repository of one artifact on a free port."""

    def __init__(self, content: bytes) -> None:
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                found = content if self.path.endswith(".jar") else hashlib.sha1(content).hexdigest().encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(found)))
                self.end_headers()
                self.wfile.write(found)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    made = Repository(b"content of the jar")
    monkeypatch.setenv("SERVICEKIT_MAVEN_URL", f"http://127.0.0.1:{made.server.server_port}")
    monkeypatch.setenv("SERVICEKIT_CACHE", str(tmp_path / "cache"))
    yield made
    made.server.shutdown()
    made.server.server_close()


def pin(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes) -> None:
    listed = folder / "jars.txt"
    listed.write_text(f"{hashlib.sha256(content).hexdigest()} {len(content)} org.example:part:1.0\n")
    monkeypatch.setattr(jars, "LIST", listed)
    monkeypatch.setattr(jars.listed, "__defaults__", (listed,))


def test_a_jar_is_fetched_once(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, tmp_path, b"content of the jar")
    said: list[str] = []
    folder = jars.ensure_jars(said.append)
    assert (folder / "part-1.0.jar").read_bytes() == b"content of the jar"
    assert said[0].startswith(f"Kafka {jars.VERSION}: fetching 1 artifacts")
    count = len(repository.requests)
    assert jars.ensure_jars(said.append) == folder
    assert len(repository.requests) == count


def test_a_jar_that_differs_from_the_list_is_refused(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, tmp_path, b"what was pinned")
    with pytest.raises(EmbeddedServerError, match=r"org\.example:part:1\.0 has SHA-256 .* the list says"):
        jars.ensure_jars(lambda _: None)
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_an_unreachable_repository_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin(monkeypatch, tmp_path, b"x")
    monkeypatch.setenv("SERVICEKIT_CACHE", str(tmp_path / "cache"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SERVICEKIT_MAVEN_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(EmbeddedServerError, match=r"cannot fetch org\.example:part:1\.0") as failure:
            jars.ensure_jars(lambda _: None)
    assert "\n" not in str(failure.value)


def test_the_committed_list_is_the_version_in_use() -> None:
    coordinates = {jar.coordinates for jar in jars.listed()}
    assert set(jars.ROOTS) <= coordinates
    assert len(coordinates) == len(jars.listed())
