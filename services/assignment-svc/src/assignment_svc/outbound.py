"""Own changes -> contract models. `OUTBOUND` at the foot is the table of what this service announces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.bus.outbox import Announcement
from servicekit.context import Context

ASSIGNMENT = "assignment.assignment"
QUALIFICATION = "assignment.qualification"


def assignment(event: str, state: Mapping[str, Any], context: Context) -> Announcement:
    """event: opened, rescheduled, paused, resumed, changed or closed."""
    return Announcement(
        topic=ASSIGNMENT,
        type=f"assignment.assignment-{event}.v1",
        subject=state["assignment"],
        key=state["person"],
        state={k: v for k, v in state.items() if k != "cycle"},
        change={"kind": event, "reason": context.reason, "valid_from": None, "cause": context.cause},
        context=context,
    )


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
    return Announcement(
        topic=QUALIFICATION,
        type="assignment.qualification-changed.v1",
        subject=f"{person}/{item}/{place}",
        key=person,
        state=state,
        change={"kind": "derived", "reason": context.reason, "valid_from": None, "cause": context.cause},
        context=context,
    )


OUTBOUND = {ASSIGNMENT: assignment, QUALIFICATION: qualification}
