"""After the story: no name and no mail address of anybody stands in a span or a log line (PL-31)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from attest.platform.services import SERVICES

from tests.e2e.conftest import Platform

PEOPLE = Path(__file__).parents[2] / "examples" / "fixture-f" / "people.csv"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("platform")]


def personal_words() -> set[str]:
    with PEOPLE.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    words = {f"{row['given_name']} {row['family_name']}" for row in rows}
    words |= {row["email"] for row in rows if row["email"]}
    return words | {"Devi Rao"}


def found_in(paths: list[Path]) -> dict[str, list[str]]:
    words = personal_words()
    found: dict[str, list[str]] = {}
    for path in paths:
        text = path.read_text(errors="replace")
        hits = sorted(word for word in words if word in text)
        if hits:
            found[path.name] = hits
    return found


@pytest.mark.req("PL-31")
def test_no_personal_data_in_spans_and_logs(platform: Platform, tmp_path: Path) -> None:
    if platform.process is None:
        pytest.skip("a developer's own platform keeps its spans elsewhere")
    logs = sorted((platform.directory / ".attest" / "logs").glob("*.log"))
    spans = sorted(platform.directory.glob("*-spans.jsonl"))
    writers = {path.name.removesuffix("-spans.jsonl").split("-")[0] for path in spans}
    assert writers == set(SERVICES), "every service writes its spans"
    assert all(path.stat().st_size > 0 for path in spans)
    assert len(logs) >= 8
    assert found_in([*logs, *spans]) == {}
    planted = tmp_path / "planted.log"
    planted.write_text('{"event": "hired Devi Rao"}\n')
    assert found_in([planted]) == {"planted.log": ["Devi Rao"]}
