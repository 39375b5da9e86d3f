"""People: read, hire, move, leave, end, rehire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from plantkit import scope
from servicekit.db import Tx
from servicekit.domain import RuleError
from servicekit.http.app import Allow, PolicyOf
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf, Result, run_command
from servicekit.http.paging import Cursor, Limit, after, page
from servicekit.problems import Problem, invalid, not_found
from sqlalchemy import String, case, cast, func, literal_column, or_, select

from matrix_svc import outbound
from matrix_svc.api import schemas
from matrix_svc.db import tables
from matrix_svc.domain.spells import SpellKind
from matrix_svc.handlers import people
from matrix_svc.projections import queries

router = APIRouter(prefix="/api/people", tags=["people"])
Reader = Annotated[Caller, Depends(Allow("person.read"))]
OwnReader = Annotated[Caller, Depends(Allow("person.read", "person.read_own"))]
Writer = Annotated[Caller, Depends(Allow("person.write"))]
CHANGED: dict[int | str, dict[str, Any]] = {200: {"model": schemas.PersonState}}


@router.get("")
async def list_people(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    site: str | None = None,
    job_function: str | None = None,
    q: str | None = None,
    active: bool | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> schemas.Page[schemas.PersonRow]:
    """People in the caller's scope, with the spells that hold today at their place."""
    async with database.read() as tx:
        listed = _listed(tx.now.date())
        query = select(listed).where(
            scope.visible(policy, caller, ["person.read"], listed.c.person),
            *after(cursor, [listed.c.person]),
        )
        if site:
            query = query.where(listed.c.site == site)
        if job_function:
            query = query.where(listed.c.job_functions.contains([job_function]))
        if active is not None:
            query = query.where(listed.c.employed.is_(active))
        if q:
            pattern = f"%{q.lower()}%"
            name = func.lower(func.concat_ws(" ", listed.c.person, listed.c.given_name, listed.c.family_name))
            query = query.where(or_(name.like(pattern)))
        rows = await tx.rows(query.order_by(listed.c.person).limit(limit + 1))
        shown, following = page(rows, limit, ["person"])
        return schemas.Page(
            items=[schemas.PersonRow(**{k: row[k] for k in schemas.PersonRow.model_fields}) for row in shown],
            next=following,
            complete_up_to=tx.now,
        )


@router.get("/{person}")
async def get_person(
    person: str, database: DatabaseOf, caller: OwnReader, policy: PolicyOf
) -> schemas.PersonOut:
    async with database.read() as tx:
        return await _shown(tx, person, caller, policy)


@router.get("/{person}/obligations")
async def get_obligations(
    person: str, database: DatabaseOf, caller: OwnReader, policy: PolicyOf
) -> schemas.Page[dict[str, Any]]:
    """What the person must satisfy, item by item, with every source, rule and version (MX-01); also the items of
    which nobody knows, since a cell of the matrix was refused (`unresolved`, C-34)."""
    async with database.read() as tx:
        await _shown(tx, person, caller, policy)
        rows = await tx.rows(
            "SELECT state FROM app.obligation WHERE person = :person"
            " AND (jsonb_array_length(state -> 'spans') > 0 OR CAST(state ->> 'unresolved' AS boolean))"
            " ORDER BY item",
            {"person": person},
        )
        return schemas.Page(items=[row["state"] for row in rows], complete_up_to=tx.now)


@router.post("", status_code=201, responses={201: {"model": schemas.PersonState}})
async def hire(body: schemas.HireIn, request: Request, caller: Writer, policy: PolicyOf) -> Result:
    """A new person with the first spells; obligations and assignments follow by themselves (AE-01)."""
    policy.require(caller, "person.write", _at_first(body, body.person))
    command = people.Hire(**body.model_dump(exclude={"reason"}))
    return await run_command(
        request,
        caller,
        body.reason,
        lambda tx: people.hire(tx, command),
        show=schemas.PersonState,
        status=201,
        translate=_problem("hired_on", "hired_on"),
    )


