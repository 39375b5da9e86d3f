"""What every answer is asked as of: an instant of the plant (`at`) and one of the system (`known_at`).

Without `known_at` the answer is what is known by now: the open versions, provisional until every input's watermark
has passed.
"""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from servicekit.bus import watermarks
from servicekit.db import Tx

from reporting_svc.projections.fold import AUDIT_TOPICS, BITEMPORAL

CONSUMER = "reporting"


@dataclass(frozen=True, slots=True)
class AsOf:
    """at, now: aware instants. known_at: None means all that is known by now."""

    at: datetime
    now: datetime
    known_at: datetime | None

    def known(self, alias: str) -> str:
        """The condition that a version of the aliased table was known."""
        return f"upper_inf({alias}.recorded)" if self.known_at is None else f"{alias}.recorded @> :known_at"

    def held(self, alias: str) -> str:
        """The condition that a row was valid; both halves are answered by the index."""
        return f"lower({alias}.valid) <= :at AND upper({alias}.valid) > :at"

    @property
    def knowing(self) -> dict[str, Any]:
        """The parameters of `known`."""
        return {} if self.known_at is None else {"known_at": self.known_at}

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of `known` and `held`."""
        return {"at": self.at, **self.knowing}

    @property
    def shown_known_at(self) -> datetime:
        return self.known_at or self.now

    def provisional(self, complete_up_to: datetime | None) -> bool:
        """Whether an event may still come that this answer would have told of."""
        return complete_up_to is None or self.shown_known_at >= complete_up_to


async def complete_up_to(tx: Tx) -> datetime | None:
    """The record time up to which every input is complete: the lowest of their watermarks; None without one."""
    return _lowest(await watermarks(tx, CONSUMER), list(BITEMPORAL))


async def trail_complete_up_to(tx: Tx) -> datetime | None:
    """The same for the audit trails of all services."""
    return _lowest(await watermarks(tx, CONSUMER), AUDIT_TOPICS)


def _lowest(marks: Mapping[str, datetime | None], topics: list[str] | tuple[str, ...]) -> datetime | None:
    found = [marks.get(topic) for topic in topics]
    known = [mark for mark in found if mark is not None]
    return min(known) if len(known) == len(found) else None


class Zones:
    """The zones of the places: `local` gives an instant the offset of a place, UTC's where no zone is known."""

    def __init__(self, zones: Mapping[str, str]) -> None:
        self.names = dict(zones)
        self._zones = {code: ZoneInfo(name) for code, name in zones.items()}

    def local(self, value: datetime | None, place: str | None) -> datetime | None:
        if value is None:
            return None
        zone = self._zones.get(_site(place)) if place else None
        return value if zone is None else value.astimezone(zone)


async def zones(tx: Tx, asof: AsOf) -> Zones:
    rows = await tx.rows(
        "SELECT u.code, u.time_zone FROM app.unit u"
        f" WHERE u.kind = 'site' AND u.time_zone IS NOT NULL AND {asof.known('u')}",
        asof.knowing,
    )
    return Zones({row["code"]: row["time_zone"] for row in rows})


def _site(place: str) -> str:
    """A study's place is `study/site` (C-01)."""
    return place.rpartition("/")[2]
