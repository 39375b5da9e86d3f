"""People: hire, move, leave, end, rehire. Each is one transaction: spells, aggregate, marks, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from attest_contracts.events import matrix_person
from attest_contracts.outgoing import Constructor
from servicekit.bus.outbox import claim
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.lanes import Mark, mark
from servicekit.problems import conflict, invalid, not_found
from sqlalchemy import insert

from matrix_svc import outbound
from matrix_svc.db import tables
from matrix_svc.domain.spells import (
    Spell,
    SpellKind,
    check_end,
    check_new,
    closed_by_rehire,
    ended,
    standing,
)
from matrix_svc.handlers.announcing import announce_people
from matrix_svc.handlers.obligations import OBLIGATIONS
from matrix_svc.projections import queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """With what an employment begins, be it the first or a further one."""

    employment: str
    site: str
    job_function: str
    hired_on: date
    department: str | None = None
    area: str | None = None
    function_from: date | None = None
    shift: str | None = None
    supervisor: str | None = None
    overlays: Sequence[str] = ()
    equipment: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hire(Terms):
    """The data of a hire; `person` is the employee number of the company, unique for ever (PL-01)."""

    person: str
    given_name: str
    family_name: str
    email: str | None = None
    badge: str | None = None
    language: str | None = None


async def hire(tx: Tx, command: Hire) -> dict[str, Any]:
    """A new person with all first spells. 409 when the id was ever used (PL-01)."""
    await _check_units(tx, command)
    await claim(tx, [("matrix.person", command.person), ("matrix.person-name", command.person)])
    if await tx.one("SELECT 1 FROM app.person WHERE person = :person", {"person": command.person}):
        raise conflict(
            "person-exists",
            f"{command.person} is taken and is never given out again; who has left is rehired",
        )
    spells = _first_spells(tx, command.person, command, ())
    row = {
        "person": command.person,
        "version": 1,
        "language": command.language,
        "supervisor": command.supervisor,
        "source_class": "NATIVE",
        "recorded_at": tx.recorded_at,
    }
    name = {
        "person": command.person,
        "version": 1,
        "given_name": command.given_name,
        "family_name": command.family_name,
        "email": command.email,
        "badge": command.badge,
        "recorded_at": tx.recorded_at,
    }
    await tx.execute(insert(tables.person), row)
    await tx.execute(insert(tables.person_name), name)
    await _insert_spells(tx, spells)
    state = outbound.person_state(row, spells)
    what = outbound.change("hired", reason=tx.context.reason, valid_from=outbound.day(command.hired_on))
    await announce_people(tx, [matrix_person.person_hired(state, what), outbound.person_name(name, what)])
    await mark(tx, tables.LANES, [Mark(command.person, OBLIGATIONS)])
    return state


async def rehire(tx: Tx, person: str, terms: Terms) -> dict[str, Any]:
    """A further employment of a known person (R-14): the same id with its whole history, and new spells alone."""
    await _check_units(tx, terms)
    if terms.supervisor == person:
        raise invalid("supervisor", "oneself", "nobody supervises themselves")
    row, spells = await _locked(tx, person)
    closed = closed_by_rehire(terms.hired_on, spells, new_id=new_id, recorded_at=tx.recorded_at)
    new = _first_spells(tx, person, terms, [*spells, *closed])
    row |= {"supervisor": terms.supervisor}
    return await _save(
        tx,
        row,
        spells,
        [*closed, *new],
        matrix_person.person_hired,
        terms.hired_on,
        kind="rehired",
        cause=new[0].id,
    )


async def add_spell(
    tx: Tx,
    person: str,
    kind: SpellKind,
    value: str,
    from_on: date,
    to_on: date | None,
    *,
    ends: str | None,
    **place: Any,
) -> dict[str, Any]:
    """A further spell. ends: the id of a spell that ends when this one begins (a move), or `current`: the one of
    the kind that holds on that day."""
    row, spells = await _locked(tx, person)
    await _check_value(tx, kind, value, from_on, spells, place.get("area"))
    new: list[Spell] = []
    if ends:
        new.append(
            ended(_ending(spells, kind, ends, from_on), from_on, new_id=new_id(), recorded_at=tx.recorded_at)
        )
    spell = Spell(
        id=new_id(),
        person=person,
        kind=kind,
        value=value,
        from_on=from_on,
        to_on=to_on,
        recorded_at=tx.recorded_at,
        **place,
    )
    check_new(spell, [*spells, *new])
    new.append(spell)
    match kind:
        case SpellKind.LEAVE:
            event, what = matrix_person.person_leave_recorded, "leave_recorded"
        case SpellKind.JOB_FUNCTION | SpellKind.PLACE:
            event, what = matrix_person.person_moved, "moved"
        case _:
            event, what = matrix_person.person_changed, "changed"
    return await _save(tx, row, spells, new, event, from_on, kind=what)


async def end_spell(tx: Tx, person: str, spell_id: str, to_on: date) -> dict[str, Any]:
    row, spells = await _locked(tx, person)
    spell = next((s for s in standing(spells) if s.id == spell_id), None)
    if spell is None:
        raise not_found("spell", spell_id)
    end = ended(spell, to_on, new_id=new_id(), recorded_at=tx.recorded_at)
    check_end(end, spells)
    return await _save(tx, row, spells, [end], matrix_person.person_changed, to_on, kind="changed")


async def end_employment(tx: Tx, person: str, ended_on: date) -> dict[str, Any]:
    """ended_on: the first day without (C-02). Other spells stay; nothing is required outside employment (C-05)."""
    row, spells = await _locked(tx, person)
    employment = next(
        (s for s in standing(spells) if s.kind == SpellKind.EMPLOYMENT and s.to_on is None), None
    )
    if employment is None:
        raise conflict("not-employed", f"{person} has no open employment")
    end = ended(employment, ended_on, new_id=new_id(), recorded_at=tx.recorded_at)
    return await _save(tx, row, spells, [end], matrix_person.person_ended, ended_on, kind="ended")


async def _save(
    tx: Tx,
    row: Mapping[str, Any],
    spells: Sequence[Spell],
    new: Sequence[Spell],
    event: Constructor,
    day: date,
    *,
    kind: str,
    cause: str | None = None,
) -> dict[str, Any]:
    """event: its constructor. kind: of the change. cause: the fact that the act is about, the
    last of the new ones unless said."""
    cause = cause or new[-1].id
    await _insert_spells(tx, new)
    await tx.execute(
        "UPDATE app.person SET version = version + 1, supervisor = :supervisor, recorded_at = :at"
        " WHERE person = :person",
        {"at": tx.recorded_at, "supervisor": row["supervisor"], "person": row["person"]},
    )
    state = outbound.person_state(row, [*spells, *new])
    what = outbound.change(kind, reason=tx.context.reason, valid_from=outbound.day(day), cause=cause)
    await announce_people(tx, [event(state, what)])
    await mark(tx, tables.LANES, [Mark(row["person"], OBLIGATIONS, cause=cause)])
    return state


async def _locked(tx: Tx, person: str) -> tuple[dict[str, Any], list[Spell]]:
    row = await tx.one("SELECT * FROM app.person WHERE person = :person FOR UPDATE", {"person": person})
    if row is None:
        raise not_found("person", person)
    await claim(tx, [("matrix.person", person)])
    return dict(row), (await queries.spells_of(tx, [person])).get(person, [])


def _ending(spells: Sequence[Spell], kind: SpellKind, ends: str, day: date) -> Spell:
    """The spell that a new one takes the place of. Only one that holds on that day: a spell that was over is not
    made longer by what follows it."""
    held = [s for s in standing(spells) if s.kind == kind and s.holds_on(day) and ends in (s.id, "current")]
    if not held:
        raise invalid("ends", "unknown-spell", f"no {kind} {ends} holds on {day}")
    if len(held) > 1:
        # Functions run side by side: which of them ends is not for us to guess.
        values = ", ".join(spell.value for spell in held)
        raise invalid("ends", "several-hold", f"{values} hold on {day}: name the spell that ends")
    return held[0]


def _first_spells(tx: Tx, person: str, terms: Terms, standing_before: Sequence[Spell]) -> list[Spell]:
    """The spells that begin with an employment, the employment itself first."""
    starts = terms.hired_on
    place = {"department": terms.department, "area": terms.area}
    spells = [
        _spell(tx, person, SpellKind.EMPLOYMENT, terms.employment, starts),
        _spell(tx, person, SpellKind.PLACE, terms.site, starts, **place),
        _spell(tx, person, SpellKind.JOB_FUNCTION, terms.job_function, terms.function_from or starts),
        *(_spell(tx, person, SpellKind.OVERLAY, overlay, starts) for overlay in terms.overlays),
        *(_spell(tx, person, SpellKind.EQUIPMENT, asset, starts) for asset in terms.equipment),
    ]
    if terms.shift:
        spells.append(_spell(tx, person, SpellKind.SHIFT, terms.shift, starts))
    checked = list(standing_before)
    for spell in spells:
        check_new(spell, checked)
        checked.append(spell)
    return spells


def _spell(tx: Tx, person: str, kind: SpellKind, value: str, from_on: date, **place: Any) -> Spell:
    return Spell(new_id(), person, kind, value, from_on, None, tx.recorded_at, **place)


async def _insert_spells(tx: Tx, spells: Sequence[Spell]) -> None:
    await tx.execute(
        insert(tables.spell),
        [
            {
                "id": s.id,
                "person": s.person,
                "kind": s.kind.value,
                "value": s.value,
                "department": s.department,
                "area": s.area,
                "from_on": s.from_on,
                "to_on": s.to_on,
                "replaces": s.replaces,
                "recorded_at": s.recorded_at,
            }
            for s in spells
        ],
    )


_UNIT_OF = {
    SpellKind.PLACE: "site",
    SpellKind.JOB_FUNCTION: "job_function",
    SpellKind.OVERLAY: "overlay",
    SpellKind.EQUIPMENT: "equipment",
}


async def _check_value(
    tx: Tx, kind: SpellKind, value: str, day: date, spells: Sequence[Spell], area: str | None = None
) -> None:
    unit = _UNIT_OF.get(kind)
    if unit and value not in await queries.names_of_units(tx, unit):
        raise invalid(unit, f"unknown-{unit.replace('_', '-')}", f"{value} is not known")
    if kind == SpellKind.SHIFT:
        place = next((s for s in standing(spells) if s.kind == SpellKind.PLACE and s.holds_on(day)), None)
        if place is None:
            raise invalid("from", "no-place", f"the person has no place on {day}")
        await _check_shift(tx, place.value, value)
    if area and f"{value}/{area}" not in await queries.names_of_units(tx, "area"):
        raise invalid("area", "unknown-area", f"{value} has no area {area}")


async def _check_shift(tx: Tx, site: str, shift: str) -> None:
    """A letter that the site does not know would be no shift at all, and dues would fall on midnight (C-20)."""
    if shift not in await queries.shifts_of(tx, site):
        raise invalid("shift", "unknown-shift", f"{site} has no shift {shift}")


async def _check_units(tx: Tx, command: Terms) -> None:
    if command.function_from and command.function_from < command.hired_on:
        raise invalid(
            "function_from", "before-hired", f"{command.function_from} is before {command.hired_on}"
        )
    checks = [
        ("site", SpellKind.PLACE, [command.site]),
        ("job_function", SpellKind.JOB_FUNCTION, [command.job_function]),
        ("overlays", SpellKind.OVERLAY, command.overlays),
        ("equipment", SpellKind.EQUIPMENT, command.equipment),
    ]
    for name, kind, values in checks:
        known = await queries.names_of_units(tx, _UNIT_OF[kind])
        for value in values:
            if value not in known:
                raise invalid(name, f"unknown-{_UNIT_OF[kind].replace('_', '-')}", f"{value} is not known")
        if len(set(values)) < len(values):
            raise invalid(name, "repeated", "each is named once")
    if command.shift:
        await _check_shift(tx, command.site, command.shift)
    if command.area and f"{command.site}/{command.area}" not in await queries.names_of_units(tx, "area"):
        raise invalid("area", "unknown-area", f"{command.site} has no area {command.area}")
    if command.supervisor and not await tx.one(
        "SELECT 1 FROM app.person WHERE person = :person", {"person": command.supervisor}
    ):
        raise invalid("supervisor", "unknown-person", f"{command.supervisor} is not known")
