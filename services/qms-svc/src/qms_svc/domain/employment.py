"""Whether a person has left, derived from employment spells without knowledge of the place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from plantkit.time import last_date_on_earth


def has_left(employments: Iterable[Mapping[str, str | None]], now: datetime) -> bool:
    """True when every spell is over everywhere on Earth. `to` is the first local day without (C-02)."""
    today = last_date_on_earth(now)
    spells = list(employments)
    return bool(spells) and all(
        (to := spell.get("to")) is not None and date.fromisoformat(to) <= today for spell in spells
    )
