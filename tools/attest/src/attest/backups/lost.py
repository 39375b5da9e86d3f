"""What others know of a subject that a restored service no longer knows: the state in which it counts for nothing.

A restored database is older than what the other services have heard of it. A subject that it knows is announced again
in the new epoch. One that it has never heard of is *lost*: its owner announces it once more, in a state that says
nothing, so that nobody rests on a fact that no owner can show (a person is not qualified by a lost record: the
restore fails closed). What was lost stays readable in reporting's archive and in the list that the restore writes,
from which people enter it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

type State = dict[str, Any]

KIND = "lost_in_restore"
REASON = "not in the database that was restored from a backup"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """How a topic says that a subject counts for nothing.

    Attributes:
        type: of the event.
        state: the last known state and an instant (ISO 8601, `Z`) -> the state without effect.
    """

    type: str
    state: Callable[[Mapping[str, Any], str], State]


def _with(**values: Any) -> Callable[[Mapping[str, Any], str], State]:
    return lambda state, _: {**state, **values}


def _unqualified(state: Mapping[str, Any], at: str) -> State:
    """From its first instant to for ever nothing is required, and nothing allowed by it."""
    begin = state["segments"][0]["from"] if state["segments"] else at
    nothing = {
        "status": "NOT_REQUIRED",
        "verdict": "NONE",
        "flags": [],
        "records": [],
        "reasons": [],
        "sources": [],
    }
    return {**state, "segments": [{"from": begin, "to": None, **nothing}]}


def _never_counts(state: Mapping[str, Any], at: str) -> State:
    return {**state, "entered_in_error": {"at": at, "reason": REASON, "by": "system"}}


def _closed(state: Mapping[str, Any], at: str) -> State:
    return {
        **state,
        "state": "CLOSED",
        "closed_at": at,
        "closing_reason": "WITHDRAWN",
        "closing_detail": REASON,
    }


def _ended(state: Mapping[str, Any], at: str) -> State:
    return {**state, "ended": {"at": at, "reason": REASON}}


_SPELLS = ("employments", "places", "functions", "overlays", "equipment", "leaves", "shifts")
_NO_SPELLS: State = {name: [] for name in _SPELLS}

WITHDRAWALS: Mapping[str, Withdrawal] = {
    "assignment.assignment": Withdrawal("assignment.assignment-closed.v1", _closed),
    "assignment.qualification": Withdrawal("assignment.qualification-changed.v1", _unqualified),
    "gateway.account": Withdrawal("gateway.account-changed.v1", _with(status="DISABLED", grants=[])),
    "matrix.equivalence": Withdrawal(
        "matrix.equivalence-changed.v1", _with(source_versions=[], target_versions=[])
    ),
    "matrix.obligation": Withdrawal("matrix.obligation-changed.v1", _with(spans=[], unresolved=False)),
    "matrix.organisation": Withdrawal("matrix.organisation-changed.v1", _with(active=False)),
    "matrix.person": Withdrawal("matrix.person-changed.v2", _with(**_NO_SPELLS)),
    "matrix.requirement": Withdrawal("matrix.requirement-changed.v1", _with(rules=[], unresolved=[])),
    "matrix.roster": Withdrawal("matrix.roster-changed.v1", _with(days=[])),
    "matrix.task": Withdrawal("matrix.task-changed.v1", _with(active=False)),
    "qms.change": Withdrawal("qms.change-cancelled.v1", _with(state="CANCELLED")),
    "qms.document": Withdrawal("qms.document-changed.v1", _with(versions=[], retired=[])),
    "qms.retraining": Withdrawal("qms.retraining-ended.v1", _ended),
    "records.training-record": Withdrawal("records.training-record-marked-in-error.v1", _never_counts),
}
"""Every topic whose subjects can be taken back. Audit entries are not: that something was done stays true. Names
(`matrix.person-name`) are not either: nothing rests on them, and the archive does not have them."""
