"""`leaves.csv`: leaves of people (C-32)."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.rows import Origin
from plantfiles.spells import Spell, read_spell


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveSpell(Spell):
    kind: str


def _leave(row: Fields, index: Index, origin: Origin) -> LeaveSpell | None:
    spell, kind = read_spell(row, index), row.text("kind")
    if row.refused or spell is None or kind is None:
        return None
    number, from_on, to_on = spell
    return LeaveSpell(**origin, employee_no=number, from_on=from_on, to_on=to_on, kind=kind)


KIND = TableKind(
    file="leaves.csv",
    row=LeaveSpell,
    order=250,
    owner="matrix",
    stage=Stage.PEOPLE,
    layout=Layout(("employee_no", "from", "to", "kind")),
    rule=_leave,
)
