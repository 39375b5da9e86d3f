"""`job_functions.csv`: the job functions that people have."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.rows import Origin, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFunction(Row):
    job_function: str
    name: str
    department: str | None


def _job_function(row: Fields, index: Index, origin: Origin) -> JobFunction | None:
    code, name, department = row.id("job_function"), row.text("name"), row.text("department", needed=False)
    if row.refused or code is None or name is None:
        return None
    return JobFunction(**origin, job_function=code, name=name, department=department)


KIND = TableKind(
    file="job_functions.csv",
    row=JobFunction,
    order=40,
    owner="matrix",
    stage=Stage.ORGANISATION,
    id=lambda row: row.job_function,
    layout=Layout(("job_function", "name"), ("department",), key=("job_function",)),
    rule=_job_function,
)
