"""People with their language, employment and places, and the zones of the sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from attest_contracts.models import matrix_organisation, matrix_person_v2
from plantkit import scope
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from records_svc.db import tables
from records_svc.domain.places import Days, Person, PlaceSpell


async def organisation(tx: Tx, events: Sequence[Event[matrix_organisation.State]]) -> None:
    """Sites alone: the zone of a person's place is stated by every record (C-09)."""
    await scope.sites(tx, events)
    rows = [
        {
            "site": event.state.code,
            "title": event.state.title,
            "time_zone": event.state.time_zone,
        }
        for event in events
        if event.state.kind == "site" and event.state.time_zone
    ]
    if rows:
        statement = insert(tables.site)
        values = {name: statement.excluded[name] for name in ("title", "time_zone")}
        await tx.execute(statement.on_conflict_do_update(index_elements=["site"], set_=values), rows)


async def people(tx: Tx, events: Sequence[Event[matrix_person_v2.State]]) -> None:
    await scope.people(tx, events)
    rows = [
        {
            "person": event.state.person,
            "language": event.state.language,
            "supervisor": event.state.supervisor,
            "employments": [
                {"from": spell.from_.isoformat(), "to": spell.to and spell.to.isoformat()}
                for spell in event.state.employments
            ],
        }
        for event in events
    ]
    statement = insert(tables.person)
    values = {name: statement.excluded[name] for name in ("language", "supervisor", "employments")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["person"], set_=values), rows)
    places = [
        {
            "person": event.state.person,
            "spell": spell.id,
            "site": spell.site,
            "area": spell.area,
            "from_on": spell.from_,
            "to_on": spell.to,
        }
        for event in events
        for spell in event.state.places
    ]
    known = tables.person_place
    await tx.execute(delete(known).where(known.c.person.in_([row["person"] for row in rows])))
    if places:
        await tx.execute(insert(known), places)


async def person_of(tx: Tx, person: str) -> Person | None:
    row = await tx.one("SELECT * FROM app.person WHERE person = :person", {"person": person})
    if row is None:
        return None
    places = await tx.rows(
        "SELECT site, from_on, to_on FROM app.person_place WHERE person = :person", {"person": person}
    )
    return Person(
        person=person,
        language=row["language"],
        employments=[_days(spell) for spell in row["employments"]],
        places=[PlaceSpell(place["site"], Days(place["from_on"], place["to_on"])) for place in places],
    )


async def zones(tx: Tx) -> dict[str, str]:
    """Site -> IANA zone."""
    return {row["site"]: row["time_zone"] for row in await tx.rows("SELECT site, time_zone FROM app.site")}


def _days(spell: Mapping[str, Any]) -> Days:
    return Days(date.fromisoformat(spell["from"]), _day(spell.get("to")))


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
