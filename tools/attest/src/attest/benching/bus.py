"""The bus alone: a relay's drain and the way from a commit to a fold, on servers of their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from servicekit.bus.bench import drain, latency
from servicekit.db.platform import install
from servicekit.embedded import KafkaServer, PostgresServer
from sqlalchemy import create_engine

from attest.benching.figures import Figure, figure


def relay(rows: int) -> Iterable[Figure]:
    """Drain of a queue of 800-byte events, reading and clearing included, beside raw sending of the same bytes."""
    with (
        tempfile.TemporaryDirectory(prefix="attest-bench-") as scratch,
        _servers(Path(scratch)) as (urls, kafka),
    ):
        drained = asyncio.run(drain(urls[0], kafka, rows=rows))
        took = asyncio.run(latency(urls[0], urls[1], kafka))
    yield figure(
        "relay drain",
        drained.drain_rate,
        "rows/s",
        beside=("raw send_batch", drained.raw_rate),
        least_ratio=0.35,
    )
    yield figure("relay memory", drained.memory, "MB", most=100)
    yield figure("relay CPU", drained.cpu, "s a 100,000 events", most=3)
    yield figure("commit to consumer p50", took.p50, "ms", most=10)
    yield figure("commit to consumer p99", took.p99, "ms", most=25)


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[list[str], str]]:
    """A PostgreSQL with two databases that have the platform's schemas, and a Kafka, for this run alone."""
    with (
        PostgresServer(folder / "postgres", log=folder / "postgres.log") as postgres,
        KafkaServer(folder / "kafka", log=folder / "kafka.log") as kafka,
    ):
        urls = []
        for name in ("store", "sales"):
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
                for role in (f"{name}_owner", f"{name}_app"):
                    admin.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'bench'").format(sql.Identifier(role))
                    )
                admin.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(name), sql.Identifier(f"{name}_owner")
                    )
                )
            host = postgres.url(name).rsplit("@", 1)[1]
            engine = create_engine(f"postgresql+psycopg://{name}_owner:bench@{host}")
            with engine.begin() as connection:
                install(
                    connection, service=name, app_role=f"{name}_app", owner_role=f"{name}_owner", mode="test"
                )
            engine.dispose()
            urls.append(f"postgresql://{name}_app:bench@{host}")
        yield urls, kafka.bootstrap
