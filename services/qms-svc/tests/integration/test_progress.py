"""Progress of a change, counted from what the assignment service announces."""

import json
import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qms_testing import EVA, QUE, Qms, draft_cc7


def assignment(state: str, reason: str | None = None, **more) -> dict:
    return {
        "assignment": str(uuid.uuid4()),
        "person": "ANA",
        "item": "SOP-101",
        "place": "NL1",
        "target_version": 4,
        "trigger": "REVISION",
        "state": state,
        "opened_at": "2027-01-02T10:00:00Z",
        "due_at": "2027-01-15T05:00:00Z",
        "closing_reason": reason,
        "first_due_was_past": False,
        "methods": ["R"],
    } | more


async def progress(qms: Qms) -> dict:
    return (await qms.get(EVA, "/api/changes/CC-7")).json()["progress"]


@pytest.mark.part("QM-02", "assignments of the versions of a change are counted")
async def test_assignments_of_the_versions_of_a_change_are_counted(qms: Qms) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    assert set((await progress(qms)).values()) == {0}
    open_one = assignment("OPEN")
    await qms.fold(
        "assignment.assignment",
        open_one,
        assignment("OPEN", due_at="2026-12-30T00:00:00Z"),
        assignment("PAUSED", due_at=None),
        assignment("UPCOMING"),
        assignment("CLOSED", "COMPLETED"),
        assignment("CLOSED", "CREDITED"),
        assignment("CLOSED", "SEPARATED"),
        assignment("CLOSED", "WITHDRAWN"),
        assignment("OPEN", target_version=3),
        assignment("OPEN", item="SOP-102"),
    )
    expected = {
        "assigned": 7,
        "done": 2,
        "open": 2,
        "overdue": 1,
        "paused": 1,
        "upcoming": 1,
        "resolved_otherwise": 1,
        "not_counted": 1,
    }
    assert await progress(qms) == expected
    await qms.fold("assignment.assignment", open_one | {"state": "CLOSED", "closing_reason": "COMPLETED"})
    assert await progress(qms) == expected | {"open": 1, "done": 3}
    listed = (await qms.get(QUE, "/api/changes")).json()["items"]
    assert [(c["change"], c["documents"], c["progress"]["done"]) for c in listed] == [
        ("CC-7", ["SOP-101/4"], 3)
    ]


@given(seed=st.integers())
async def test_any_order_of_subjects_with_repeats_ends_in_the_same_replica(qms: Qms, seed: int) -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(4)]
    history = [
        (n, assignment(state, reason, assignment=key))
        for n, key in enumerate(ids)
        for state, reason in (("OPEN", None), ("PAUSED", None), ("CLOSED", f"R{n}"))
    ]
    choice = random.Random(seed)
    queues = {n: [state for m, state in history if m == n] for n in range(4)}
    qms.sql("DELETE FROM app.assignment")
    while any(queues.values()):
        n = choice.choice([m for m, queue in queues.items() if queue])
        batch = [queues[n].pop(0)]
        await qms.fold("assignment.assignment", *batch)
        if choice.random() < 0.3:
            await qms.fold("assignment.assignment", *batch)
    rows = qms.sql("SELECT assignment::text, state, closing_reason FROM app.assignment ORDER BY 1")
    assert json.dumps([list(row.values()) for row in rows]) == json.dumps(
        [[key, "CLOSED", f"R{n}"] for n, key in enumerate(ids)]
    )


async def test_only_sites_are_kept_of_the_organisation(qms: Qms) -> None:
    await qms.fold(
        "matrix.organisation",
        {"unit": "overlay/TRN", "kind": "overlay", "code": "TRN", "title": "Trainer", "active": True},
    )
    assert qms.sql("SELECT site FROM app.site ORDER BY 1") == [{"site": "NL1"}, {"site": "US1"}]
