"""`people_overlays.csv`: overlays of people (C-32)."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Holding, Index, Layout, Stage, TableKind
from plantfiles.kinds import overlays
from plantfiles.reasons import Reason
from plantfiles.rows import Origin
from plantfiles.spells import Spell, read_spell


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlaySpell(Spell):
    overlay: str


def _spell(row: Fields, index: Index, origin: Origin) -> OverlaySpell | None:
    spell = read_spell(row, index)
    if row["overlay"] not in index.of(overlays.KIND):
        row.refuse("overlay", Reason.OVERLAY_UNKNOWN)
    if row.refused or spell is None:
        return None
    number, from_on, to_on = spell
    return OverlaySpell(**origin, employee_no=number, from_on=from_on, to_on=to_on, overlay=row["overlay"])


KIND = TableKind(
    file="people_overlays.csv",
    row=OverlaySpell,
    order=230,
    owner="matrix",
    stage=Stage.PEOPLE,
    holdings=lambda row: [Holding("overlay", row.overlay, row.employee_no)],
    layout=Layout(("employee_no", "overlay", "from", "to")),
    rule=_spell,
)
