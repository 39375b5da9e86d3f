"""What a service announces. `attest_contracts.events` has a constructor for every event type, made from the topic
files; nobody writes a type, a key or a subject by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

type Json = Mapping[str, Any]
"""JSON-ready. The outbox validates it against the schema of the topic and refuses what that does not declare."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event to be: what `servicekit.bus.announce` takes.

    state: the whole subject after the change. change: `{kind, reason, valid_from, cause}`. context: whose correlation,
    cause and actor the event carries (a `servicekit.context.Context`); None: those of the transaction.
    """

    topic: str
    type: str
    subject: str
    key: str
    state: dict[str, Any]
    change: dict[str, Any]
    context: Any = None


type Constructor = Callable[[Json, Json], Announcement]
"""A constructor of `attest_contracts.events`, of state and change."""
