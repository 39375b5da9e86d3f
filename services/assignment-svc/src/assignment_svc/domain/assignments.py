"""Assignments that should be open (architecture: the need's turning true; C-20 to C-24)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from .due import Due
from .vocabulary import AssignmentState, ClosingReason, Method, Trigger

NAMESPACE = uuid5(NAMESPACE_URL, "urn:attest:assignment")
"""Namespace of assignment ids."""


class Cause(NamedTuple):
    """The fact whose validity began the cycle: its kind, its id, and the change control behind it."""

    kind: str
    id: str
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """One task: train the person on ``target_version``.

    ``opened_at`` is the instant at which the need turned true, or at which it became known when it lies
    ahead. ``due_at`` is the instant at which it is overdue, None while paused or without a date; ``due_on`` is
    the local day that it stands for, in ``due_zone``. ``cycle`` is the order or completion that began the
    cycle, part of the id.
    """

    id: UUID
    person: str
    item: str
    place: str
    target_version: int
    cycle: str
    trigger: Trigger
    cause: Cause
    state: AssignmentState
    opened_at: datetime
    due_at: datetime | None
    due_on: date | None
    due_zone: str
    first_due_was_past: bool
    methods: frozenset[Method]


def assignment_id(person: str, item: str, place: str, target_version: int, cycle: str) -> UUID:
    """The id: the same facts give the same id, in whatever order they came (R-54)."""
    # A separator that occurs in no id keeps two different tuples from giving one name.
    return uuid5(NAMESPACE, "\x1f".join((person, item, place, str(target_version), cycle)))


class Closing(NamedTuple):
    """Why and from when an assignment is no longer wanted (C-25)."""

    at: datetime
    reason: ClosingReason
    detail: str | None


class Cycle(NamedTuple):
    """A need that turned true at ``since`` and stayed so."""

    since: datetime
    opened: datetime
    trigger: Trigger
    cause: Cause
    key: str
    due: Due | None
    known_at: datetime | None
