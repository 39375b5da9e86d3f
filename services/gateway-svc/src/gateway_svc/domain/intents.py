"""A signing intent: what one person is about to sign, shown to them as it is, for five minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from servicekit.domain import StateError

LIFETIME = timedelta(minutes=5)


class IntentState(StrEnum):
    OPEN = "OPEN"
    SIGNED = "SIGNED"
    EXPIRED = "EXPIRED"
    STALE = "STALE"
    DECLINED = "DECLINED"


_MESSAGES = {
    IntentState.EXPIRED: "it was shown more than five minutes ago: read it again before you sign",
    IntentState.STALE: "the record changed after it was shown: read it again before you sign",
    IntentState.DECLINED: "it was declined",
    IntentState.SIGNED: "it is signed already",
}
_CODES = {
    IntentState.EXPIRED: "expired",
    IntentState.STALE: "stale",
    IntentState.DECLINED: "declined",
    IntentState.SIGNED: "signed",
}


def at(state: IntentState, expires_at: datetime, now: datetime) -> IntentState:
    """The state at `now`: an open intent runs out by itself."""
    return IntentState.EXPIRED if state == IntentState.OPEN and now >= expires_at else state


def require_open(state: IntentState) -> None:
    """StateError with the code of the state that the intent is in instead."""
    if state != IntentState.OPEN:
        raise StateError(_CODES[state], _MESSAGES[state])
