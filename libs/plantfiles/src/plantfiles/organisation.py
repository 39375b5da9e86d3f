"""Sites, shifts, areas, equipment, job functions, overlays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plantfiles.fields import Fields
from plantfiles.index import Index
from plantfiles.reasons import Reason
from plantfiles.rows import Area, Equipment, JobFunction, Overlay, Shift, Site
from plantfiles.zones import is_zone

if TYPE_CHECKING:
    from plantfiles.check import Origin


def site(row: Fields, index: Index, origin: Origin) -> Site | None:
    """R: a time zone that is not of the IANA database."""
    code, name, zone = row.id("site"), row.text("name"), row["time_zone"]
    if not is_zone(zone):
        row.refuse("time_zone", Reason.TIME_ZONE_UNKNOWN)
    if row.refused or code is None or name is None:
        return None
    return Site(**origin, site=code, name=name, time_zone=zone)


def shift(row: Fields, index: Index, origin: Origin) -> Shift | None:
    """R: unknown site, not a time, no length. A shift may pass midnight."""
    place, code = known_site(row, index), row.id("shift")
    starts, ends = row.time("starts"), row.time("ends")
    if starts is not None and starts == ends:
        row.refuse("ends", Reason.SHIFT_EMPTY)
    if row.refused or place is None or code is None or starts is None or ends is None:
        return None
    return Shift(**origin, site=place, shift=code, starts=starts, ends=ends)


def area(row: Fields, index: Index, origin: Origin) -> Area | None:
    """R: unknown site."""
    place, code, name = known_site(row, index), row.id("area"), row.text("name")
    if row.refused or place is None or code is None or name is None:
        return None
    return Area(**origin, site=place, area=code, name=name)


def equipment(row: Fields, index: Index, origin: Origin) -> Equipment | None:
    """R: unknown site, unknown area at it."""
    place, code, name = known_site(row, index), row.id("equipment"), row.text("name")
    where = known_at_site(row, "area", index.areas, Reason.AREA_UNKNOWN, place)
    if row.refused or place is None or code is None or name is None:
        return None
    return Equipment(**origin, site=place, area=where, equipment=code, name=name)


def job_function(row: Fields, index: Index, origin: Origin) -> JobFunction | None:
    code, name, department = row.id("job_function"), row.text("name"), row.text("department", needed=False)
    if row.refused or code is None or name is None:
        return None
    return JobFunction(**origin, job_function=code, name=name, department=department)


def overlay(row: Fields, index: Index, origin: Origin) -> Overlay | None:
    code, name = row.id("overlay"), row.text("name")
    if row.refused or code is None or name is None:
        return None
    return Overlay(**origin, overlay=code, name=name)


def known_site(row: Fields, index: Index) -> str | None:
    code = row["site"]
    if code not in index.sites:
        row.refuse("site", Reason.SITE_UNKNOWN)
        return None
    return code


def known_at_site(row: Fields, column: str, codes: set[str], reason: Reason, place: str | None) -> str | None:
    """A code that holds at the row's site; empty is none. An unknown site was refused already."""
    code = row[column]
    if not code or place is None:
        return None
    if f"{place}/{code}" not in codes:
        row.refuse(column, reason)
        return None
    return code
