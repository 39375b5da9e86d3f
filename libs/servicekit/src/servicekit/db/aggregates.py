"""Aggregates: one row that moves from version n to n + 1, and a writer that says which n it has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, Table, select, update

from servicekit.db.database import Tx
from servicekit.problems import Problem, conflict, not_found


async def lock_row(tx: Tx, table: Table, key: Mapping[str, Any]) -> RowMapping | None:
    """The row, locked until the end of the transaction: lock, read, write, in this order. None: there is none."""
    query = select(table).where(*_is(table, key)).with_for_update()
    return (await tx.conn.execute(query)).mappings().first()


async def update_versioned(
    tx: Tx, table: Table, key: Mapping[str, Any], expected_version: int, values: Mapping[str, Any]
) -> int:
    """Writes `values` when the row still has `expected_version`; returns the new version.

    key: the columns of the primary key and their values.
    Raises Problem: 409 `stale` with `current_version` when somebody wrote in between, 404 when there is no row.
    """
    statement = (
        update(table)
        .where(*_is(table, key), table.c.version == expected_version)
        .values({**values, "version": expected_version + 1})
    )
    if (await tx.conn.execute(statement)).rowcount == 1:
        return expected_version + 1
    present = (await tx.conn.execute(select(table.c.version).where(*_is(table, key)))).scalar()
    shown = "/".join(str(value) for value in key.values())
    if present is None:
        raise not_found(table.name.replace("_", " "), shown)
    raise stale(table.name, shown, expected_version, present)


def stale(what: str, key: str, expected: int, current: int) -> Problem:
    """409 `stale`: what the writer saw is no longer so; read it again before deciding."""
    return conflict(
        "stale",
        f"{what.replace('_', ' ')} {key} has changed since it was read: version {expected} was expected,"
        f" it has version {current}",
        expected_version=expected,
        current_version=current,
    )


def _is(table: Table, key: Mapping[str, Any]) -> list[Any]:
    if set(key) != {column.name for column in table.primary_key}:
        raise ValueError(f"the key of {table.name} is {', '.join(c.name for c in table.primary_key)}")
    return [table.c[name] == value for name, value in key.items()]
