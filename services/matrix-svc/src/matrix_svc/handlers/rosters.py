"""Dated rosters: what a roster file says of people's days, announced month by month (`matrix.roster`)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from attest_contracts.events import matrix_roster
from servicekit.bus.outbox import announce, claim
from servicekit.context import Context
from servicekit.db import Database, Tx
from servicekit.ids import new_id
from servicekit.retries import until_it_succeeds
from servicekit.service import Runtime
from sqlalchemy.exc import DBAPIError

from matrix_svc import outbound
from matrix_svc.domain.roster import Statement, rostered
from matrix_svc.projections import queries

log = structlog.get_logger(__name__)

type Month = tuple[str, str]
"""A person and a calendar month, e.g. ("ANA", "2026-03")."""

TOPIC = matrix_roster.TOPIC
_CHUNK = 500
"""Months that one transaction announces."""

_STATEMENTS = """
    SELECT r.person, w.month, r.day, r.shift, r.recorded_at
    FROM unnest(CAST(:people AS text[]), CAST(:months AS text[])) AS w (person, month)
    JOIN app.roster_day r ON r.person = w.person
        AND r.day >= CAST(w.month || '-01' AS date)
        AND r.day < CAST(w.month || '-01' AS date) + interval '1 month'"""
_MISSING = """
    SELECT person, month FROM (
        SELECT DISTINCT r.person, to_char(r.day, 'YYYY-MM') AS month FROM app.roster_day r) AS stated
    WHERE NOT EXISTS (
        SELECT FROM bus.subject s
        WHERE s.topic = :topic AND s.subject = stated.person || '/' || stated.month AND s.sequence > 0)
    ORDER BY person, month LIMIT :limit"""


async def take(tx: Tx, rows: Sequence[Mapping[str, Any]], _batch: str) -> None:
    """Keeps the days of a block of `roster.csv` and announces the months that it names."""
    months = sorted({(row["employee_no"], row["day"][:7]) for row in rows})
    # Whoever changes a person's shift letters claims the person: a day is compared with the letter known until now.
    people = sorted({person for person, _ in months})
    at = await claim(tx, [*(("matrix.person", person) for person in people), *_subjects(months)])
    await tx.copy(
        "app.roster_day",
        ["id", "person", "day", "shift", "recorded_at"],
        [(new_id(), row["employee_no"], row["day"], row["shift"], at) for row in rows],
    )
    await _announce(tx, months, outbound.change("imported"))


async def publish_history(runtime: Runtime) -> None:
    """Announces every month that the topic does not have yet, then waits for ever.

    Releases before `matrix.roster` announced rosters with the person; an upgraded service announces them here once.
    """

    def passes(error: Exception) -> bool:
        log.warning("rosters are not announced yet", error=type(error).__name__)
        return isinstance(error, DBAPIError | OSError)

    async for attempt in until_it_succeeds(passes, first=1.0, most=30.0):
        with attempt:
            while await announce_missing(runtime.database):
                pass
    await asyncio.Event().wait()


async def announce_missing(database: Database, limit: int = _CHUNK) -> int:
    """Announces up to `limit` months that were never announced; returns how many there were."""
    context = Context(f"system/{database.source}", "rosters have a topic of their own", new_id())
    async with database.transaction(context) as tx:
        rows = await tx.rows(_MISSING, {"topic": TOPIC, "limit": limit})
        months = [(row["person"], row["month"]) for row in rows]
        if months:
            await claim(tx, _subjects(months))
            await _announce(tx, months, outbound.change("published"))
    return len(months)


def _subjects(months: Iterable[Month]) -> list[tuple[str, str]]:
    return [(TOPIC, f"{person}/{month}") for person, month in months]


async def _announce(tx: Tx, months: Sequence[Month], what: Mapping[str, Any]) -> None:
    people = [person for person, _ in months]
    rows = await tx.rows(_STATEMENTS, {"people": people, "months": [month for _, month in months]})
    statements: dict[Month, list[Statement]] = defaultdict(list)
    for row in rows:
        statements[row["person"], row["month"]].append(
            Statement(row["day"], row["shift"], row["recorded_at"])
        )
    spells = await queries.spells_of(tx, sorted(set(people)))
    await announce(
        tx,
        [
            outbound.roster(person, month, rostered(statements[person, month], spells.get(person, ())), what)
            for person, month in months
        ],
    )
