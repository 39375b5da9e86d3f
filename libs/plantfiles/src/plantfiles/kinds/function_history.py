"""`function_history.csv`: earlier job functions of people (C-32)."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Holding, Index, Layout, Stage, TableKind
from plantfiles.kinds import job_functions
from plantfiles.reasons import Reason
from plantfiles.rows import Origin
from plantfiles.spells import Spell, read_spell


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpell(Spell):
    job_function: str


def _spell(row: Fields, index: Index, origin: Origin) -> FunctionSpell | None:
    spell = read_spell(row, index)
    if row["job_function"] not in index.of(job_functions.KIND):
        row.refuse("job_function", Reason.JOB_FUNCTION_UNKNOWN)
    if row.refused or spell is None:
        return None
    number, from_on, to_on = spell
    return FunctionSpell(
        **origin, employee_no=number, from_on=from_on, to_on=to_on, job_function=row["job_function"]
    )


KIND = TableKind(
    file="function_history.csv",
    row=FunctionSpell,
    order=220,
    owner="matrix",
    stage=Stage.PEOPLE,
    holdings=lambda row: [Holding("job_function", row.job_function, row.employee_no)],
    layout=Layout(("employee_no", "job_function", "from", "to")),
    rule=_spell,
)
