"""Import jobs as the API shows them, with the counts of their reports and their progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.db import Tx
from servicekit.problems import not_found


async def shown(tx: Tx, job: str) -> dict[str, Any]:
    """The job with its counts and progress."""
    row = await tx.one(_SHOWN + " WHERE j.id = CAST(:job AS uuid)", {"job": job})
    if row is None:
        raise not_found("import", job)
    return present(row)


async def listed(tx: Tx, before: str | None, limit: int) -> list[dict[str, Any]]:
    """Newest first; ids sort by time. before: the id of the last one shown."""
    rows = await tx.rows(
        _SHOWN + " WHERE CAST(:before AS uuid) IS NULL OR j.id < CAST(:before AS uuid)"
        " ORDER BY j.id DESC LIMIT :limit",
        {"before": before, "limit": limit},
    )
    return [present(row) for row in rows]


_SHOWN = (
    "SELECT j.*, r.files AS counts, r.severities, jsonb_array_length(r.questions) AS question_count,"
    " p.stage, p.doing, p.waiting_for, p.at AS progress_at,"
    " (SELECT coalesce(sum(b.rows), 0) FROM app.import_block b WHERE b.job = j.id) AS sent"
    " FROM app.import_job j JOIN app.import_report r ON r.job = j.id"
    " LEFT JOIN app.import_progress p ON p.job = j.id"
)


def present(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A job as the API shows it."""
    return {
        "id": str(row["id"]),
        "state": row["state"],
        "dry_run": row["dry_run"],
        "export_date": row["export_date"],
        "zone_rule": row["zone_rule"],
        "migrated_counts": row["migrated_counts"],
        "uploaded_by": row["person"] or row["actor"],
        "uploaded_at": row["uploaded_at"],
        "finished_at": row["finished_at"],
        "batch_digest": row["batch_digest"],
        "acceptance_digest": row["acceptance_digest"],
        "accepted_by": row["accepted_by"],
        "files": row["counts"],
        "findings": row["severities"],
        "questions": row["question_count"],
        "progress": {
            "stage": row["stage"] or "",
            "doing": row["doing"] or "",
            "sent": int(row["sent"]),
            "total": row["total_rows"],
            "waiting_for": row["waiting_for"] or {},
            "at": row["progress_at"],
        },
        "failure": row["failure"],
        "version": row["version"],
    }
