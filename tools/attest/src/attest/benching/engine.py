"""The engine alone: microseconds a cell."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from assignment_svc.domain.facts import (
    CellFacts,
    DaySpell,
    ObligationSpan,
    PersonFacts,
    Place,
    TrainingRecord,
    Version,
)
from assignment_svc.domain.qualification import derive
from assignment_svc.domain.vocabulary import Method, TrainingDecision, Trigger
from plantkit.governing import prepare

from attest.benching.figures import Figure, figure


def engine() -> Iterable[Figure]:
    """Derivation of cells of a made-up item with five versions and ten records."""
    value = _microseconds_a_cell()
    yield figure("derive a cell", value, "microseconds", most=200)


def _microseconds_a_cell(times: int = 2000) -> float:
    zone = "Europe/Amsterdam"
    start = datetime(2022, 1, 1, tzinfo=UTC)
    versions = [
        Version(
            n,
            start + timedelta(days=200 * n),
            start + timedelta(days=200 * n + 14),
            decision=TrainingDecision.READ,
        )
        for n in range(5)
    ]
    cell = CellFacts(
        person=PersonFacts("P", (DaySpell(date(2022, 1, 1)),)),
        item="SOP-1",
        place=Place("NL1", zone),
        timeline=prepare(versions),
        obligations=(
            ObligationSpan(
                "o", "job_function", "OPR", start, frozenset({Method.R}), Trigger.NEW_HIRE, date(2022, 1, 1),
                interval_months=12,
            ),
        ),
        records=tuple(
            TrainingRecord(str(n), n // 2, frozenset({Method.R}), start + timedelta(days=100 * n + 10), zone)
            for n in range(10)
        ),
    )  # fmt: skip
    now = start + timedelta(days=900)
    for _ in range(200):
        derive(cell, now)
    began = time.perf_counter()
    for _ in range(times):
        derive(cell, now)
    return (time.perf_counter() - began) / times * 1e6
