"""People as the access policy sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.policy import Policy


async def resource_of(tx: Tx, person: str) -> Mapping[str, Any] | None:
    """Site, area, owner and supervisor of a person; None when the person is not known."""
    row = await tx.one("SELECT state FROM app.person WHERE person = :person", {"person": person})
    return None if row is None else as_resource(row["state"], tx.now.date())


async def scoped_people(
    tx: Tx, caller: Caller, policy: Policy, actions: Sequence[str], person: str | None
) -> list[str] | None:
    """The people whom the caller may see; None: everybody. A person out of scope gives an empty list."""
    unlimited = any(policy.decide(caller, action, {"site": object()}).allowed for action in actions)
    if person is None and unlimited:
        return None
    rows = await tx.rows(
        "SELECT person, state FROM app.person WHERE CAST(:person AS text) IS NULL OR person = :person",
        {"person": person},
    )
    today = tx.now.date()
    return [
        row["person"]
        for row in rows
        if any(policy.decide(caller, action, as_resource(row["state"], today)).allowed for action in actions)
    ]


def as_resource(state: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The place that holds today, or the last one of somebody who left or is yet to come."""
    places = sorted(state["places"], key=lambda p: p["from"])
    current = [
        p for p in places if p["from"] <= today.isoformat() and (not p["to"] or p["to"] > today.isoformat())
    ]
    place = (current or places or [{"site": None, "area": None}])[-1]
    return {
        "site": place["site"],
        "area": place.get("area"),
        "own": state["person"],
        "team": state.get("supervisor"),
    }
