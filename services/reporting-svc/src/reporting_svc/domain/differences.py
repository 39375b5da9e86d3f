"""Two answers about one cell, known at two times: what differs, and the facts that made it so (N-02, RP-04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COMPARED = (
    "status",
    "verdict",
    "governing_version",
    "completed_version",
    "completed_at",
    "expires_at",
    "flags",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """changed: the fields that differ. records_gained, records_lost: ids of training records that only the later,
    only the earlier answer rests on."""

    changed: tuple[str, ...]
    records_gained: tuple[str, ...]
    records_lost: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.changed and not self.records_gained and not self.records_lost


def difference(earlier: Mapping[str, Any] | None, later: Mapping[str, Any] | None) -> Difference:
    """Either may be None: the cell was not known then."""
    one, other = earlier or {}, later or {}
    changed = [name for name in COMPARED if _value(one, name) != _value(other, name)]
    if (earlier is None) != (later is None):
        changed = list(COMPARED)
    before: Sequence[str] = one.get("records", ())
    after: Sequence[str] = other.get("records", ())
    return Difference(
        tuple(changed),
        tuple(sorted(set(after) - set(before))),
        tuple(sorted(set(before) - set(after))),
    )


def _value(answer: Mapping[str, Any], name: str) -> Any:
    found = answer.get(name)
    return sorted(found) if name == "flags" and found else found
