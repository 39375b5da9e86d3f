"""Rows as JSON values: what earlier releases kept is read, and written again byte for byte."""

from __future__ import annotations

import json
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from plantfiles import KINDS, from_dict
from plantfiles.codec import as_dict
from pydantic import ValidationError

# Written by the release that had a codec of its own.
KEPT = Path(__file__).with_name("kept_rows.jsonl").read_text(encoding="utf-8").splitlines()


def kept(file: str, line: str) -> dict[str, Any]:
    return next(row for row in map(json.loads, KEPT) if (row["file"], row["line"]) == (file, line))


def test_the_kept_rows_are_of_every_kind() -> None:
    assert {json.loads(line)["file"] for line in KEPT} == {kind.file for kind in KINDS}


@pytest.mark.parametrize("line", KEPT)
def test_a_kept_row_is_read_and_written_byte_for_byte(line: str) -> None:
    values = json.loads(line)
    row = from_dict(values)
    assert type(row) is KINDS[values["file"]].row
    assert json.dumps(as_dict(row), ensure_ascii=False) == line
    assert from_dict(as_dict(row)) == row


def test_values_get_their_types() -> None:
    shift: Any = from_dict(kept("shifts.csv", "904"))
    assert (shift.starts, shift.ends) == (time(22, 30, 15), time(6))
    record: Any = from_dict(kept("training_history.csv", "901"))
    assert record.completed_at.utcoffset() == timedelta(hours=-5, minutes=-30)
    assert (record.score, record.methods, record.evaluator_no) == (Decimal(100), ("R",), None)
    day: Any = from_dict(kept("roster.csv", "2"))
    assert (day.day, day.shift) == (date(2026, 3, 2), None)


def test_a_missing_or_wrong_value_is_refused() -> None:
    values = kept("shifts.csv", "904")
    with pytest.raises(ValidationError, match="starts"):
        from_dict({name: value for name, value in values.items() if name != "starts"})
    with pytest.raises(ValidationError, match="ends"):
        from_dict(values | {"ends": "later"})
    with pytest.raises(KeyError):
        from_dict(values | {"file": "salaries.csv"})
