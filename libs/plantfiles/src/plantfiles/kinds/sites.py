"""`sites.csv`: the sites of the plant, each with its time zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plantfiles.fields import Fields
from plantfiles.kind import Index, Kind, Layout, Stage, TableKind
from plantfiles.reasons import Reason, ReasonCode
from plantfiles.rows import Origin, Row
from plantfiles.zones import is_zone


class SiteReason(ReasonCode):
    TIME_ZONE_UNKNOWN = "TIME_ZONE_UNKNOWN", "not an IANA time zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Row):
    """time_zone: IANA."""

    site: str
    name: str
    time_zone: str


def _site(row: Fields, index: Index, origin: Origin) -> Site | None:
    """R: a time zone that is not of the IANA database."""
    code, name, zone = row.id("site"), row.text("name"), row["time_zone"]
    if not is_zone(zone):
        row.refuse("time_zone", SiteReason.TIME_ZONE_UNKNOWN)
    if row.refused or code is None or name is None:
        return None
    return Site(**origin, site=code, name=name, time_zone=zone)


KIND = TableKind(
    file="sites.csv",
    row=Site,
    order=10,
    owner="matrix",
    stage=Stage.ORGANISATION,
    id=lambda row: row.site,
    reasons=SiteReason,
    layout=Layout(("site", "name", "time_zone"), key=("site",)),
    rule=_site,
)


def known_site(row: Fields, index: Index) -> str | None:
    """The site that a row names. R: unknown."""
    code = row["site"]
    if code not in index.of(KIND):
        row.refuse("site", Reason.SITE_UNKNOWN)
        return None
    return code


def known_at_site(
    row: Fields, column: str, index: Index, kind: Kind[Any], reason: Reason, place: str | None
) -> str | None:
    """A code of a kind whose ids are `site/code`, at the row's site; empty is none. R: not at this site.

    place: the site; None = it is unknown, for which the row was refused already.
    """
    code = row[column]
    if not code or place is None:
        return None
    if f"{place}/{code}" not in index.of(kind):
        row.refuse(column, reason)
        return None
    return code
