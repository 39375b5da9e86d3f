"""What this service announces of its own: nothing but its audit trail, which the platform announces by itself.

`OUTBOUND` is the table, as in every service: topic -> model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OUTBOUND: dict[str, Callable[..., Any]] = {}
