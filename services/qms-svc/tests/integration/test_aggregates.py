"""The law of an aggregate: what its events make of the state is what its rows say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plantkit.governing import Effective
from qms_svc.aggregates import CHANGE, DOCUMENT
from qms_svc.domain import change, document
from qms_svc.domain.control import Approval, Control
from qms_svc.domain.version import ChangeClass, End, TrainingDecision
from qms_svc.projections import queries
from qms_testing import Qms
from servicekit.aggregates import create, handle, load
from servicekit.context import Context
from servicekit.domain import DomainError
from servicekit.ids import new_id

CONTEXT = Context(actor="account/QUE", reason="a law", correlation="law")
FILE = {"sha256": "0" * 64, "size": 1, "media_type": "text/markdown", "language": "en"}
SECTIONS = [{"id": "s1", "title": "Purpose", "level": 1, "line_from": 1, "line_to": 2}]
PLAN = {
    "change_class": ChangeClass.MAJOR,
    "training_decision": TrainingDecision.READ,
    "effective": [Effective("NL1", date(2027, 1, 16)), Effective("US1")],
    "ends": [End("NL1", date(2027, 3, 1))],
}
DESCRIPTION = {"title": "T", "document_type": "SOP", "framework": "GMP", "category": None}
NUMBERS = itertools.count(1)

type Make = Callable[[Control, str], change.Command]


def _revision(control: Control, key: str) -> int:
    found = control.documents[key].find(1) if key in control.documents else None
    return found.version if found else 1


MAKE: dict[str, Make] = {
    "describe": lambda c, _: change.Describe(c.change.version, "CAM", {"title": "Another"}),
    "stale": lambda c, _: change.Describe(c.change.version - 1, "CAM", {"title": "Another"}),
    "draft": lambda _, key: change.Draft(key, None, "QUE", PLAN, FILE, SECTIONS),
    "draft undecided": lambda _, key: change.Draft(key, None, "QUE", {}, FILE, SECTIONS),
    "edit": lambda c, key: change.Edit(key, 1, _revision(c, key), "CAM", PLAN | {"sections_changed": ["s1"]}),
    "file": lambda _, key: change.PutFile(key, 1, "QUE", FILE | {"language": "nl"}, SECTIONS),
    "remove": lambda _, key: change.Remove(key, 1, "QUE"),
    "submit": lambda _, __: change.Submit(),
    "recall": lambda _, __: change.Recall(),
    "cancel": lambda _, __: change.Cancel(),
    "approve": lambda _, __: change.Approve(Approval("EVA", "approve", new_id(), "2027-01-01T12:00:00Z")),
}


async def carried_out(qms: Qms, names: Sequence[str]) -> list[str]:
    """The commands that were accepted for a new change; after each one the state is held against the stored one."""
    number, accepted = next(NUMBERS), []
    id_, key = f"LAW-{number}", f"DOC-{number}"
    async with qms.database.transaction(CONTEXT) as tx:
        await create(tx, DOCUMENT, key, document.Register(key, DESCRIPTION | {"owner_department": None}))
        opened = change.Open(id_, "T", "R", "QUE", None, used=False, sites=await queries.sites(tx))
        control = await create(tx, CHANGE, (id_, None), opened)
    for name in names:
        command = MAKE[name](control, key)
        try:
            async with qms.database.transaction(CONTEXT) as tx:
                control = await handle(tx, CHANGE, (id_, key), command)
            accepted.append(name)
        except DomainError:
            pass
        async with qms.database.read() as tx:
            stored = await load(tx, CHANGE, (id_, key), lock=False)
        if key in control.documents:
            assert stored == control, f"{name}, {accepted}"
        control = stored
    return accepted


@given(names=st.lists(st.sampled_from(sorted(MAKE)), min_size=2, max_size=5))
async def test_the_state_after_any_commands_on_a_change_is_the_stored_one(
    qms: Qms, names: Sequence[str]
) -> None:
    assert "stale" not in await carried_out(qms, ["draft", *names])


@pytest.mark.parametrize(
    "names",
    [
        ["draft", "edit", "file", "describe", "submit", "recall", "approve"],
        ["draft", "cancel"],
        ["draft undecided", "edit", "remove"],
    ],
)
async def test_control_each_command_of_the_law_is_accepted_where_it_fits(
    qms: Qms, names: Sequence[str]
) -> None:
    assert await carried_out(qms, names) == names


async def test_the_state_after_commands_on_a_document_is_the_stored_one(qms: Qms) -> None:
    for command in (
        document.Describe(1, {"title": "Another"}),
        document.MoveDate(3, "US1", date(2027, 2, 1), new_id()),
        document.Withdraw(3, new_id()),
        document.Retire(new_id(), "NL1", date(2027, 5, 1)),
    ):
        try:
            async with qms.database.transaction(CONTEXT) as tx:
                state = await handle(tx, DOCUMENT, "SOP-101", command)
        except DomainError:
            assert isinstance(command, document.MoveDate), "v3 has taken effect: its date is fixed"
            continue
        async with qms.database.read() as tx:
            assert await load(tx, DOCUMENT, "SOP-101", lock=False) == state, command
