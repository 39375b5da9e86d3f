"""After the story: no name and no mail address of anybody stands in a span or a log line (PL-31)."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from pathlib import Path

import httpx
import pytest
from attest.platform.services import SERVICES

from tests.e2e.api import until
from tests.e2e.conftest import Platform

PEOPLE = Path(__file__).parents[2] / "examples" / "fixture-f" / "people.csv"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("journeys")]


def personal_words() -> re.Pattern[str]:
    """Given names, family names and mail addresses of everybody, each by itself; accounts that were vouched for, too."""
    with PEOPLE.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    words = {word for row in rows for word in (row["given_name"], row["family_name"], row["email"]) if word}
    words |= {"Devi", "Rao", "Hanneke", "Dijkgraaf", "Coordinator Story", '"Story"'}
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(words)))


def found_in(paths: list[Path]) -> dict[str, list[str]]:
    words = personal_words()
    found = {path.name: sorted(set(words.findall(path.read_text(errors="replace")))) for path in paths}
    return {name: hits for name, hits in found.items() if hits}


@pytest.mark.req("PL-31")
def test_no_personal_data_in_spans_and_logs(platform: Platform, tmp_path: Path) -> None:
    if platform.process is None:
        pytest.skip("a developer's own platform keeps its spans elsewhere")
    # Those that were put aside when they grew too large, too, and what the supervisor wrote.
    logs = sorted((platform.directory / ".attest" / "logs").glob("*.log*"))
    logs += platform.directory.glob("*.log")
    spans = sorted(platform.directory.glob("*-spans.jsonl*"))
    writers = {path.name.partition("-spans.jsonl")[0].split("-")[0] for path in spans}
    assert writers == set(SERVICES), "every service writes its spans"
    assert all(path.stat().st_size > 0 for path in spans)
    assert len(logs) >= 8
    assert found_in([*logs, *spans]) == {}
    planted = tmp_path / "planted.log"
    for text, hits in (
        ('{"event": "hired Devi Rao"}', ["Devi", "Rao"]),
        ('{"given_name": "Ana", "family_name": "Vermeer"}', ["Ana", "Vermeer"]),
    ):
        planted.write_text(text)
        assert found_in([planted]) == {"planted.log": hits}


@pytest.mark.req("PL-31")
def test_one_trace_leads_from_the_click_to_the_report(platform: Platform) -> None:
    """ANA's signature: from the gateway over the owner and the engine to reporting, across Kafka."""
    if platform.process is None:
        pytest.skip("a developer's own platform keeps its spans elsewhere")
    writers: dict[str, set[str]] = defaultdict(set)
    clicks: set[str] = set()
    for path in platform.directory.glob("*-spans.jsonl*"):
        writer = path.name.partition("-spans.jsonl")[0]
        for line in path.read_text().splitlines():
            span = json.loads(line)
            trace = span["context"]["trace_id"]
            writers[trace].add(writer)
            if writer == "gateway" and span["parent_id"] is None and "/confirm" in span["name"]:
                clicks.add(trace)
    way = {"gateway", "records", "assignment", "reporting"}
    whole = [trace for trace in clicks if {w.partition("-")[0] for w in writers[trace]} >= way]
    assert whole, {trace: sorted(writers[trace]) for trace in clicks}


@pytest.mark.req("PL-31")
def test_what_is_watched_is_measured(platform: Platform) -> None:
    def measured() -> dict[str, list[float]]:
        text = httpx.get(f"{platform.base}/metrics").text
        return {
            name: [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)]
            for name in (
                "bus_outbox_age_seconds",
                "bus_outbox_pending",
                "bus_consumer_lag",
                "bus_watermark_age_seconds",
                "bus_dead_letters",
                "lanes_marks",
            )
        }

    # The clock has just been moved by weeks: the next heartbeats bring watermarks of the new time.
    values = until(measured, lambda found: max(found["bus_watermark_age_seconds"], default=1e9) < 600)
    assert all(values.values()), values
    assert values["bus_dead_letters"] == [0.0]
