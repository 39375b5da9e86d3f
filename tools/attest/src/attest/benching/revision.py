"""What a revision and a signature set in motion, timed until the report shows it."""

from __future__ import annotations

import asyncio
import io
import statistics
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from uuid import uuid4

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from psycopg import sql
from servicekit.bus.kafka_settings import PRODUCER
from servicekit.bus.topics import PlainTopic, ensure_topics

from attest.benching import population
from attest.benching.bench import Bench
from attest.benching.figures import Figure, figure
from attest.demo import acts

_PROCEDURE = b"# Procedure\n\n## 1 What is new\n\nA step was added.\n\n## 2 What stays\n\nEverything else.\n"
_REVISION_SECONDS = 1800.0


def until(found: Callable[[], bool], seconds: float, what: str, every: float = 0.2) -> None:
    """Raises TimeoutError naming what was waited for."""
    end = time.monotonic() + seconds
    while not found():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def revise(bench: Bench, item: str, change: str, *, effective: date) -> None:
    """Version 2 of a procedure, drafted and approved by two people."""
    acts.draft_change(
        bench.user("que"),
        change,
        title=f"Revision of {item}",
        reason="bench",
        document=item,
        file=(f"{item}.md", _PROCEDURE),
        effective={"NL1": effective},
        summary="a step was added",
    )
    acts.approve(bench.user("eva"), change)


def revisions(bench: Bench, people: int) -> Iterable[Figure]:
    """From the signature under the approval until the report has a row that approaches for everybody concerned."""
    took: dict[str, float] = {}
    for item, change, count in (
        (population.SMALL, "CC-S", people // 5),
        (population.LARGE, "CC-L", people),
    ):
        effective = bench.api.now().date() + timedelta(days=14)
        began = time.monotonic()
        revise(bench, item, change, effective=effective)
        # The report of everybody takes a while: asked all the time, it would slow down what it is to show.
        until(lambda i=item, n=count: _opened(bench, i) == n, _REVISION_SECONDS, f"{item} v2")
        until(lambda i=item, n=count: _approaching(bench, i) == n, _REVISION_SECONDS, f"{item} v2", every=0.5)
        took[item] = time.monotonic() - began
        yield figure(
            f"a revision that {count:,} people must read, until the report has every row",
            took[item],
            "s",
            beside=("COPY of the same rows", _copy(bench, item)),
            most=10 if item == population.SMALL else None,
        )
    yield figure(
        "growth from the smaller to the larger revision",
        took[population.LARGE],
        "s",
        beside=("the smaller revision", took[population.SMALL]),
        most_ratio=5.5,
    )


def _approaching(bench: Bench, item: str) -> int:
    found = bench.user("cor").get("/api/reports/compliance", item=item, approaching_days=60, limit=1)
    return found["totals"]["approaching"]


def _reporting(bench: Bench) -> str:
    password = bench.state.password("reporting_owner")
    return f"postgresql://reporting_owner:{password}@{bench.state.running['postgres']}/reporting"


def _opened(bench: Bench, item: str) -> int:
    """How many assignments of version 2 reporting has heard of."""
    with psycopg.connect(_reporting(bench)) as connection:
        row = connection.execute(
            "SELECT count(DISTINCT assignment) FROM app.assignment WHERE item = %s AND target_version = 2",
            [item],
        ).fetchone()
    assert row is not None
    return row[0]


def _copy(bench: Bench, item: str) -> float:
    """Seconds for the current rows of an item's segments by COPY into a plain table of the same columns."""
    with psycopg.connect(_reporting(bench)) as connection:
        rows = io.BytesIO()
        select = "SELECT * FROM app.segment WHERE item = {} AND upper_inf(recorded)"
        query = sql.SQL("COPY (" + select + ") TO STDOUT").format(sql.Literal(item))
        with connection.cursor().copy(query) as copy:
            for block in copy:
                rows.write(block)
        connection.execute("CREATE TABLE app.bench_copy (LIKE app.segment)")
        began = time.monotonic()
        with connection.cursor().copy("COPY app.bench_copy FROM STDIN") as copy:
            copy.write(rows.getvalue())
        took = time.monotonic() - began
        connection.rollback()
    return took


def signature(bench: Bench, person: str) -> float:
    """Milliseconds from the confirmed signature of a reader until the compliance report shows it."""
    reader, looker = bench.user(person.lower()), bench.user("cor")
    acts.read_and_sign(reader, population.FEW, 2)
    began = time.monotonic()

    def shown() -> bool:
        rows = looker.get("/api/reports/compliance", person=person, item=population.FEW)["items"]
        return [row["completed_version"] for row in rows] == [2]

    until(shown, 60, f"{person}'s signature in the report", every=0.005)
    return (time.monotonic() - began) * 1000


def kafka_round_trip(kafka: str) -> float:
    """Milliseconds from a send to the delivery of the same record, the median of 50."""
    return asyncio.run(_round_trip(kafka))


async def _round_trip(kafka: str, times: int = 50) -> float:
    topic = PlainTopic(f"bench.{uuid4().hex}", 1)
    await ensure_topics(kafka, [topic])
    took: list[float] = []
    async with (
        AIOKafkaConsumer(topic.name, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer,
        AIOKafkaProducer(bootstrap_servers=kafka, **PRODUCER) as producer,
    ):
        for number in range(times):
            began = time.perf_counter()
            await producer.send(topic.name, str(number).encode())
            await consumer.getone()
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)
