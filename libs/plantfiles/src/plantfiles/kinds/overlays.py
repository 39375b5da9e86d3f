"""`overlays.csv`: what people may be besides their job function, such as trainer or first aider."""

from __future__ import annotations

from dataclasses import dataclass

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.rows import Origin, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay(Row):
    overlay: str
    name: str


def _overlay(row: Fields, index: Index, origin: Origin) -> Overlay | None:
    code, name = row.id("overlay"), row.text("name")
    if row.refused or code is None or name is None:
        return None
    return Overlay(**origin, overlay=code, name=name)


KIND = TableKind(
    file="overlays.csv",
    row=Overlay,
    order=60,
    owner="matrix",
    stage=Stage.ORGANISATION,
    id=lambda row: row.overlay,
    layout=Layout(("overlay", "name"), key=("overlay",)),
    rule=_overlay,
)
