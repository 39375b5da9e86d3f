"""Own changes -> contract models. `OUTBOUND` at the foot is the table of what this service announces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attest_contracts.events import assignment_assignment, assignment_qualification
from attest_contracts.outgoing import Announcement
from servicekit.context import Context

ASSIGNMENT = assignment_assignment.TOPIC
QUALIFICATION = assignment_qualification.TOPIC
_ASSIGNMENT_EVENTS = {
    "opened": assignment_assignment.assignment_opened,
    "rescheduled": assignment_assignment.assignment_rescheduled,
    "paused": assignment_assignment.assignment_paused,
    "resumed": assignment_assignment.assignment_resumed,
    "changed": assignment_assignment.assignment_changed,
    "closed": assignment_assignment.assignment_closed,
}


def assignment(event: str, state: Mapping[str, Any], context: Context) -> Announcement:
    """event: opened, rescheduled, paused, resumed, changed or closed."""
    what = {"kind": event, "reason": context.reason, "valid_from": None, "cause": context.cause}
    shown = {name: value for name, value in state.items() if name != "cycle"}
    return _ASSIGNMENT_EVENTS[event](shown, what, context=context)


def qualification(
    person: str,
    item: str,
    place: str,
    segments: list[dict[str, Any]],
    *,
    rules: str,
    tzdata: str,
    context: Context,
) -> Announcement:
    state = {
        "person": person,
        "item": item,
        "place": place,
        "segments": segments,
        "rule_version": rules,
        "tzdata_version": tzdata,
    }
    what = {"kind": "derived", "reason": context.reason, "valid_from": None, "cause": context.cause}
    return assignment_qualification.qualification_changed(state, what, context=context)


OUTBOUND = {ASSIGNMENT: assignment, QUALIFICATION: qualification}
