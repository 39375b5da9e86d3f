"""The rows of earlier imports. They are kept for ever, so that a second run finds identical rows and refuses conflicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from plantfiles import KINDS, Known, from_dict
from plantfiles.handover import Block
from plantfiles.rows import Row
from servicekit.db import Tx


async def count(tx: Tx, *, besides: str | None = None) -> int:
    """How many rows are known, those of one job left out."""
    found: int = await tx.scalar(
        "SELECT count(*) FROM app.import_row WHERE CAST(:job AS uuid) IS NULL OR job <> CAST(:job AS uuid)",
        {"job": besides},
    )
    return found


async def load(tx: Tx, *, besides: str | None = None) -> Known:
    """The digests of all rows, and those rows that other rows may refer to.

    besides: a job whose own rows are left out, so that its check comes out as it did before it began.
    """
    job = {"job": besides}
    digests: dict[str, dict[str, str]] = {}
    for row in await tx.execute(
        "SELECT file, key, digest FROM app.import_row"
        " WHERE CAST(:job AS uuid) IS NULL OR job <> CAST(:job AS uuid)",
        job,
    ):
        digests.setdefault(row.file, {})[row.key] = row.digest
    rows: dict[str, list[Row]] = {}
    for found in await tx.execute(
        "SELECT content FROM app.import_row WHERE file = ANY(:files)"
        " AND (CAST(:job AS uuid) IS NULL OR job <> CAST(:job AS uuid))",
        job | {"files": [kind.file for kind in KINDS if kind.referred]},
    ):
        row = from_dict(found.content)
        rows.setdefault(row.file, []).append(row)
    return Known(digests, rows)


async def remember(tx: Tx, job: str, block: Block) -> datetime:
    """The block was taken by its owner: from now on its rows are known. Returns the record time."""
    await tx.execute(
        "INSERT INTO app.import_block (job, number, service, file, sha256, first_line, last_line, rows, digest,"
        " recorded_at) VALUES (:job, :number, :service, :file, :sha256, :first, :last, :rows, :digest, :at)",
        {
            "job": job,
            "number": block.number,
            "service": block.part.service,
            "file": block.file,
            "sha256": block.sha256,
            "first": block.first_line,
            "last": block.last_line,
            "rows": len(block.items),
            "digest": block.digest,
            "at": tx.recorded_at,
        },
    )
    await tx.copy(
        "app.import_row",
        ["file", "key", "digest", "job", "block", "line", "content"],
        [(i.file, i.key, i.digest, job, block.number, i.line, i.content) for i in block.items],
    )
    return tx.recorded_at


async def taken_blocks(tx: Tx, job: str) -> dict[int, str]:
    """Number and digest of the job's blocks that their owners have."""
    rows: Sequence[tuple[int, str]] = [
        (row["number"], row["digest"])
        for row in await tx.rows("SELECT number, digest FROM app.import_block WHERE job = :job", {"job": job})
    ]
    return dict(rows)


def utc(at: datetime) -> str:
    """RFC 3339 with Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
