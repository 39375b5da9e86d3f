"""`areas.csv`: the areas of each site."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds.sites import known_site
from plantfiles.rows import Origin, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Area(Row):
    site: str
    area: str
    name: str


def _area(row: Fields, index: Index, origin: Origin) -> Area | None:
    """R: unknown site."""
    place, code, name = known_site(row, index), row.id("area"), row.text("name")
    if row.refused or place is None or code is None or name is None:
        return None
    return Area(**origin, site=place, area=code, name=name)


KIND = TableKind(
    file="areas.csv",
    row=Area,
    order=30,
    owner="matrix",
    stage=Stage.ORGANISATION,
    id=lambda row: f"{row.site}/{row.area}",
    layout=Layout(("site", "area", "name"), key=("site", "area")),
    rule=_area,
)
