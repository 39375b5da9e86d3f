"""The access scope of people: one replica, one fold, one filter and one resource for all services (PL-06).

`scope_tables` makes the two tables of a service; `people` and `sites` are the folds of `matrix.person` and
`matrix.organisation` that fill them. A list is filtered by `visible` (or `visible_sql`), a single read is judged by
`resource_of`: both look at where the person belongs on the present local day of the site (`plantkit.belonging`), so
that a list never shows a person whom a single read refuses. Access to the past is judged by the present, too.
"""

# Statements are put together from our own names alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from attest_contracts.models import matrix_organisation, matrix_person_v2
from servicekit.bus import Event
from servicekit.db import Tx
from servicekit.db.kinds import Kind, kind
from servicekit.http.caller import Caller
from servicekit.policy import Policy
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Date,
    MetaData,
    Table,
    Text,
    any_,
    column,
    literal,
    select,
    text,
    true,
    union_all,
)

from plantkit.belonging import FunctionSpell, PlaceSpell, stretches


def scope_tables(metadata: MetaData, the_kind: Kind = "replica") -> tuple[Table, Table]:
    """`person_scope` (the stretches of each person) and `site_zone`. Of the owner of people they are `derived`."""
    person_scope = Table(
        "person_scope",
        metadata,
        Column("person", Text, primary_key=True),
        Column("from_on", Date, primary_key=True),
        Column("site", Text),
        Column("area", Text),
        Column("supervisor", Text),
        Column("job_functions", ARRAY(Text), nullable=False),
        info=kind(the_kind),
    )
    site_zone = Table(
        "site_zone",
        metadata,
        Column("site", Text, primary_key=True),
        Column("time_zone", Text, nullable=False),
        info=kind(the_kind),
    )
    return person_scope, site_zone


async def people(tx: Tx, events: Sequence[Event[matrix_person_v2.State]], schema: str = "app") -> None:
    """The fold of `matrix.person`. The last of several versions of a person counts."""
    await keep_people(tx, [event.state for event in events], schema)


async def sites(tx: Tx, events: Sequence[Event[matrix_organisation.State]], schema: str = "app") -> None:
    """The fold of `matrix.organisation`: the zone of each site."""
    await keep_sites(tx, [event.state for event in events], schema)


async def keep_people(tx: Tx, states: Iterable[matrix_person_v2.State], schema: str = "app") -> None:
    """Replaces what is kept of each person. The owner of people calls it where it announces them."""
    last = {state.person: state for state in states}
    rows = [row for person in sorted(last) for row in _rows(last[person])]
    await tx.execute(
        f"DELETE FROM {schema}.person_scope WHERE person = ANY(:people)", {"people": sorted(last)}
    )
    await tx.execute(
        f"INSERT INTO {schema}.person_scope (person, from_on, site, area, supervisor, job_functions)"
        " SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(person text, from_on date, site text,"
        " area text, supervisor text, job_functions text[])",
        {"rows": orjson.dumps(rows).decode()},
    )


def _rows(state: matrix_person_v2.State) -> list[dict[str, Any]]:
    places = [PlaceSpell(s.site, s.area, s.from_, s.to) for s in state.places]
    functions = [FunctionSpell(s.job_function, s.from_, s.to) for s in state.functions]
    return [
        {"person": state.person, "supervisor": state.supervisor, **asdict(stretch)}
        for stretch in stretches(places, functions)
    ]


async def keep_sites(tx: Tx, states: Iterable[matrix_organisation.State], schema: str = "app") -> None:
    """Keeps the zones of the sites among the units."""
    zones = {state.code: state.time_zone for state in states if state.kind == "site" and state.time_zone}
    if zones:
        await tx.execute(
            f"INSERT INTO {schema}.site_zone (site, time_zone)"
            " SELECT * FROM unnest(CAST(:sites AS text[]), CAST(:zones AS text[]))"
            " ON CONFLICT (site) DO UPDATE SET time_zone = excluded.time_zone",
            {"sites": list(zones), "zones": list(zones.values())},
        )


PRESENT = """SELECT DISTINCT ON (s.person) s.person, s.site, s.area, s.supervisor, s.job_functions
FROM app.person_scope s LEFT JOIN app.site_zone z ON z.site = s.site
WHERE s.from_on <= CAST((SELECT app.clock()) AT TIME ZONE coalesce(z.time_zone, 'UTC') AS date)
ORDER BY s.person, s.from_on DESC"""
"""One row a person: the last stretch that has begun at its own site. A zone that is not known yet is UTC."""

_PRESENT = (
    text(PRESENT)
    .columns(
        column("person", Text),
        column("site", Text),
        column("area", Text),
        column("supervisor", Text),
        column("job_functions", ARRAY(Text)),
    )
    .subquery("present")
)


def columns() -> Mapping[str, ColumnElement[Any]]:
    """The columns of `Policy.filter`, of the people whom this service knows."""
    present = _PRESENT.c
    return {
        "site": present.site,
        "area": present.area,
        "own": present.person,
        "team": present.supervisor,
        "job_function": any_(present.job_functions),
    }


def visible(
    policy: Policy, caller: Caller, actions: Sequence[str], person: ColumnElement[str]
) -> ColumnElement[bool]:
    """The condition that one of the actions reaches the person of a row; true() for everybody's rows."""
    if _everybody(policy, caller, actions):
        return true()
    found = select(_PRESENT.c.person).where(policy.filter_any(caller, actions, columns()))
    own = _unknown(caller.subject) if caller.subject is not None else {}
    if any(policy.decide(caller, action, own).allowed for action in actions):
        # Callers may see their own data even when this service does not know the person yet.
        return person.in_(union_all(found, select(literal(caller.subject, Text))))
    return person.in_(found)


def _everybody(policy: Policy, caller: Caller, actions: Sequence[str]) -> bool:
    """Whether one of the actions reaches everybody, those included who are not known here (yet)."""
    return any(policy.decide(caller, action, {}).allowed for action in actions)


@dataclass(frozen=True, slots=True)
class VisibleSql:
    """A condition as SQL text with its bound values; `everybody`: it restricts nothing."""

    sql: str
    parameters: dict[str, Any]
    everybody: bool


def visible_sql(policy: Policy, caller: Caller, actions: Sequence[str], person: str) -> VisibleSql:
    """As `visible`, for a statement that is written as text. person: the SQL expression of the row's person."""
    condition = visible(policy, caller, actions, column(person, Text, is_literal=True))
    compiled = condition.compile()
    named = {f"scope_{name}": value for name, value in compiled.params.items()}
    sql = str(compiled)
    # Longest first: `:param_1` is the beginning of `:param_10`.
    for name in sorted(compiled.params, key=len, reverse=True):
        sql = sql.replace(f":{name}", f":scope_{name}")
    return VisibleSql(sql, named, _everybody(policy, caller, actions))


RESOURCE = f"SELECT * FROM ({PRESENT}) AS present WHERE person = :person"


async def resource_of(tx: Tx, person: str) -> dict[str, Any]:
    """The resource for `Policy.require` and `decide`. For a person whom this service does not know it holds the id alone."""
    return as_resource(person, await tx.one(RESOURCE, {"person": person}))


def as_resource(person: str, row: Mapping[Any, Any] | None) -> dict[str, Any]:
    """A row of `PRESENT` as the policy sees it; None: the person is not known."""
    if row is None:
        return _unknown(person)
    return _unknown(person) | {
        "site": row["site"],
        "area": row["area"],
        "team": row["supervisor"],
        "job_function": tuple(row["job_functions"]),
    }


def _unknown(person: str) -> dict[str, Any]:
    return {"own": person}
