"""Reads that several handlers share: rows -> domain objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from plantkit.sites import Sites
from servicekit.db import Tx

from matrix_svc.domain.rules import Question, Rule, SourceKind
from matrix_svc.domain.spells import Spell, SpellKind

RULES = """
SELECT r.id, r.rule_version, r.matrix_version, r.source_kind, r.source, r.item, r.methods, r.interval_months,
       r.pass_mark, r.valid_from, e.valid_to, r.baseline, greatest(r.recorded_at, e.recorded_at) AS recorded_at
FROM app.rule r LEFT JOIN app.rule_end e ON e.rule = r.id
"""


QUESTIONS = """
SELECT q.id, q.source_kind, q.source, q.item, q.value, a.answered_from,
       greatest(q.recorded_at, a.recorded_at) AS recorded_at
FROM app.unresolved_cell q LEFT JOIN app.cell_answer a ON a.question = q.id
"""


def spell_of(row: Mapping[Any, Any]) -> Spell:
    return Spell(
        id=str(row["id"]),
        person=row["person"],
        kind=SpellKind(row["kind"]),
        value=row["value"],
        from_on=row["from_on"],
        to_on=row["to_on"],
        recorded_at=row["recorded_at"],
        department=row["department"],
        area=row["area"],
        replaces=None if row["replaces"] is None else str(row["replaces"]),
    )


def rule_of(row: Mapping[Any, Any]) -> Rule:
    return Rule(
        id=str(row["id"]),
        rule_version=row["rule_version"],
        matrix_version=row["matrix_version"],
        source_kind=SourceKind(row["source_kind"]),
        source=row["source"],
        item=row["item"],
        methods=frozenset(row["methods"]),
        interval_months=row["interval_months"],
        pass_mark=row["pass_mark"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        baseline=row["baseline"],
        recorded_at=row["recorded_at"],
    )


def question_of(row: Mapping[Any, Any]) -> Question:
    return Question(
        id=str(row["id"]),
        source_kind=SourceKind(row["source_kind"]),
        source=row["source"],
        item=row["item"],
        value=row["value"],
        answered_from=row["answered_from"],
        recorded_at=row["recorded_at"],
    )


async def zones(tx: Tx) -> Sites:
    rows = await tx.rows("SELECT code, time_zone FROM app.unit WHERE kind = 'site'")
    return Sites({row["code"]: row["time_zone"] for row in rows})


async def spells_of(tx: Tx, people: Sequence[str]) -> dict[str, list[Spell]]:
    rows = await tx.rows("SELECT * FROM app.spell WHERE person = ANY(:people)", {"people": list(people)})
    found: dict[str, list[Spell]] = defaultdict(list)
    for row in rows:
        found[row["person"]].append(spell_of(row))
    return found


async def rules_by_source(tx: Tx) -> dict[tuple[SourceKind, str], list[Rule]]:
    found: dict[tuple[SourceKind, str], list[Rule]] = defaultdict(list)
    for row in await tx.rows(RULES):
        rule = rule_of(row)
        found[rule.source_kind, rule.source].append(rule)
    return found


async def questions_by_source(tx: Tx) -> dict[tuple[SourceKind, str], list[Question]]:
    """Every question of an import, answered or not."""
    found: dict[tuple[SourceKind, str], list[Question]] = defaultdict(list)
    for row in await tx.rows(QUESTIONS):
        question = question_of(row)
        found[question.source_kind, question.source].append(question)
    return found


async def open_questions(tx: Tx) -> list[Question]:
    return [question_of(row) for row in await tx.rows(QUESTIONS + " WHERE a.question IS NULL")]


async def people_of_sources(tx: Tx, sources: Iterable[tuple[str, str]]) -> list[str]:
    """Everyone who ever had one of the sources: whose obligations a changed rule may touch."""
    pairs = list(sources)
    rows = await tx.rows(
        """
        SELECT DISTINCT s.person FROM app.spell s
        JOIN unnest(CAST(:kinds AS text[]), CAST(:sources AS text[])) AS c(kind, source)
          ON (s.kind = c.kind AND s.value = c.source)
          OR (s.kind = 'place' AND (
               (c.kind = 'site' AND s.value = c.source)
            OR (c.kind = 'area' AND s.value || '/' || s.area = c.source)
            OR (c.kind = 'department' AND s.department = c.source)))
        """,
        {"kinds": [kind for kind, _ in pairs], "sources": [source for _, source in pairs]},
    )
    return [row["person"] for row in rows]


async def holders_of_sources(
    tx: Tx, sources: Iterable[str], since: datetime
) -> dict[tuple[str, str], set[str]]:
    """By source kind and source, who holds it on the day of `since` (UTC) or later, while employed."""
    rows = await tx.rows(
        """
        WITH standing AS (
          SELECT s.* FROM app.spell s
          WHERE (s.to_on IS NULL OR (s.to_on > s.from_on AND s.to_on > :day))
            AND NOT EXISTS (SELECT FROM app.spell r WHERE r.replaces = s.id)
        ), held AS (
          SELECT person, kind, value AS source FROM standing WHERE kind IN ('job_function', 'overlay', 'equipment')
          UNION SELECT person, 'site', value FROM standing WHERE kind = 'place'
          UNION SELECT person, 'area', value || '/' || area FROM standing WHERE kind = 'place' AND area IS NOT NULL
          UNION SELECT person, 'department', department FROM standing WHERE kind = 'place' AND department IS NOT NULL
        )
        SELECT h.person, h.kind, h.source FROM held h WHERE h.source = ANY(:sources)
          AND EXISTS (SELECT FROM standing e WHERE e.person = h.person AND e.kind = 'employment')
        """,
        {"day": since.date(), "sources": list(sources)},
    )
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        found[row["kind"], row["source"]].add(row["person"])
    return found


async def names_of_units(tx: Tx, kind: str) -> set[str]:
    rows = await tx.rows("SELECT code FROM app.unit WHERE kind = :kind AND active", {"kind": kind})
    return {row["code"] for row in rows}


async def shifts_of(tx: Tx, site: str) -> set[str]:
    shifts = await tx.scalar(
        "SELECT shifts FROM app.unit WHERE kind = 'site' AND code = :site AND active", {"site": site}
    )
    return {shift["shift"] for shift in shifts or []}
