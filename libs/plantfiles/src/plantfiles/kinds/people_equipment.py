"""`people_equipment.csv`: equipment that people work on (C-32)."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Holding, Index, Layout, Stage, TableKind
from plantfiles.kinds import equipment
from plantfiles.reasons import Reason
from plantfiles.rows import Origin
from plantfiles.spells import Spell, read_spell


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentSpell(Spell):
    """equipment: site and code, `NL1/FILL-01`."""

    equipment: str


def _spell(row: Fields, index: Index, origin: Origin) -> EquipmentSpell | None:
    spell = read_spell(row, index)
    if row["equipment"] not in index.of(equipment.KIND):
        row.refuse("equipment", Reason.EQUIPMENT_UNKNOWN)
    if row.refused or spell is None:
        return None
    number, from_on, to_on = spell
    return EquipmentSpell(
        **origin, employee_no=number, from_on=from_on, to_on=to_on, equipment=row["equipment"]
    )


KIND = TableKind(
    file="people_equipment.csv",
    row=EquipmentSpell,
    order=240,
    owner="matrix",
    stage=Stage.PEOPLE,
    holdings=lambda row: [Holding("equipment", row.equipment, row.employee_no)],
    layout=Layout(("employee_no", "equipment", "from", "to")),
    rule=_spell,
)
