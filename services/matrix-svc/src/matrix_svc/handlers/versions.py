"""Matrix versions: draft, preview, signed approval (MX-08). Approval writes rules and marks; obligations follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attest_contracts.events import matrix_requirement
from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.http.caller import Caller
from servicekit.ids import new_id
from servicekit.lanes import BULK, Mark, mark
from servicekit.policy import Parts
from servicekit.problems import invalid, not_found
from servicekit.signing import Prepared, Signature, no_inputs
from sqlalchemy import insert, select

from matrix_svc import outbound
from matrix_svc.db import tables
from matrix_svc.domain.rules import Cell, Place, Question, Rule, SourceKind, starts_at
from matrix_svc.domain.versions import (
    Difference,
    Draft,
    VersionState,
    approve,
    check_approval,
    differences,
    is_stricter,
)
from matrix_svc.handlers.obligations import OBLIGATIONS
from matrix_svc.projections import queries

MEANINGS = {"approve": "I approve this version of the training matrix; it takes effect as shown."}


async def draft(
    tx: Tx, *, title: str, author: str, effective_at: datetime | None, cells: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A new draft with the next number. 422 for an unknown source or item, or cells that change nothing."""
    parsed = [_cell(cell) for cell in cells]
    await _check_sources(tx, parsed)
    if not differences(parsed, await in_force(tx), await queries.open_questions(tx)):
        raise invalid("cells", "no-change", "the draft changes nothing")
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('matrix_version', 0))")
    number = 1 + (await tx.scalar("SELECT coalesce(max(number), 0) FROM app.matrix_version"))
    row = {
        "number": number,
        "version": 1,
        "title": title,
        "state": VersionState.DRAFT.value,
        "author": author,
        "effective_at": effective_at,
        "baseline": False,
        "cells": [_cell_state(cell) for cell in parsed],
        "approved_at": None,
        "signature": None,
        "recorded_at": tx.now,
    }
    await tx.execute(insert(tables.matrix_version), row)
    return row


async def preview(tx: Tx, number: int) -> dict[str, Any]:
    """The diff of a draft against the rules in force, and whom each difference touches: they hold its source when it
    takes effect or later (R-75). `stricter` says that what they have may not be enough any more."""
    row = await _row(tx, number, lock=False)
    changes = await _differences(tx, row)
    begins = starts_at(row["effective_at"], tx.now)
    holders = await queries.holders_of_sources(tx, {c.cell.source for c in changes}, begins)
    shown = [
        _difference(change)
        | {
            "stricter": is_stricter(change),
            "people": sorted(holders[change.cell.source_kind.value, change.cell.source]),
        }
        for change in changes
    ]
    return {
        **row,
        "differences": shown,
        "people_affected": len({person for one in shown for person in one["people"]}),
    }


@dataclass(frozen=True, slots=True)
class Proposed:
    """A draft, what it changes, and the open questions at that time."""

    row: Mapping[str, Any]
    changes: Sequence[Difference]
    questions: Sequence[Question]


