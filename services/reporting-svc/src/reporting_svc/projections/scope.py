"""The access policy as SQL text over the aliases of a query, so that a list shows what a single read would.

Where a cell belongs is its place; whose team, which area and which functions a person has is judged by what is known
now: who may see the past is a question of the present.
"""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from servicekit.http.caller import Caller, Grant
from servicekit.policy import Policy
from sqlalchemy import Text, any_, literal_column
from sqlalchemy.dialects.postgresql import ARRAY


@dataclass(frozen=True, slots=True)
class Scope:
    """sql: a condition over `{place}`, `{person}` and the alias `x` of `JOIN`; people: what it implies for people."""

    sql: str
    people: str
    parameters: dict[str, Any]

    @property
    def needs_person(self) -> bool:
        return "x." in self.sql or "x." in self.people


def scope(policy: Policy, caller: Caller, actions: Sequence[str], *, place: str, person: str) -> Scope:
    """place, person: the SQL of the cell's place and person. Narrowed areas and teams need the join of `PERSON_NOW`."""
    full, parameters = _sql(policy, caller, actions, place, person, "")
    # Without site and area it says less, and so holds for every person of whom a cell may be seen.
    wider = Caller(
        caller.actor,
        [
            Grant(g.role, {k: v for k, v in g.scope.items() if k not in ("site", "area")})
            for g in caller.grants
        ],
        caller.subject,
        caller.session,
    )
    people, more = _sql(policy, wider, actions, place, person, "w")
    return Scope(full, people, {**parameters, **more})


def _sql(
    policy: Policy, caller: Caller, actions: Sequence[str], place: str, person: str, prefix: str
) -> tuple[str, dict[str, Any]]:
    clause = policy.filter_any(
        caller,
        actions,
        {
            "site": literal_column(place, Text),
            "area": literal_column("x.area", Text),
            "own": literal_column(person, Text),
            "team": literal_column("x.supervisor", Text),
            "job_function": any_(literal_column("x.functions", ARRAY(Text))),
        },
    )
    compiled = clause.compile()
    sql, parameters = str(compiled), {}
    # Longest first: `:param_1` is the beginning of `:param_10`.
    for name, value in sorted(compiled.params.items(), key=lambda item: -len(item[0])):
        parameters[f"scope{prefix}_{name}"] = value
        sql = sql.replace(f":{name}", f":scope{prefix}_{name}")
    return f"({sql or 'true'})", parameters


def person_now(person: str, place: str | None = None) -> str:
    """A LATERAL join `x` with supervisor, area and functions of a person as known now."""
    at_place = "" if place is None else f" AND now_w.value = {place}"
    return f"""LEFT JOIN LATERAL (
        SELECT (SELECT now_p.supervisor FROM app.person now_p
                WHERE now_p.person = {person} AND upper_inf(now_p.recorded) LIMIT 1) AS supervisor,
            (SELECT now_w.area FROM app.person_spell now_w
                WHERE now_w.person = {person} AND now_w.kind = 'place' AND upper_inf(now_w.recorded){at_place}
                ORDER BY now_w.days @> CAST(:today AS date) DESC, lower(now_w.days) DESC LIMIT 1) AS area,
            array(SELECT now_f.value FROM app.person_spell now_f
                WHERE now_f.person = {person} AND now_f.kind = 'function' AND upper_inf(now_f.recorded)
                    AND now_f.days @> CAST(:today AS date)) AS functions
        ) x ON true"""
