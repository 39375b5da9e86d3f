"""Units and tasks move from version n to n + 1; who changes one names the version that was read."""

from __future__ import annotations

from typing import Any

import pytest
from servicekit.testing.harness import RunningService

UNIT = {"kind": "overlay", "code": "TRN", "title": "Trainer", "reason": "renamed"}
TASK = {"task": "RUN-FILL", "title": "Run the line", "items": ["SOP-101"], "reason": "first task"}


@pytest.mark.part("MX-01", "a change of an outdated revision is refused")
@pytest.mark.part("PL-24", "a change of an outdated revision is refused")
@pytest.mark.parametrize(
    ("path", "body", "new"),
    [
        ("/api/organisation/units", UNIT, {"code": "QAS"}),
        ("/api/tasks", TASK, {"task": "CLEAN"}),
    ],
)
async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    service: RunningService, path: str, body: dict[str, Any], new: dict[str, Any]
) -> None:
    client = service.client("coordinator", subject="COR")
    made = await client.post(path, json=body | new)
    assert (made.status_code, made.json()["version"]) == (200, 1)
    renamed = body | new | {"title": "Another title"}
    for revision in ({}, {"revision": 2}):
        stale = await client.post(path, json=renamed | revision)
        assert (stale.status_code, stale.json()["type"]) == (409, "urn:attest:problem:stale"), stale.text
        assert stale.json()["revision"] == 1
    done = await client.post(path, json=renamed | {"revision": 1})
    assert (done.status_code, done.json()["version"], done.json()["title"]) == (200, 2, "Another title")
