"""Instants as a reader sees them: with the offset of the place at that time (C-26)."""

from __future__ import annotations

from datetime import datetime

from whenever import Instant


def local(value: datetime | str, zone: str | None) -> str:
    """RFC 3339 with the zone's offset; without a zone in UTC."""
    instant = Instant.parse_iso(value) if isinstance(value, str) else Instant(value)
    if zone is None:
        return instant.format_iso()
    return instant.to_tz(zone).to_fixed_offset().format_iso()
