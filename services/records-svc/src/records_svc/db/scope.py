"""Whose record a caller may see or touch: the present site, area and supervisor of a person, for the policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servicekit.db import Tx
from sqlalchemy import ColumnElement, Subquery, column, text

# The place of today's local day; of who has left the last one, of who has yet to begin the first one to come.
_SCOPE = """
SELECT p.person, p.supervisor, w.site, w.area FROM app.person p LEFT JOIN LATERAL (
  SELECT s.site, s.area FROM app.person_place s LEFT JOIN app.site z ON z.site = s.site
  CROSS JOIN LATERAL (SELECT (app.clock() AT TIME ZONE coalesce(z.time_zone, 'UTC'))::date AS day) AS today
  WHERE s.person = p.person
  ORDER BY (s.from_on <= today.day AND (s.to_on IS NULL OR s.to_on > today.day)) DESC, s.from_on DESC LIMIT 1
) AS w ON true
"""


def scope() -> Subquery:
    """(person, supervisor, site, area), to be joined to what is listed."""
    columns = [column(name) for name in ("person", "supervisor", "site", "area")]
    return text(_SCOPE).columns(*columns).subquery("scope")


def columns_of(scoped: Subquery, person: ColumnElement[Any]) -> Mapping[str, ColumnElement[Any]]:
    """The columns that `Policy.filter` asks for; person: that of the listed row."""
    return {"site": scoped.c.site, "area": scoped.c.area, "team": scoped.c.supervisor, "own": person}


async def resource_of(tx: Tx, person: str) -> dict[str, Any]:
    """What `Policy.require` asks for. Of a person who is not known here nothing but the id is stated."""
    row = await tx.one(f"SELECT * FROM ({_SCOPE}) AS s WHERE person = :person", {"person": person})  # noqa: S608
    if row is None:
        return {"own": person}
    return {"site": row["site"], "area": row["area"], "team": row["supervisor"], "own": person}