class MatrixVersionSignable:
    """Signing kind `matrix_version`, key = its number, no inputs."""

    action = "requirement.sign"
    meanings = MEANINGS

    async def load(
        self, tx: Tx, caller: Caller, key: str, inputs: Mapping[str, Any], *, lock: bool
    ) -> Proposed:
        no_inputs(inputs)
        row = await _row(tx, int(key) if key.isdecimal() else -1, lock=lock)
        questions = await queries.open_questions(tx)
        changes = differences([_cell(cell) for cell in row["cells"]], await in_force(tx), questions)
        if lock:
            await claim(tx, [("matrix.requirement", item) for item in _items(changes)])
        return Proposed(row, changes, questions)

    def parts(self, subject: Proposed) -> Parts:
        return {"author": subject.row["author"]}

    def prepare(self, subject: Proposed, meaning: str, now: datetime) -> Prepared:
        row = subject.row
        check_approval(_draft(row), subject.changes)
        shown = [_difference(change) for change in subject.changes]
        effective = outbound.instant(row["effective_at"])
        return Prepared(
            content={
                "number": row["number"],
                "title": row["title"],
                "effective_at": effective,
                "differences": shown,
            },
            content_version=str(row["version"]),
            meaning=meaning,
            meaning_text=MEANINGS[meaning],
            display={"title": f"Matrix version {row['number']}: {row['title']}", "differences": shown},
            time_zone="UTC",
        )

    async def apply(self, tx: Tx, subject: Proposed, signature: Signature) -> None:
        row, changes = subject.row, subject.changes
        items, signed_at = _items(changes), tx.recorded_at
        await tx.execute(
            "UPDATE app.matrix_version SET version = version + 1, state = 'APPROVED', approved_at = :at,"
            " signature = CAST(:signature AS uuid) WHERE number = :number",
            {"at": signed_at, "signature": signature.id, "number": row["number"]},
        )
        approved = approve(
            _draft(row),
            changes,
            signed_at=signed_at,
            new_ids=[new_id() for _ in changes],
            questions=subject.questions,
        )
        await insert_rules(tx, approved.rules)
        if approved.ends:
            await tx.execute(
                "INSERT INTO app.rule_end (rule, valid_to, matrix_version, recorded_at)"
                " VALUES (CAST(:rule AS uuid), :valid_to, :number, :at)",
                [
                    {"rule": rule, "valid_to": ends, "number": row["number"], "at": signed_at}
                    for rule, ends in approved.ends.items()
                ],
            )
        await insert_answers(tx, approved.answers, row["number"], signed_at)
        await announce_requirements(tx, items, row["number"], cause=signature.id)
        people = await queries.people_of_sources(
            tx, {(c.cell.source_kind.value, c.cell.source) for c in changes}
        )
        await mark(
            tx,
            tables.LANES,
            [Mark(person, OBLIGATIONS, cause=signature.id, priority=BULK) for person in people],
        )


def _items(changes: Sequence[Difference]) -> list[str]:
    return sorted({change.cell.item for change in changes})


async def _differences(tx: Tx, row: Mapping[str, Any]) -> list[Difference]:
    cells = [_cell(cell) for cell in row["cells"]]
    return differences(cells, await in_force(tx), await queries.open_questions(tx))


async def in_force(tx: Tx, items: Sequence[str] | None = None) -> dict[Place, Rule]:
    """The rule of each cell, of all items or of some, that nothing has ended yet."""
    rows = await tx.rows(
        queries.RULES
        + " WHERE e.rule IS NULL AND (CAST(:items AS text[]) IS NULL OR r.item = ANY(CAST(:items AS text[])))",
        {"items": None if items is None else list(items)},
    )
    return {rule.place: rule for rule in map(queries.rule_of, rows)}


async def insert_answers(
    tx: Tx, answers: Mapping[str, datetime], matrix_version: int, recorded_at: datetime
) -> None:
    """answers: question -> the first instant at which it is open no more (C-34)."""
    if answers:
        await tx.execute(
            "INSERT INTO app.cell_answer (question, answered_from, matrix_version, recorded_at)"
            " VALUES (CAST(:question AS uuid), :answered_from, :number, :at)",
            [
                {"question": question, "answered_from": since, "number": matrix_version, "at": recorded_at}
                for question, since in answers.items()
            ],
        )


async def insert_rules(tx: Tx, rules: Sequence[Rule]) -> None:
    await tx.copy(
        "app.rule",
        [c.name for c in tables.rule.columns],
        [
            (
                r.id,
                r.rule_version,
                r.matrix_version,
                r.source_kind.value,
                r.source,
                r.item,
                sorted_methods(r.methods),
                r.interval_months,
                r.pass_mark,
                r.valid_from,
                r.baseline,
                r.recorded_at,
            )
            for r in rules
        ],
    )


def sorted_methods(methods: frozenset[str]) -> str:
    """A text array as COPY writes it."""
    return "{" + ",".join(sorted(methods)) + "}"


