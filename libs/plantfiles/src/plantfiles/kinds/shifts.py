"""`shifts.csv`: the shifts of each site, as times of its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from plantfiles.fields import Fields
from plantfiles.kind import Index, Layout, Stage, TableKind
from plantfiles.kinds.sites import known_site
from plantfiles.reasons import ReasonCode
from plantfiles.rows import Origin, Row


class ShiftReason(ReasonCode):
    SHIFT_EMPTY = "SHIFT_EMPTY", "a shift cannot end when it starts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Row):
    """Local times of the site; one that ends before it starts ends the next day (C-20)."""

    site: str
    shift: str
    starts: time
    ends: time


def _shift(row: Fields, index: Index, origin: Origin) -> Shift | None:
    """R: unknown site, not a time, no length. A shift may pass midnight."""
    place, code = known_site(row, index), row.id("shift")
    starts, ends = row.time("starts"), row.time("ends")
    if starts is not None and starts == ends:
        row.refuse("ends", ShiftReason.SHIFT_EMPTY)
    if row.refused or place is None or code is None or starts is None or ends is None:
        return None
    return Shift(**origin, site=place, shift=code, starts=starts, ends=ends)


KIND = TableKind(
    file="shifts.csv",
    row=Shift,
    order=20,
    owner="matrix",
    stage=Stage.ORGANISATION,
    id=lambda row: f"{row.site}/{row.shift}",
    reasons=ShiftReason,
    layout=Layout(("site", "shift", "starts", "ends"), key=("site", "shift")),
    rule=_shift,
)
