"""The examples of the cell's definition on the plant's files, each at its instant."""

from __future__ import annotations

from datetime import datetime

import pytest

from .facts import World
from .model import VERDICTS, cell
from .plant_a import Report

EXAMPLES = """
E10001 EHS-208 | 2025-12-28T23:59:59+01:00 | NEVER_TRAINED   | 4 | - | -
E10001 EHS-208 | 2025-12-29T00:00:00+01:00 | QUALIFIED       | 5 | 5 | -
E10010 WI-145  | 2025-01-28T23:59:59-05:00 | QUALIFIED       | 2 | 2 | -
E10010 WI-145  | 2025-01-29T00:00:00-05:00 | IN_WINDOW       | 2 | 2 | -
E10010 WI-145  | 2025-02-11T19:00:00-05:00 | IN_WINDOW       | 2 | 2 | -
E10010 WI-145  | 2025-02-12T00:00:00-05:00 | SUPERSEDED      | 3 | 2 | -
E10006 EHS-211 | 2024-04-30T23:59:59+05:30 | IN_WINDOW       | 2 | 2 | -
E10006 EHS-211 | 2024-05-01T00:00:00+05:30 | SUPERSEDED      | 3 | 2 | -
E10001 EHS-117 | 2025-06-10T09:20:59+02:00 | IN_WINDOW       | 5 | 5 | 2026-04-28T00:00+02:00
E10001 EHS-117 | 2025-06-10T09:21:00+02:00 | QUALIFIED       | 5 | 5 | 2026-04-28T00:00+02:00
E10001 EHS-117 | 2025-06-11T00:00:00+02:00 | QUALIFIED       | 6 | 6 | 2026-06-11T00:00+02:00
E10019 EHS-128 | 2024-02-20T00:00:00+01:00 | CARRIED_FORWARD | 3 | 1 | 2024-06-09T00:00+02:00
E10019 EHS-128 | 2024-06-08T23:59:59+02:00 | EXPIRING        | 3 | 1 | 2024-06-09T00:00+02:00
E10019 EHS-128 | 2024-06-09T00:00:00+02:00 | LAPSED          | 3 | 1 | 2024-06-09T00:00+02:00
E10005 SOP-130 | 2024-02-29T23:59:59+01:00 | LAPSED          | 1 | 1 | 2024-02-15T00:00+01:00
E10005 SOP-130 | 2024-03-01T00:00:00+01:00 | SUPERSEDED      | 2 | 1 | -
E10019 SOP-188 | 2025-09-15T23:59:59+02:00 | LAPSED          | 3 | 2 | 2025-03-17T00:00+01:00
E10019 SOP-188 | 2025-09-16T00:00:00+02:00 | SUPERSEDED      | 4 | 2 | -
E10306 EHS-208 | 2024-04-16T12:00:00+02:00 | EXPIRING        | 3 | 1 | 2024-04-24T00:00+02:00
E10355 EHS-128 | 2024-06-05T08:00:00-04:00 | EXPIRING        | 3 | 1 | 2024-06-11T00:00-04:00
E10026 POL-160 | 2025-01-28T23:59:59-05:00 | QUALIFIED       | 3 | 3 | 2025-03-01T00:00-05:00
E10026 POL-160 | 2025-01-29T00:00:00-05:00 | EXPIRING        | 3 | 3 | 2025-03-01T00:00-05:00
E10026 POL-160 | 2025-03-01T00:00:00-05:00 | LAPSED          | 3 | 3 | 2025-03-01T00:00-05:00
E10010 SOP-153 | 2027-06-11T00:00:00-04:00 | LAPSED          | 2 | 2 | 2027-06-11T00:00-04:00
E10087 POL-109 | 2026-01-29T00:00:00+01:00 | SUSPENDED       | 5 | - | -
E10087 POL-109 | 2026-04-09T00:00:00+02:00 | SUPERSEDED      | 5 | 3 | -
E10012 SOP-182 | 2026-09-17T21:42:00-04:00 | SUSPENDED       | 1 | 1 | 2027-09-18T00:00-04:00
E10012 SOP-182 | 2026-10-15T00:00:00-04:00 | QUALIFIED       | 1 | 1 | 2027-09-18T00:00-04:00
E10009 EHS-179 | 2023-03-27T00:00:00+02:00 | NOT_REQUIRED    | - | - | -
E10001 SOP-150 | 2025-05-24T00:00:00+02:00 | SUPERSEDED      | 6 | 5 | -
E10002 SOP-163 | 2025-03-15T18:54:00+01:00 | INCOMPLETE      | 4 | - | -
E10005 SOP-161 | 2026-11-01T12:00:00+01:00 | LAPSED          | 2 | 1 | 2024-03-21T00:00+01:00
E10002 EHS-190 | 2026-11-01T12:00:00+01:00 | QUALIFIED       | 2 | 2 | -
E10031 SOP-131 | 2025-03-03T14:00:00+01:00 | LAPSED          | 4 | 3 | 2024-04-17T00:00+02:00
E10015 SOP-131 | 2025-03-03T14:00:00+01:00 | CARRIED_FORWARD | 4 | 3 | -
E10042 SOP-131 | 2025-03-03T14:00:00-05:00 | NOT_REQUIRED    | - | - | -
"""


def examples() -> list[tuple[str, ...]]:
    lines = [line for line in EXAMPLES.splitlines() if line]
    return [tuple(part.strip() for part in line.replace(" ", "|", 1).split("|")) for line in lines]


def instant_or_none(text: str) -> datetime | None:
    return None if text == "-" else datetime.fromisoformat(text)


@pytest.mark.part("C-02", "the examples of plant A")
@pytest.mark.part("C-03", "the examples of plant A")
@pytest.mark.part("C-06", "the examples of plant A")
@pytest.mark.part("C-08", "the examples of plant A")
@pytest.mark.part("C-09", "the examples of plant A")
@pytest.mark.part("C-10", "the examples of plant A")
@pytest.mark.part("C-11", "the examples of plant A")
@pytest.mark.part("C-12", "the examples of plant A")
@pytest.mark.part("C-13", "the examples of plant A")
@pytest.mark.parametrize(("person", "item", "at", "status", "governs", "completed", "expires"), examples())
def test_example(
    plant_a: tuple[World, Report],
    person: str,
    item: str,
    at: str,
    status: str,
    governs: str,
    completed: str,
    expires: str,
) -> None:
    world, _ = plant_a
    [employment] = world.employments_of[person]
    row = cell(world, person, item, employment.place, datetime.fromisoformat(at))
    assert (row.status, row.verdict) == (status, VERDICTS[status])
    assert (row.governing_version or "-", row.completed_version or "-") == (governs, completed)
    assert row.expires_at == instant_or_none(expires)
