"""The context of a write: the actor, on whose behalf they act, the reason, and the correlation.

The database refuses a write without an actor and a reason (21 CFR 11.10(e)). The context is
made once at the edge (an HTTP request, a batch of messages, a command line) and handed down, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Context:
    """The cause of a transaction.

    actor: an id with its kind, `account/<id>`, `system/<service>`, `machine/<token id>`; never a name.
    reason: why, in the user's words or a fixed text of the use case; never empty.
    on_behalf_of: the delegating actor, if any.
    correlation: one id from the first click to the last consequence, across services.
    cause: the id of the event or request that led here.
    traceparent: W3C trace context of the caller.
    """

    actor: str
    reason: str
    correlation: str
    on_behalf_of: str | None = None
    cause: str | None = None
    traceparent: str | None = None

    def __post_init__(self) -> None:
        for name in ("actor", "reason", "correlation"):
            if not getattr(self, name).strip():
                raise ValueError(f"a context needs {name}")

    def because(self, reason: str) -> Context:
        """The same cause with another reason."""
        return replace(self, reason=reason)
