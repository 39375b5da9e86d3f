"""Guessing is stopped: 5 failures within 15 minutes lock for 30 minutes (PL-32, 21 CFR 11.300(d))."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

LIMIT = 5
WINDOW = timedelta(minutes=15)
LOCK = timedelta(minutes=30)
MEMORY = WINDOW + LOCK
"""Failures older than this decide nothing any more."""


def locked_until(failures: Sequence[datetime]) -> datetime | None:
    """When the lock that these failures set ends, ended or not; None when they set none.

    failures: their instants in ascending order, since the last success.
    """
    for last in range(len(failures) - 1, LIMIT - 2, -1):
        if failures[last] - failures[last - LIMIT + 1] <= WINDOW:
            return failures[last] + LOCK
    return None


def is_locked(failures: Sequence[datetime], now: datetime) -> bool:
    until = locked_until(failures)
    return until is not None and now < until


def sets_lock(failures: Sequence[datetime]) -> bool:
    """Whether just the last one of the failures locks."""
    return len(failures) >= LIMIT and failures[-1] - failures[-LIMIT] <= WINDOW
