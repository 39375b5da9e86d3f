"""Aggregates: a pure domain module decides, this module loads, saves and announces.

The domain module has a frozen state, commands, events, and two functions:

    decide(state, command, now) -> events      raises a DomainError when the command is refused
    evolve(state, event) -> state              applies what was decided, and never refuses

`Aggregate` says how such a state is read, which rows it has and what its events announce; `handle` does the rest, the
same way for every aggregate. A state holds the `version` of each of its rows, and `evolve` raises it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from functools import reduce
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Table, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB

from servicekit.bus.outbox import Announceable, announce, claim
from servicekit.db.database import Tx
from servicekit.problems import Problem, conflict, not_found

type Subject = tuple[str, str]
"""Topic and subject of the events that an aggregate announces; claiming it is the lock."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table as a state has it: column -> value. An aggregate's row has its `version` among them."""

    table: Table
    values: Mapping[str, Any]

    @property
    def key(self) -> tuple[Any, ...]:
        return tuple(self.values[column.name] for column in self.table.primary_key)


def _no_rows(_: Any) -> Iterable[Row]:
    return ()


def _no_announcements(*_: Any) -> Iterable[Announceable]:
    return ()


@dataclass(frozen=True)
class Aggregate[K, S, C, E]:
    """How the shell serves one kind of aggregate.

    decide, evolve: the domain's. lock: takes the locks of a key that are no claims, and names the subjects to be
    claimed, so that the order of events is that of the changes. load: the state of a key, None when there is none.
    rows: the aggregate rows of a state. facts: the rows that an event adds, never changed afterwards.
    announces: the events on the bus, from the state after the command, its events and its reason.
    """

    name: str
    decide: Callable[[S | None, C, datetime], Sequence[E]]
    evolve: Callable[[S | None, E], S]
    lock: Callable[[Tx, K], Awaitable[Iterable[Subject]]]
    load: Callable[[Tx, K], Awaitable[S | None]]
    rows: Callable[[S], Iterable[Row]] = _no_rows
    facts: Callable[[E], Iterable[Row]] = _no_rows
    announces: Callable[[S, Sequence[E], str], Iterable[Announceable]] = _no_announcements


async def load[K, S, C, E](tx: Tx, aggregate: Aggregate[K, S, C, E], key: K, *, lock: bool) -> S:
    """The state as it stands. With lock its subjects are claimed and the record time is stamped. Raises 404."""
    state = await find(tx, aggregate, key, lock=lock)
    if state is None:
        raise not_found(aggregate.name, _shown(key))
    return state


async def find[K, S, C, E](tx: Tx, aggregate: Aggregate[K, S, C, E], key: K, *, lock: bool) -> S | None:
    """As `load`; None when there is none, for a command that makes one."""
    if lock:
        await claim(tx, await aggregate.lock(tx, key))
    return await aggregate.load(tx, key)


async def handle[K, S, C, E](tx: Tx, aggregate: Aggregate[K, S, C, E], key: K, command: C) -> S:
    """Loads the aggregate under its lock, decides, saves and announces; returns the new state.

    Raises what `decide` raises, 404 when there is no such aggregate, 409 `stale` when a row changed in between.
    """
    return await carry_out(tx, aggregate, await load(tx, aggregate, key, lock=True), command)


async def create[K, S, C, E](tx: Tx, aggregate: Aggregate[K, S, C, E], key: K, command: C) -> S:
    """As `handle`, for a command that may make the aggregate: `decide` gets None when there is none yet."""
    return await carry_out(tx, aggregate, await find(tx, aggregate, key, lock=True), command)


async def carry_out[K, S, C, E](tx: Tx, aggregate: Aggregate[K, S, C, E], state: S | None, command: C) -> S:
    """The second half of `handle`, for a state that this transaction has loaded under its lock."""
    events = aggregate.decide(state, command, tx.recorded_at)
    after = evolve(aggregate, state, events)
    added = [row for event in events for row in aggregate.facts(event)]
    await save(tx, () if state is None else aggregate.rows(state), [*aggregate.rows(after), *added])
    announcements = list(aggregate.announces(after, events, tx.context.reason))
    # A subject that this command has created could not be claimed earlier.
    await claim(tx, [(each.topic, each.subject) for each in announcements])
    await announce(tx, announcements)
    return after


