"""Regulated tasks: who may do them, with which documents, on which equipment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plantfiles.fields import Fields
from plantfiles.index import Index
from plantfiles.reasons import Reason
from plantfiles.rows import Task

if TYPE_CHECKING:
    from plantfiles.check import Origin


def task(row: Fields, index: Index, origin: Origin) -> Task | None:
    """R: unknown job function, document or equipment; no document at all. Lists are separated by spaces."""
    code, name = row.id("task"), row.text("name", needed=False)
    function = row["job_function"] or None
    if function and function not in index.job_functions:
        row.refuse("job_function", Reason.JOB_FUNCTION_UNKNOWN)
    items = tuple(dict.fromkeys(row["items"].split()))
    if not items:
        row.refuse("items", Reason.VALUE_MISSING)
    unknown = [item for item in items if item not in index.documents]
    if unknown:
        row.refuse("items", Reason.DOCUMENT_UNKNOWN, ", ".join(unknown))
    equipment = tuple(dict.fromkeys(row["equipment"].split()))
    unknown = [code for code in equipment if code not in index.equipment]
    if unknown:
        row.refuse("equipment", Reason.EQUIPMENT_UNKNOWN, ", ".join(unknown))
    if row.refused or code is None:
        return None
    return Task(**origin, task=code, name=name, job_function=function, items=items, equipment=equipment)
