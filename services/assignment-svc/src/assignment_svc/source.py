"""The definition of a source of facts: one kind of fact from which the engine derives cells.

Each module of `assignment_svc.sources` declares one `SOURCE`. It says which tables hold the facts, which events bring
them, which cells an event marks, which rows a derivation needs, and what they mean to the engine. `registry` finds the
modules; nothing else lists them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from servicekit.bus import Fold
from sqlalchemy import Table

from assignment_svc.domain.facts import Place

type Json = Mapping[str, Any]
type Facts = Mapping[str, Any]
"""Fields of `domain.facts.CellFacts` by name."""


class Cell(NamedTuple):
    """The cell whose facts are asked for."""

    person: str
    item: str
    place: Place


class Snapshot:
    """The facts of a chunk of people, as one statement found them: the rows of each kind by key and second key."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, str], list[Json]]] = defaultdict(dict)
        self._made: dict[Hashable, Any] = {}
        self.latest: datetime | None = None
        """The latest record time among the facts."""

    def add(
        self,
        what: str,
        key: str,
        key2: str | None = None,
        body: Json | None = None,
        at: datetime | None = None,
    ) -> None:
        """Takes one row of the load statement."""
        self._rows[what].setdefault((key, key2 or ""), []).append(body or {})
        if at is not None and (self.latest is None or at > self.latest):
            self.latest = at

    def keys(self, what: str) -> list[tuple[str, str]]:
        """The keys of all rows of a kind, sorted."""
        return sorted(self._rows[what])

    def all(self, what: str, key: str, key2: str = "") -> Sequence[Json]:
        """The rows of a kind under these keys."""
        return self._rows[what].get((key, key2), ())

    def one(self, what: str, key: str, key2: str = "") -> Json | None:
        """The only row of a kind under these keys; None without one."""
        found = self._rows[what].get((key, key2))
        return found[0] if found else None

    def once[T](self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of `make`, which is called once for each key, because many cells share a person or a document."""
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = make()
        return found


def _no_facts(_cell: Cell, _found: Snapshot) -> Facts:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One kind of fact.

    tables: what holds the facts. folds: topic -> fold, which keeps the facts and marks the cells that they change.
    Several sources may fold one topic; the order of their folds means nothing.
    loads: name of the rows -> SELECT of (key text, key2 text, body jsonb, at timestamptz), where `at` is the record
    time of the fact. It may use two tables of the statement: `people(person)`, the people who are derived, and
    `wanted(person, item)`, their pairs.
    facts: the fields of `CellFacts` that this kind contributes to a cell. A tuple is added to what others contribute.
    """

    tables: Sequence[Table]
    folds: Mapping[str, Fold] = field(default_factory=dict)
    loads: Mapping[str, str] = field(default_factory=dict)
    facts: Callable[[Cell, Snapshot], Facts] = _no_facts
