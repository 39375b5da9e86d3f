"""Importing a customer's files: read them at the edge, check them by pure rules, report every row that is not taken.

    files = read_directory(path)
    plan = check(files, export_date=date(2026, 11, 1), known=known)

Nothing here writes anywhere: `plan.blocks()` are the rows to be sent to the services that own them, each under its
`plan.idempotency_key(row)`; `plan.remember(known)` is what the next run is compared with (C-30).
"""

from plantfiles.check import check
from plantfiles.plan import Counts, FileResult, Finding, ImportPlan, Known, OpenQuestion
from plantfiles.readers import Limits, read_directory, read_files
from plantfiles.reasons import MATRIX_UNRESOLVED, MESSAGES, Reason, Severity

__all__ = [
    "MATRIX_UNRESOLVED",
    "MESSAGES",
    "Counts",
    "FileResult",
    "Finding",
    "ImportPlan",
    "Known",
    "Limits",
    "OpenQuestion",
    "Reason",
    "Severity",
    "check",
    "read_directory",
    "read_files",
]
