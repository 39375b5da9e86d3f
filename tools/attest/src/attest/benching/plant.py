"""What a customer hands over: plant A, from the upload until the compliance counts are right."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from attest.benching import revision
from attest.benching.bench import Bench
from attest.benching.figures import Figure, figure
from attest.benching.platform import reach, running
from attest.client import files_of
from attest.commands.demo import EXAMPLES
from attest.demo import acts
from attest.demo.people import APPROVER, COORDINATOR, administrator, make_accounts
from attest.demo.story import BEGIN, EXPORT_DATE
from attest.platform.state import StateDir

AT = "2026-11-01T12:00:00+00:00"
QUALIFIED, REQUIRED = 10_274, 13_548
"""Cells of plant A with verdict ALLOW, and cells with a verdict at all, at AT: what the slow reference counts
(`tests/demo` compares cell by cell)."""
_SECONDS = 900.0


def plant() -> Iterable[Figure]:
    """On a platform of its own, started for it and empty."""
    with tempfile.TemporaryDirectory(prefix="attest-bench-") as scratch:
        state = StateDir(Path(scratch) / "state")
        with running(state, clock=BEGIN):
            bench = Bench(state, reach(state))
            make_accounts(administrator(bench.api, state.secrets))
            coordinator = bench.user(COORDINATOR)
            files = files_of(EXAMPLES / "plant-a")
            began = time.monotonic()
            job = acts.import_and_accept(
                coordinator,
                [coordinator, bench.user(APPROVER)],
                files,
                export_date=EXPORT_DATE,
                reason="plant A",
            )

            def right() -> bool:
                done = coordinator.get(f"/api/imports/{job['id']}")["state"]
                if done == "FAILED":
                    raise RuntimeError("the import of plant A failed")
                # Asking for the counts costs what it counts: not before there is something to find.
                if done != "DONE":
                    return False
                totals = coordinator.get("/api/reports/compliance", at=AT, limit=1)["totals"]
                required = totals["cells"] - totals["by_status"].get("NOT_REQUIRED", 0)
                return (totals["numerator"], required) == (QUALIFIED, REQUIRED)

            revision.until(right, _SECONDS, "the compliance counts of plant A")
            took = time.monotonic() - began
    yield figure("import of plant A until its compliance counts are right", took, "s", most=60)
