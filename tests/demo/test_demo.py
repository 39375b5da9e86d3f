"""`attest demo` from its start to its end, as somebody sees it who has just cloned the repository; and plant A as the
running platform knows it then, cell by cell against the slow reference."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from attest.client import Api
from attest.demo.people import AUDITOR, PASSWORD
from servicekit.embedded.ports import free_port
from servicekit.testing import eventually_sync

from tests.reference import model, plant_a

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("demo")]
EXAMPLES = Path(__file__).parents[2] / "examples"
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
KNOWN = datetime(2026, 11, 2, 8, tzinfo=UTC)
"""After the import, before the story's first signature."""


@dataclass
class Played:
    """A demo that has told its story and stays until Ctrl-C."""

    port: int
    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def told(self) -> str:
        return "".join(self.lines)

    def is_told(self) -> bool:
        assert self.process.poll() is None, self.told[-4000:]
        return "the platform runs until Ctrl-C" in self.told


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    port, state = free_port(), tmp_path_factory.mktemp("demo") / "state"
    process = subprocess.Popen(
        [sys.executable, "-m", "attest", "demo", "--port", str(port), "--state-dir", str(state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    )
    played = Played(port, process, [])
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: played.lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        eventually_sync(played.is_told, deadline=800, every=0.5)
        yield played
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        reader.join(10)


@pytest.mark.part("PL-29", "the demonstration prints what happened, and where to look")
@pytest.mark.part("AE-01", "the demonstration prints what happened, and where to look")
@pytest.mark.part("QM-01", "the demonstration prints what happened, and where to look")
@pytest.mark.part("R-18", "the demonstration prints what happened, and where to look")
@pytest.mark.part("N-02", "the demonstration prints what happened, and where to look")
@pytest.mark.part("RP-06", "the demonstration prints what happened, and where to look")
@pytest.mark.parametrize(
    "expected",
    [
        r"once more: nothing changes",
        r"accepted by \w+ and \w+",
        r"may DEV run the filling line at 9 Nov 08:00\? DENY: NO_ACTIVE_SPELL",
        r"may DEV run the filling line at 10 Nov 08:00\? DENY: .*NEVER_TRAINED SOP-120",
        r"CC-7 approved by Eva Dijkstra",
        r"CHI: REVISION, PAUSED, due when back from leave",
        r"ANA: REVISION, OPEN, due 15 Nov 06:00 \(CET\)",
        r"ANA: QUALIFIED, ALLOW \(v5 governs, trained on v5\)",
        r"may BEN run the filling line at 16 Nov 06:00\? DENY: SUPERSEDED SOP-120",
        r"BEN on 17 Nov 12:00, as known then: SUPERSEDED",
        r"BEN on 17 Nov 12:00, as known now: QUALIFIED \[LATE_ENTRY\]",
        r"what came between is record [0-9a-f-]{36}",
        r"GIL at 22 Nov 23:59:59 \(EST\): IN_WINDOW, ALLOW",
        r"GIL at 23 Nov 00:00:00 \(EST\): SUPERSEDED, DENY",
        r"records: INSERT training_record by ANA \(read and understood\)",
        r"open http://127\.0\.0\.1:\d+ and log in with the password",
    ],
)
def test_the_demo_says_what_happened_and_where_to_look(demo: Played, expected: str) -> None:
    assert re.search(expected, demo.told), demo.told


@pytest.fixture(scope="module")
def auditor(demo: Played) -> Api:
    return Api(f"http://127.0.0.1:{demo.port}").log_in(AUDITOR, PASSWORD)


@pytest.fixture(scope="module")
def cells(auditor: Api) -> list[dict[str, Any]]:
    """All cells about an instant, as known after the import."""
    found = auditor.pages(
        "/api/qualification/cells",
        at=AT.isoformat(),
        known_at=KNOWN.isoformat(),
        include="not_required",
        limit=500,
    )
    return list(found)


@pytest.mark.part("PL-29", "every cell of plant A in the running platform equals the reference")
@pytest.mark.part("R-62", "every cell of plant A in the running platform equals the reference")
@pytest.mark.part("RP-03", "every cell of plant A in the running platform equals the reference")
@pytest.mark.part("RP-04", "every cell of plant A in the running platform equals the reference")
def test_every_cell_of_plant_a_is_what_the_reference_says(cells: list[dict[str, Any]]) -> None:
    world, _ = plant_a.load(EXAMPLES / "plant-a", date(2026, 11, 1))
    platform = {(row["person"], row["item"], row["place"]): row for row in cells}
    keys = sorted({*model.all_cells(world), *model.questioned_cells(world)})
    assert len(keys) > 15_000
    assert {key for key in platform if key[0].startswith("E1")} == set(keys)
    wrong: list[str] = []
    for key in keys:
        expected, row = model.cell(world, *key, AT), platform[key]
        theirs = (
            expected.status,
            expected.verdict,
            _number(expected.governing_version),
            _number(expected.completed_version),
            expected.completed_at,
            expected.expires_at,
            list(expected.flags),
        )
        ours = (
            *(row[name] for name in ("status", "verdict", "governing_version", "completed_version")),
            *(_instant(row[name]) for name in ("completed_at", "expires_at")),
            row["flags"],
        )
        if ours != theirs:
            wrong.append(f"{key}: the platform says {ours}, the reference {theirs}")
    assert not wrong, f"{len(wrong)} of {len(keys)} differ:\n" + "\n".join(wrong[:20])


@pytest.mark.part("RP-01", "the counts of the compliance report are those of the cells")
@pytest.mark.part("PL-29", "the counts of the compliance report are those of the cells")
@pytest.mark.parametrize("site", ["NL1", "US1", "IN1"])
def test_the_compliance_counts_are_those_of_the_cells(
    auditor: Api, cells: list[dict[str, Any]], site: str
) -> None:
    # DEV was hired already and works at no site before the tenth.
    everyone = [row for row in cells if row["place"] == site and row["person"] != "DEV"]
    here = [row for row in everyone if row["verdict"] != "NONE"]
    totals = auditor.get(
        "/api/reports/compliance", site=site, at=AT.isoformat(), known_at=KNOWN.isoformat(), limit=1
    )["totals"]
    assert totals["by_status"] == dict(Counter(row["status"] for row in everyone))
    assert totals["numerator"] == len([row for row in here if row["verdict"] == "ALLOW"]) > 1_000
    on_leave = [row for row in here if any(reason["code"] == "ON_LEAVE" for reason in row["reasons"])]
    assert totals["denominator"] == len(here) - len(on_leave)
    assert len(on_leave) > 0


def _number(version: str | None) -> int | None:
    return None if version is None else int(version)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def test_ctrl_c_ends_it(demo: Played) -> None:
    os.killpg(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(60) == 0, demo.told[-2000:]
