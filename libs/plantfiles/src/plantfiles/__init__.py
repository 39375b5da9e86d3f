"""Reads a plant's files, checks them by pure rules, and reports every row that is not taken.

    files = read_directory(path)
    plan = check(files, export_date=date(2026, 11, 1), known=known)

Nothing here writes anywhere. `plantfiles.report` shows what was found, `plantfiles.handover` cuts the plan into blocks
for the services that own the rows, and `plan.remember(known)` is what the next run is compared with (C-30). The kinds
of files are the modules of `plantfiles.kinds`.
"""

from plantfiles.check import check
from plantfiles.kind import Stage
from plantfiles.plan import Counts, FileResult, Finding, ImportPlan, Known, OpenQuestion
from plantfiles.readers import Limits, read_directory, read_files
from plantfiles.reasons import MATRIX_UNRESOLVED, Reason, ReasonCode, Severity
from plantfiles.registry import KINDS, Kinds, from_dict
from plantfiles.terms import Terms

__all__ = [
    "KINDS",
    "MATRIX_UNRESOLVED",
    "Counts",
    "FileResult",
    "Finding",
    "ImportPlan",
    "Kinds",
    "Known",
    "Limits",
    "OpenQuestion",
    "Reason",
    "ReasonCode",
    "Severity",
    "Stage",
    "Terms",
    "check",
    "from_dict",
    "read_directory",
    "read_files",
]
