"""A whole platform: its start, its memory, and how fast it answers with many people in it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from servicekit.embedded.ports import free_port

from attest.benching import answers, memory, population, revision
from attest.benching.bench import Bench
from attest.benching.figures import Figure, figure
from attest.client import Api
from attest.demo import acts
from attest.demo.people import PASSWORD, administrator
from attest.platform.state import StateDir

_START_SECONDS = 600.0
_IMPORT_SECONDS = 3600.0
_SETTLE_SECONDS = 20.0
"""After a start or a burst, before memory is read: figures of an idle platform."""


def figures(people: int) -> Iterable[Figure]:
    """people: of the larger revision; a fifth of them must read the smaller one."""
    with tempfile.TemporaryDirectory(prefix="attest-bench-") as scratch:
        state = StateDir(Path(scratch) / "state")
        with running(state):
            # The first start makes databases and, when their sources are new, the pages.
            bench = Bench(state, reach(state))
            _accounts(bench)
        began = time.monotonic()
        with running(state):
            bench = Bench(state, reach(state))
            bench.user(_reader_name(0)).get("/api/assignments", person=population.reader(0))
            yield figure("warm start until My training answers", time.monotonic() - began, "s", most=20)
            yield from _memory(state)
            yield _load(bench, people)
            yield from answers.check(bench.api.address, bench.user("cor"), item=population.LARGE)
            yield from answers.compliance(bench.user("cor"))
            yield from revision.revisions(bench, people)
            yield from _signatures(bench)


def _memory(state: StateDir) -> Iterable[Figure]:
    time.sleep(_SETTLE_SECONDS)
    running = state.running
    programs = {name: found["pid"] for name, found in running["programs"].items()}
    used = memory.megabytes(programs | {"attest up": running["pid"]})
    # What the supervisor started is below it in the table of processes.
    total = used.pop("attest up")
    services = {name: value for name, value in used.items() if name not in ("PostgreSQL", "Kafka")}
    for name, value in sorted(services.items()):
        yield figure(f"memory idle: {name}", value, "MB", most=150)
    yield figure("memory idle: whole platform", max(total, sum(used.values())), "MB", most=1800)


def _load(bench: Bench, people: int) -> Figure:
    """Imports the population; until every row is taken and every trained cell is reported."""
    began = time.monotonic()
    job = acts.import_and_accept(
        bench.user("cor"),
        [bench.user("cor"), bench.user("eva")],
        population.files(people),
        export_date=bench.api.now().date(),
        reason="population of the bench",
    )
    done = bench.user("cor").wait_for_import(job["id"], seconds=_IMPORT_SECONDS)
    if done["state"] != "DONE":
        raise RuntimeError(f"the import of the population ended {done['state']}")
    revision.until(
        lambda: _allowed(bench, population.LARGE) == people, _IMPORT_SECONDS, "every person to be reported"
    )
    rows = sum(
        data.count(b"\n") - 1 for name, data in population.files(people).items() if name.endswith("csv")
    )
    took = time.monotonic() - began
    return figure("import of the population", rows / took, "rows/s")


def _allowed(bench: Bench, item: str) -> int:
    return bench.user("cor").get("/api/reports/compliance", item=item, limit=1)["totals"]["numerator"]


def _signatures(bench: Bench) -> Iterable[Figure]:
    """From the confirmed signature until the compliance report shows it, one at a time on an idle platform."""
    today = bench.api.now().astimezone(UTC).date()
    revision.revise(bench, population.FEW, "CC-F", effective=today + timedelta(days=1))
    readers = [population.reader(number) for number in range(population.READERS)]
    acts.assigned(bench.user("cor"), readers[-1], population.FEW, 2)
    administrator(bench.api, bench.state.secrets).move_clock(datetime.now(UTC) + timedelta(days=2))
    revision.until(lambda: _fresh(bench), 60, "signs of life after the clock was moved")
    took = [revision.signature(bench, reader) for reader in readers]
    trip = revision.kafka_round_trip(bench.state.running["kafka"])
    yield figure(
        "signature until compliance shows it, p50", statistics.median(took), "ms",
        beside=("a bare Kafka round trip", trip), most=150,
    )  # fmt: skip
    yield figure("signature until compliance shows it, highest of 20", max(took), "ms", most=300)


def _fresh(bench: Bench) -> bool:
    answer = bench.user("cor").post(
        "/api/authorizations/check", {"person": "B00000", "items": [population.LARGE]}
    )
    return "STORE_STALE" not in [reason["code"] for reason in answer["reasons"]]


# The platform


@contextmanager
def running(state: StateDir, *, clock: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A platform of its own until the end of the block. clock: where it begins, when it is made."""
    state.path.mkdir(parents=True, exist_ok=True)
    with (state.path / "up.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [
                sys.executable, "-m", "attest", "up",
                "--state-dir", str(state.path), "--port", str(free_port()), "--mode", "demo",
                *(["--clock", clock] if clock else []),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            revision.until(
                lambda: process.poll() is not None or bool(state.running.get("ready")),
                _START_SECONDS,
                "a start",
            )
            if process.poll() is not None:
                raise RuntimeError((state.path / "up.log").read_text()[-2000:])
            yield process
        finally:
            process.terminate()
            process.wait()


def reach(state: StateDir) -> Api:
    return Api(state.running["address"])


def _reader_name(number: int) -> str:
    return population.reader(number).lower()


def _accounts(bench: Bench) -> None:
    admin = administrator(bench.api, bench.state.secrets)
    staff: dict[str, list[str]] = {
        "cor": ["coordinator", "supervisor"],
        "eva": ["qa_approver"],
        "que": ["document_author"],
    }
    accounts: list[dict[str, Any]] = [
        {
            "username": name,
            "password": PASSWORD,
            "person": name.upper(),
            "name": {"given_name": name.capitalize(), "family_name": "Bench"},
            "grants": [{"role": role} for role in roles],
        }
        for name, roles in staff.items()
    ]
    accounts += [
        {
            "username": _reader_name(number),
            "password": PASSWORD,
            "person": population.reader(number),
            "name": {"given_name": "Bench", "family_name": f"Reader {number}"},
            "grants": [{"role": "operator"}],
        }
        for number in range(population.READERS)
    ]
    admin.post("/api/demo/accounts", {"accounts": accounts, "reason": "bench"})
