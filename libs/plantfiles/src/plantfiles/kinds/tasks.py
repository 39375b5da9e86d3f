"""`tasks.csv`: regulated tasks: who may do them, with which documents, on which equipment."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds import documents, job_functions
from plantfiles.kinds import equipment as machines
from plantfiles.reasons import Reason
from plantfiles.rows import Origin, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Row):
    """A regulated task. items: documents that all must allow. equipment: `site/code`, empty = any."""

    task: str
    name: str | None
    job_function: str | None
    items: tuple[str, ...]
    equipment: tuple[str, ...]


def _task(row: Fields, index: Index, origin: Origin) -> Task | None:
    """R: unknown job function, document or equipment; no document at all. Lists are separated by spaces."""
    code, name = row.id("task"), row.text("name", needed=False)
    function = row["job_function"] or None
    if function and function not in index.of(job_functions.KIND):
        row.refuse("job_function", Reason.JOB_FUNCTION_UNKNOWN)
    items = tuple(dict.fromkeys(row["items"].split()))
    if not items:
        row.refuse("items", Reason.VALUE_MISSING)
    unknown = [item for item in items if item not in index.of(documents.KIND)]
    if unknown:
        row.refuse("items", Reason.DOCUMENT_UNKNOWN, ", ".join(unknown))
    equipment = tuple(dict.fromkeys(row["equipment"].split()))
    unknown = [code for code in equipment if code not in index.of(machines.KIND)]
    if unknown:
        row.refuse("equipment", Reason.EQUIPMENT_UNKNOWN, ", ".join(unknown))
    if row.refused or code is None:
        return None
    return Task(**origin, task=code, name=name, job_function=function, items=items, equipment=equipment)


KIND = TableKind(
    file="tasks.csv",
    row=Task,
    order=270,
    # Tasks name documents, which their owner hears of by events: not before the documents have been sent.
    owner="matrix",
    stage=Stage.PEOPLE,
    sent=205,
    layout=Layout(("task", "job_function", "items"), ("name", "equipment"), key=("task",)),
    rule=_task,
)
