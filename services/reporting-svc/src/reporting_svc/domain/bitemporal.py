"""The fold of a bitemporal table, without a database.

A subject has one version at a time. A version's rows are known from the record time of the event that brought it
until that of the subject's next event; the last version's until further notice. Nothing depends on any other
subject, so the order in which subjects arrive never matters (law 3 of the architecture).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

type Key = tuple[str, ...]
type Row = tuple[object, ...]


class Version(NamedTuple):
    """What one event says of its subject. `first`: no version was ever before it. `time`: record time, aware."""

    key: Key
    time: datetime
    rows: Sequence[Row]
    first: bool = False


class Known(NamedTuple):
    """A row and when it was known: `[since, until)`, record time; until None: still."""

    row: Row
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch does to a table: what is open under a key of `closes` ends at that instant (or goes, when it
    began no earlier: a version that was replaced in the same instant was known at no time), then `adds` come in.
    """

    closes: Mapping[Key, datetime]
    adds: Sequence[Known]


def plan(versions: Iterable[Version]) -> Plan:
    """versions: newer than all that was folded before, each subject's in its order; every one of them counts."""
    by_key: dict[Key, list[Version]] = {}
    for version in versions:
        by_key.setdefault(version.key, []).append(version)
    closes: dict[Key, datetime] = {}
    adds: list[Known] = []
    for key, found in by_key.items():
        if not found[0].first:
            closes[key] = found[0].time
        for position, version in enumerate(found):
            following = found[position + 1].time if position + 1 < len(found) else None
            if following is None or following > version.time:
                adds.extend(Known(row, version.time, following) for row in version.rows)
    return Plan(closes, adds)


def apply(table: Mapping[Key, Sequence[Known]], change: Plan, key_width: int) -> dict[Key, list[Known]]:
    """The table after the plan. A row begins with its key, `key_width` columns wide."""
    result = {key: list(rows) for key, rows in table.items()}
    for key, at in change.closes.items():
        closed = [
            row if row.until is not None else row._replace(until=at)
            for row in result.get(key, [])
            if row.until is not None or row.since < at
        ]
        if closed:
            result[key] = closed
        else:
            result.pop(key, None)
    for added in change.adds:
        key = tuple(str(part) for part in added.row[:key_width])
        result.setdefault(key, []).append(added)
    return result
