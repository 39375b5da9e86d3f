"""`equipment.csv`: the equipment of each site."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds import areas
from plantfiles.kinds.sites import known_at_site, known_site
from plantfiles.reasons import Reason
from plantfiles.rows import Origin, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment(Row):
    site: str
    area: str | None
    equipment: str
    name: str


def _equipment(row: Fields, index: Index, origin: Origin) -> Equipment | None:
    """R: unknown site, unknown area at it."""
    place, code, name = known_site(row, index), row.id("equipment"), row.text("name")
    where = known_at_site(row, "area", index, areas.KIND, Reason.AREA_UNKNOWN, place)
    if row.refused or place is None or code is None or name is None:
        return None
    return Equipment(**origin, site=place, area=where, equipment=code, name=name)


KIND = TableKind(
    file="equipment.csv",
    row=Equipment,
    order=50,
    owner="matrix",
    stage=Stage.ORGANISATION,
    id=lambda row: f"{row.site}/{row.equipment}",
    layout=Layout(("site", "area", "equipment", "name"), key=("site", "equipment")),
    rule=_equipment,
)
