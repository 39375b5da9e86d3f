"""The terms of an import: what decides, besides the files, which rows are taken, and as what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from plantfiles.zones import is_zone

SITE_RULE = "site"
"""Zone rule: a time without offset is of the zone of the person's site. Any other rule is the name of a zone."""


@dataclass(frozen=True, slots=True)
class Terms:
    """export_date: the day of the customer's export, local; no history row is later (C-33).

    zone_rule: of which zone a time without offset is: None = such rows are refused, `site`, or an IANA name.
    migrated_counts: whether migrated records may allow anybody to work (C-36). Raises ValueError for a zone rule that
    is neither `site` nor an IANA zone.
    """

    export_date: date
    zone_rule: str | None = None
    migrated_counts: bool = True

    def __post_init__(self) -> None:
        if self.zone_rule is not None and self.zone_rule != SITE_RULE and not is_zone(self.zone_rule):
            raise ValueError(f"zone rule {self.zone_rule!r} is neither 'site' nor an IANA time zone")

    def named(self, names: Iterable[str]) -> dict[str, Any]:
        """The terms of these names as JSON values."""
        values = asdict(self) | {"export_date": self.export_date.isoformat()}
        return {name: values[name] for name in names}