async def announce_requirements(tx: Tx, items: Sequence[str], matrix_version: int, *, cause: str) -> None:
    """The whole state of each item's requirement: every rule that ever held, and open questions."""
    rules: dict[str, list[Mapping[str, Any]]] = {item: [] for item in items}
    for row in await tx.rows(
        queries.RULES + " WHERE r.item = ANY(:items) ORDER BY r.recorded_at, r.id", {"items": list(items)}
    ):
        rules[row["item"]].append(outbound.rule_state(dict(row)))
    unresolved: dict[str, list[dict[str, Any]]] = {item: [] for item in items}
    for row in await tx.rows(
        queries.QUESTIONS + " WHERE q.item = ANY(:items) ORDER BY q.recorded_at, q.id", {"items": list(items)}
    ):
        unresolved[row["item"]].append(outbound.question_state(queries.question_of(row)))
    known = {
        row["item"]: row
        for row in await tx.rows("SELECT * FROM app.item WHERE item = ANY(:items)", {"items": list(items)})
    }
    await announce(
        tx,
        [
            matrix_requirement.requirement_changed(
                {
                    "item": item,
                    "title": known[item]["title"] if item in known else item,
                    "category": (known[item]["category"] if item in known else None) or "general",
                    "frameworks": [known[item]["framework"]]
                    if item in known and known[item]["framework"]
                    else [],
                    "matrix_version": matrix_version,
                    "rules": rules[item],
                    "unresolved": unresolved[item],
                },
                outbound.change("signed", reason=tx.context.reason, cause=cause),
            )
            for item in items
        ],
    )


def _draft(row: Mapping[str, Any]) -> Draft:
    return Draft(
        row["number"],
        row["author"],
        VersionState(row["state"]),
        row["effective_at"],
        [_cell(cell) for cell in row["cells"]],
    )


async def _row(tx: Tx, number: int, *, lock: bool) -> dict[str, Any]:
    query = select(tables.matrix_version).where(tables.matrix_version.c.number == number)
    row = await tx.one(query.with_for_update() if lock else query)
    if row is None:
        raise not_found("matrix version", str(number))
    return dict(row)


def _cell(cell: Mapping[str, Any]) -> Cell:
    return Cell(
        source_kind=SourceKind(cell["source_kind"]),
        source=cell["source"],
        item=cell["item"],
        methods=frozenset(cell["methods"]),
        interval_months=cell.get("interval_months"),
        pass_mark=cell.get("pass_mark"),
    )


def _cell_state(cell: Cell) -> dict[str, Any]:
    return {
        "source_kind": cell.source_kind.value,
        "source": cell.source,
        "item": cell.item,
        "methods": sorted(cell.methods),
        "interval_months": cell.interval_months,
        "pass_mark": cell.pass_mark,
    }


def _difference(change: Difference) -> dict[str, Any]:
    before = change.before
    return {
        "change": change.change.value,
        "cell": _cell_state(change.cell),
        "before": None
        if before is None
        else {
            "rule": before.id,
            "methods": sorted(before.methods),
            "interval_months": before.interval_months,
            "pass_mark": before.pass_mark,
        },
    }


async def _check_sources(tx: Tx, cells: Sequence[Cell]) -> None:
    items = {row["item"] for row in await tx.rows("SELECT item FROM app.item")}
    departments = {
        row["department"]
        for row in await tx.rows("SELECT DISTINCT department FROM app.unit WHERE department IS NOT NULL")
    }
    known = {
        kind: departments if kind == SourceKind.DEPARTMENT else await queries.names_of_units(tx, kind.value)
        for kind in {cell.source_kind for cell in cells}
    }
    for number, cell in enumerate(cells):
        if cell.item not in items:
            raise invalid(f"cells.{number}.item", "unknown-item", f"{cell.item} is not a known document")
        if cell.source not in known[cell.source_kind]:
            raise invalid(f"cells.{number}.source", "unknown-source", f"{cell.source} is not known")