@router.post("/{person}/employments", status_code=201, responses={201: {"model": schemas.PersonState}})
async def rehire(
    person: str, body: schemas.EmploymentIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    """A further employment of somebody who has left: the same person with all that is known, but only what is named
    here holds from then on (R-14). Who rehires needs the right where the person was and at the new place."""
    terms = people.Terms(**body.model_dump(exclude={"reason"}))

    async def act(tx: Tx) -> dict[str, Any]:
        policy.require(caller, "person.write", _at_first(body, person))
        return await people.rehire(tx, person, terms)

    return await _change(request, caller, policy, person, body, act, from_="hired_on", status=201)


@router.post("/{person}/functions", responses=CHANGED)
async def add_function(
    person: str, body: schemas.FunctionIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    return await _change(
        request,
        caller,
        policy,
        person,
        body,
        lambda tx: people.add_spell(
            tx, person, SpellKind.JOB_FUNCTION, body.job_function, body.from_on, body.to_on, ends=body.ends
        ),
    )


@router.post("/{person}/places", responses=CHANGED)
async def add_place(
    person: str, body: schemas.PlaceIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    place = {"department": body.department, "area": body.area}
    return await _change(
        request,
        caller,
        policy,
        person,
        body,
        lambda tx: people.add_spell(
            tx, person, SpellKind.PLACE, body.site, body.from_on, None, ends=body.ends, **place
        ),
    )


@router.post("/{person}/overlays", responses=CHANGED)
async def add_overlay(
    person: str, body: schemas.OverlayIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    return await _add(request, caller, policy, person, body, SpellKind.OVERLAY, body.overlay, body.to_on)


@router.post("/{person}/equipment", responses=CHANGED)
async def add_equipment(
    person: str, body: schemas.EquipmentIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    return await _add(request, caller, policy, person, body, SpellKind.EQUIPMENT, body.equipment, body.to_on)


@router.post("/{person}/leaves", responses=CHANGED)
async def add_leave(
    person: str, body: schemas.LeaveIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    """Leave pauses the due clock; expiry runs on (R-13)."""
    return await _add(request, caller, policy, person, body, SpellKind.LEAVE, body.kind, body.to_on)


@router.post("/{person}/shifts", responses=CHANGED)
async def change_shift(
    person: str, body: schemas.ShiftIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    return await _change(
        request,
        caller,
        policy,
        person,
        body,
        lambda tx: people.add_spell(
            tx, person, SpellKind.SHIFT, body.shift, body.from_on, None, ends=body.ends
        ),
    )


@router.post("/{person}/end", responses=CHANGED)
async def end_employment(
    person: str, body: schemas.EndIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    return await _change(
        request,
        caller,
        policy,
        person,
        body,
        lambda tx: people.end_employment(tx, person, body.ended_on),
        to="ended_on",
    )


@router.post("/{person}/spells/{spell}/end", responses=CHANGED)
async def end_spell(
    person: str, spell: str, body: schemas.SpellEndIn, request: Request, caller: Writer, policy: PolicyOf
) -> Result:
    """Ends a spell on a day; the spell stays as it was and a new fact names it (R-33)."""
    return await _change(
        request, caller, policy, person, body, lambda tx: people.end_spell(tx, person, spell, body.to_on)
    )


async def _add(
    request: Request,
    caller: Caller,
    policy: PolicyOf,
    person: str,
    body: Any,
    kind: SpellKind,
    value: str,
    to_on: date | None,
) -> Result:
    return await _change(
        request,
        caller,
        policy,
        person,
        body,
        lambda tx: people.add_spell(tx, person, kind, value, body.from_on, to_on, ends=None),
    )


async def _change(
    request: Request,
    caller: Caller,
    policy: PolicyOf,
    person: str,
    body: schemas.Command,
    act: Callable[[Tx], Awaitable[dict[str, Any]]],
    *,
    from_: str = "from",
    to: str = "to",
    status: int = 200,
) -> Result:
    """from_, to: what the body calls the first day and the first day without."""

    async def scoped(tx: Tx) -> dict[str, Any]:
        policy.require(caller, "person.write", await _resource(tx, person))
        return await act(tx)

    return await run_command(
        request,
        caller,
        body.reason,
        scoped,
        show=schemas.PersonState,
        status=status,
        translate=_problem(from_, to),
    )


def _problem(from_field: str, to_field: str) -> Callable[[Exception], Problem | None]:
    """Translates the refusal of a rule of spells: it names the fields as the request body does."""
    named = {"from": from_field, "to": to_field}

    def translate(error: Exception) -> Problem | None:
        if not isinstance(error, RuleError):
            return None
        return invalid(named.get(error.field, error.field), error.reason, error.message)

    return translate


async def _resource(tx: Tx, person: str) -> dict[str, Any]:
    """The person as the policy sees it. Raises 404 for a person who is not known."""
    if await tx.one("SELECT 1 FROM app.person WHERE person = :person", {"person": person}) is None:
        raise not_found("person", person)
    return await scope.resource_of(tx, person)


def _at_first(body: schemas.HireIn | schemas.EmploymentIn, person: str) -> dict[str, Any]:
    """The person as the policy will see it from the first day of the employment."""
    return {"site": body.site, "area": body.area, "own": person, "job_function": body.job_function}


async def _shown(tx: Tx, person: str, caller: Caller, policy: PolicyOf) -> schemas.PersonOut:
    resource = await _resource(tx, person)
    policy.require_any(caller, ["person.read", "person.read_own"], resource)
    row = await tx.one(select(tables.person).where(tables.person.c.person == person))
    assert row is not None
    name = await tx.one(select(tables.person_name).where(tables.person_name.c.person == person))
    spells = (await queries.spells_of(tx, [person])).get(person, [])
    state = outbound.person_state(dict(row), spells)
    return schemas.PersonOut(
        **state,
        version=row["version"],
        name=None
        if name is None
        else schemas.PersonName(**{k: name[k] for k in schemas.PersonName.model_fields}),
    )


def _listed(today: date) -> Any:
    """One row a person: the place, functions and shift that hold today, or the last ones of somebody who left.

    Today is the UTC day: the list is for finding people; verdicts use the place's own days.
    """
    spell, older = tables.spell, tables.spell.alias("newer")
    standing = (
        select(spell)
        .where(~select(older.c.id).where(older.c.replaces == spell.c.id).exists())
        .where(or_(spell.c.to_on.is_(None), spell.c.to_on > spell.c.from_on))
        .cte("standing")
    )
    holds = (standing.c.from_on <= today) & or_(standing.c.to_on.is_(None), standing.c.to_on > today)

    def of_kind(kind: str, column: str) -> Any:
        return select(standing.c[column]).where(
            standing.c.person == tables.person.c.person, standing.c.kind == kind
        )

    def last(kind: str, column: str) -> Any:
        return of_kind(kind, column).order_by(standing.c.from_on.desc()).limit(1).scalar_subquery()

    def today_or_last(kind: str, column: str) -> Any:
        """A planned move changes nothing before its day: the present site keeps its people in its scope."""
        begun = case((standing.c.from_on <= today, standing.c.from_on))
        ordered = of_kind(kind, column).order_by(holds.desc(), begun.desc().nulls_last(), standing.c.from_on)
        return ordered.limit(1).scalar_subquery()

    functions = (
        select(func.coalesce(func.array_agg(standing.c.value.distinct()), literal_column("'{}'::text[]")))
        .where(standing.c.person == tables.person.c.person, standing.c.kind == "job_function", holds)
        .scalar_subquery()
    )
    employed = (
        select(standing.c.id)
        .where(standing.c.person == tables.person.c.person, standing.c.kind == "employment")
        .where(or_(standing.c.to_on.is_(None), standing.c.to_on > today))
        .exists()
    )
    name = tables.person_name
    return (
        select(
            tables.person.c.person,
            tables.person.c.supervisor,
            name.c.given_name,
            name.c.family_name,
            today_or_last("place", "value").label("site"),
            today_or_last("place", "department").label("department"),
            cast(today_or_last("place", "area"), String).label("area"),
            functions.label("job_functions"),
            today_or_last("shift", "value").label("shift"),
            last("employment", "from_on").label("hired_on"),
            last("employment", "to_on").label("ended_on"),
            employed.label("employed"),
        )
        .select_from(tables.person.outerjoin(name, name.c.person == tables.person.c.person))
        .subquery("listed")
    )
