"""Training history of an accepted import: source class MIGRATED (R-62, C-33), set-wise and safe to repeat.

A record's id is made of its id in the old system, so that the same row twice is one record: with the same content it
is counted as unchanged, with other content the whole block is refused (409): an import never updates what stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from attest_contracts.events.records_training_record import training_record_imported
from servicekit.bus import announce, claim
from servicekit.db import Tx
from servicekit.problems import conflict
from sqlalchemy.dialects.postgresql import insert

from records_svc import outbound
from records_svc.db import tables
from records_svc.domain.vocabulary import Result, SourceClass, ordered

KIND = "training_history"
_SPACE = UUID("5e3c2f0e-6a0d-5c57-9b42-7d8a3c6b1f10")
_COLUMNS = (
    "record",
    "person",
    "item",
    "number",
    "methods",
    "result",
    "score",
    "completed_at",
    "valid_from",
    "place",
    "time_zone",
    "source_class",
    "evaluator",
    "source_record",
    "source_digest",
    "source_batch",
    "source_file_sha256",
    "source_line",
    "completed_at_text",
    "zone_rule",
    "counts",
    "recorded_at",
)
_ABSENT = dict.fromkeys(column.name for column in tables.training_record.c)


@dataclass(frozen=True, slots=True)
class Block:
    """sha256: of the whole file that the rows stood in. accepted_by: the two people who signed the batch, and with it
    whether its records may allow anybody to work (migrated_counts, C-36)."""

    batch: str
    file: str
    sha256: str
    accepted_by: Sequence[str]
    migrated_counts: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the old system, as the importer checked it. digest: of its content; score: percent.

    completed_at_text: the time as it stood in the file; zone_rule: the zone that gave it an offset, if it had none.
    """

    line: str
    digest: str
    source_record: str
    person: str
    document: str
    version: int
    completed_at: datetime
    completed_at_text: str
    methods: Sequence[str]
    score: Decimal | None
    evaluator: str | None
    site: str
    time_zone: str
    zone_rule: str | None

    @property
    def record(self) -> str:
        return str(uuid5(_SPACE, self.source_record))


async def import_history(tx: Tx, block: Block, rows: Sequence[Row]) -> dict[str, int]:
    """Takes the rows that are new; returns how many were taken and how many stood already."""
    keyed = _keyed(rows)
    # The claim locks the records: a second import of the same rows waits here and then finds them.
    await claim(tx, [(outbound.TOPIC, row.record) for row in keyed.values()])
    standing = await _standing(tx, list(keyed))
    _refuse_conflicts({k for k, digest in standing.items() if keyed[k].digest != digest})
    new = [row for key, row in keyed.items() if key not in standing]
    if new:
        await tx.execute(
            insert(tables.import_file).on_conflict_do_nothing(),
            {
                "batch": block.batch,
                "file_sha256": block.sha256,
                "file": block.file,
                "accepted_by": list(block.accepted_by),
                "recorded_at": tx.recorded_at,
            },
        )
        taken = [_values(row, block, tx.recorded_at) for row in new]
        await tx.copy(
            "app.training_record",
            _COLUMNS,
            [
                [_array(value) if isinstance(value, list) else value for value in (made[c] for c in _COLUMNS)]
                for made in taken
            ],
        )
        await announce(tx, [_announcement(made, block.batch) for made in taken])
    return {"taken": len(new), "unchanged": len(rows) - len(new)}


def _keyed(rows: Sequence[Row]) -> dict[str, Row]:
    keyed: dict[str, Row] = {}
    clashes: set[str] = set()
    for row in rows:
        first = keyed.setdefault(row.source_record, row)
        if first.digest != row.digest:
            clashes.add(row.source_record)
    _refuse_conflicts(clashes)
    return keyed


async def _standing(tx: Tx, keys: list[str]) -> dict[str, str]:
    rows = await tx.rows(
        "SELECT source_record, source_digest FROM app.training_record WHERE source_record = ANY(:keys)",
        {"keys": keys},
    )
    return {row["source_record"]: row["source_digest"] for row in rows}


def _refuse_conflicts(keys: set[str]) -> None:
    if keys:
        raise conflict(
            "conflicts", "records that stand under these ids say something else", keys=sorted(keys)[:100]
        )


def _values(row: Row, block: Block, at: datetime) -> dict[str, Any]:
    return _ABSENT | {
        "record": row.record,
        "person": row.person,
        "item": row.document,
        "number": row.version,
        "methods": ordered(list(row.methods)),
        "result": Result.PASS.value,
        "score": row.score,
        "completed_at": row.completed_at,
        "valid_from": row.completed_at,
        "place": row.site,
        "time_zone": row.time_zone,
        "source_class": SourceClass.MIGRATED.value,
        "evaluator": row.evaluator,
        "source_record": row.source_record,
        "source_digest": row.digest,
        "source_batch": block.batch,
        "source_file_sha256": block.sha256,
        "source_line": row.line,
        "completed_at_text": row.completed_at_text,
        "zone_rule": row.zone_rule,
        "counts": block.migrated_counts,
        "recorded_at": at,
    }


def _announcement(made: Mapping[str, Any], batch: str) -> Any:
    what = outbound.happened("imported", reason=batch, valid_from=made["valid_from"])
    return training_record_imported(outbound.record_state(made), what)


def _array(values: Sequence[str]) -> str:
    """A PostgreSQL array of words without a quote, a comma or a brace."""
    return "{" + ",".join(values) + "}"
