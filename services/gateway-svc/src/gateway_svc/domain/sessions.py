"""How long a session lasts, in real time (PL-32, SR-19)."""

from __future__ import annotations

from datetime import datetime, timedelta

IDLE = timedelta(minutes=15)
KIOSK_IDLE = timedelta(seconds=60)
ABSOLUTE = timedelta(hours=12)

# The series of signings in one continuous period of controlled access (21 CFR 11.200(a)(1)(i)).
SERIES_IDLE = timedelta(minutes=10)
SERIES_ABSOLUTE = timedelta(minutes=30)
SERIES_MOST = 50


def idle(*, kiosk: bool) -> timedelta:
    return KIOSK_IDLE if kiosk else IDLE


def is_over(now: datetime, *, last_seen_at: datetime, expires_at: datetime, kiosk: bool) -> bool:
    return now >= expires_at or now - last_seen_at >= idle(kiosk=kiosk)


def is_worth_noting(now: datetime, last_seen_at: datetime, *, kiosk: bool) -> bool:
    """Whether a sign of life is written down: not each one, and never so late that it would matter."""
    return now - last_seen_at >= idle(kiosk=kiosk) / 30


def continues_series(now: datetime, began_at: datetime | None, last_at: datetime | None, count: int) -> bool:
    """Whether a signing now is a later one of the session's series, rather than the first of another."""
    if began_at is None or last_at is None or count >= SERIES_MOST:
        return False
    return now - last_at < SERIES_IDLE and now - began_at < SERIES_ABSOLUTE