def evolve[K, S, C, E](aggregate: Aggregate[K, S, C, E], state: S | None, events: Sequence[E]) -> S:
    """The state after the events. Raises ValueError when there is neither a state nor an event."""
    after = reduce(aggregate.evolve, events, state)
    if after is None:
        raise ValueError(f"nothing was decided about a {aggregate.name} that does not exist")
    return after


async def save(tx: Tx, before: Iterable[Row], after: Iterable[Row]) -> None:
    """Writes what differs: new rows, and the changed columns of rows that moved to their next version.

    Raises 409 `stale` when a row no longer has the version that was loaded.
    """
    known = {(row.table.fullname, row.key): row for row in before}
    new: list[Row] = []
    for row in after:
        old = known.get((row.table.fullname, row.key))
        if old is None:
            new.append(row)
            continue
        changed = {name: value for name, value in row.values.items() if old.values.get(name) != value}
        if changed:
            await _update(tx, old, changed)
    for _, group in groupby(new, key=lambda row: (row.table.fullname, tuple(row.values))):
        rows = list(group)
        await tx.execute(insert(rows[0].table), [dict(row.values) for row in rows])


async def _update(tx: Tx, old: Row, changed: Mapping[str, Any]) -> None:
    table, version = old.table, old.values["version"]
    if "version" not in changed:
        raise ValueError(f"a row of {table.name} changed without moving to its next version")
    here = [
        column == value for column, value in zip(table.primary_key.columns.values(), old.key, strict=True)
    ]
    statement = update(table).where(*here, table.c.version == version).values(**changed)
    if (await tx.execute(statement)).rowcount == 1:
        return
    name, key = table.name.replace("_", " "), "/".join(map(str, old.key))
    present = await tx.scalar(select(table.c.version).where(*here))
    if present is None:
        raise not_found(name, key)
    raise stale(name, key, version, present)


def stale(what: str, key: str, expected: int, current: int) -> Problem:
    """409 `stale`: the record has changed since the writer read it."""
    return conflict(
        "stale",
        f"{what} {key} has changed since it was read: version {expected} was expected, it has version {current}",
        expected_version=expected,
        current_version=current,
    )


class Columns[S]:
    """A dataclass and the table whose columns have the names of its fields: row -> state, state -> row."""

    def __init__(self, table: Table, state: type[S]) -> None:
        self.table = table
        self._adapter = TypeAdapter(state)
        names = {field.name for field in fields(state)}  # pyright: ignore[reportArgumentType] - a dataclass
        self._columns = [column for column in table.columns if column.name in names]
        self._json = {column.name for column in self._columns if isinstance(column.type, JSONB)}

    def state(self, row: Mapping[Any, Any], **more: Any) -> S:
        """more: the fields that are no columns."""
        values = {column.name: row[column.name] for column in self._columns}
        return self._adapter.validate_python(values | more)

    def row(self, state: S, **more: Any) -> Row:
        """more: the columns that are no fields, or that are stored in another way."""
        values: dict[str, Any] = {}
        stored: Mapping[str, Any] = {}
        for column in self._columns:
            value = getattr(state, column.name)
            if column.name in self._json and value is not None:
                if not stored:
                    stored = self._adapter.dump_python(state, mode="json", include=self._json)
                value = stored[column.name]
            elif isinstance(value, Enum):
                value = value.value
            elif isinstance(value, (tuple, frozenset)):
                value = sorted(value) if isinstance(value, frozenset) else list(value)
            values[column.name] = value
        return Row(self.table, values | more)


def one_row[S](
    columns: Columns[S],
) -> tuple[
    Callable[[Tx, Any], Awaitable[Iterable[Subject]]],
    Callable[[Tx, Any], Awaitable[S | None]],
    Callable[[S], Iterable[Row]],
]:
    """`lock`, `load` and `rows` of an aggregate that is one row, with a key of one column, and announces nothing."""
    [key_column] = columns.table.primary_key

    async def lock(tx: Tx, key: Any) -> Iterable[Subject]:
        await tx.execute(select(key_column).where(key_column == key).with_for_update())
        return []

    async def load_row(tx: Tx, key: Any) -> S | None:
        row = await tx.one(select(columns.table).where(key_column == key))
        return None if row is None else columns.state(row)

    return lock, load_row, lambda state: [columns.row(state)]


def _shown(key: Any) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)
