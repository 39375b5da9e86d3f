"""Time zones by name."""

from __future__ import annotations

from functools import cache

from whenever import Instant, TimeZoneNotFoundError

_EPOCH = Instant.from_timestamp(0)
_NOT_OF_THE_DATABASE = frozenset({"localtime", "posixrules", "Factory"})
"""Names that resolve on some machines, to a place that the machine decides."""


@cache
def is_zone(name: str) -> bool:
    """Whether this is a name of the IANA database, written as it stands there."""
    if name in _NOT_OF_THE_DATABASE:
        return False
    try:
        return _EPOCH.to_tz(name).tz_id == name
    except (TimeZoneNotFoundError, ValueError):
        return False
