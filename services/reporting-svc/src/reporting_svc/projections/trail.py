"""The audit trail of all services as one: by row, by correlation, by person (RP-06, PL-10).

The trail of a training record begins with the assignment that it fulfils, and takes in whatever the same request did
elsewhere: its signature, above all. A request that did very much (an import) is not taken in whole.
"""

# Statements are put together from our own text alone; every value is bound.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plantkit.scope import PRESENT, VisibleSql
from servicekit.db import Tx
from servicekit.http.paging import decode, encode

from reporting_svc.projections.names import names_of

BULK = 200
"""Entries of one correlation above which it is a bulk operation."""


@dataclass(frozen=True, slots=True)
class Question:
    """At least one of entity with id, id, correlation and person is given. Times: `[since, until)`, record time."""

    entity: str | None = None
    id: str | None = None
    correlation: str | None = None
    person: str | None = None
    service: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    related: bool = True


_ABOUT = f"""LEFT JOIN LATERAL (
    SELECT coalesce(e.person, (SELECT o.person FROM app.audit_entry o WHERE o.key = e.key AND o.entity = e.entity
        AND o.service = e.service AND o.person IS NOT NULL LIMIT 1)) AS person) about ON true
    LEFT JOIN LATERAL (
    SELECT present.site, zone.time_zone FROM ({PRESENT}) present
    LEFT JOIN app.site_zone zone ON zone.site = present.site WHERE present.person = about.person) site ON true"""


async def trail(
    tx: Tx, question: Question, seen: VisibleSql, *, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Oldest first. seen: of the person `about.person`; entries about nobody are for everybody who may read trails."""
    wanted, parameters = await _wanted(tx, question)
    if cursor is not None:
        wanted.append(
            "(e.at, e.service, e.epoch, e.entry) > (CAST(:last_at AS timestamptz), :last_service, :last_epoch, :last_entry)"
        )
        keys = ("last_at", "last_service", "last_epoch", "last_entry")
        parameters |= dict(zip(keys, decode(cursor, 4), strict=True))
    rows = await tx.rows(
        f"""SELECT e.*, about.person AS about, site.site, site.time_zone
            FROM app.audit_entry e {_ABOUT}
            WHERE {" AND ".join(wanted)} AND (about.person IS NULL OR {seen.sql})
            ORDER BY e.at, e.service, e.epoch, e.entry LIMIT :limit""",
        parameters | seen.parameters | {"limit": limit + 1},
    )
    shown = [dict(row) for row in rows[:limit]]
    await add_actors(tx, shown)
    following = None
    if len(rows) > limit:
        last = shown[-1]
        following = encode([last["at"].isoformat(), last["service"], last["epoch"], last["entry"]])
    return shown, following


async def _wanted(tx: Tx, question: Question) -> tuple[list[str], dict[str, Any]]:
    wanted: list[str] = []
    parameters: dict[str, Any] = {}
    for name, condition in (
        ("correlation", "e.correlation = :correlation"),
        ("service", "e.service = :service"),
        ("since", "e.at >= :since"),
        ("until", "e.at < :until"),
    ):
        if (value := getattr(question, name)) is not None:
            wanted.append(condition)
            parameters[name] = value
    if question.person is not None:
        # A later change of a row does not name the person again.
        wanted.append(
            "(e.person = :person OR (e.service, e.entity, e.key) IN (SELECT o.service, o.entity, o.key"
            " FROM app.audit_entry o WHERE o.person = :person))"
        )
        parameters["person"] = question.person
    if question.id is not None:
        condition, more = await _of_row(tx, question)
        wanted.append(condition)
        parameters |= more
    return wanted, parameters


async def _of_row(tx: Tx, question: Question) -> tuple[str, dict[str, Any]]:
    own = "e.key = :id" + ("" if question.entity is None else " AND e.entity = :entity")
    parameters: dict[str, Any] = {"id": question.id}
    if question.entity is not None:
        parameters["entity"] = question.entity
    if not question.related:
        return f"({own})", parameters
    linked = await tx.rows(
        "SELECT DISTINCT assignment AS key FROM app.training_record WHERE record = :id AND assignment IS NOT NULL"
        " UNION SELECT DISTINCT record FROM app.training_record WHERE assignment = :id",
        {"id": question.id},
    )
    parameters["linked"] = [row["key"] for row in linked]
    correlations = await tx.rows(
        "SELECT c.correlation FROM (SELECT DISTINCT e.correlation FROM app.audit_entry e"
        f" WHERE ({own}) OR e.key = ANY(:linked)) c"
        " WHERE (SELECT count(*) FROM (SELECT FROM app.audit_entry n WHERE n.correlation = c.correlation"
        f" LIMIT {BULK + 1}) m) <= {BULK}",
        parameters,
    )
    people = await tx.rows(
        f"SELECT DISTINCT e.person FROM app.audit_entry e WHERE (({own}) OR e.key = ANY(:linked))"
        " AND e.person IS NOT NULL",
        parameters,
    )
    parameters["correlations"] = [row["correlation"] for row in correlations]
    parameters["people"] = [row["person"] for row in people]
    # Of the same request what is about the same person or about nobody; of a thing without a person everything.
    same = "e.correlation = ANY(:correlations)"
    if people:
        same += " AND (about.person IS NULL OR about.person = ANY(:people))"
    return f"(({own}) OR e.key = ANY(:linked) OR ({same}))", parameters


async def add_actors(tx: Tx, entries: Sequence[dict[str, Any]]) -> None:
    """Who acted (`actor`) at the time (`at`): the person behind the account and the roles that it had then; names as
    they are now."""
    accounts: dict[str, list[Mapping[str, Any]]] = {}
    ids = sorted({id_ for kind, id_ in (_actor(e) for e in entries) if kind in ("account", "machine")})
    for row in await tx.rows(
        "SELECT account, person, grants, lower(recorded) AS since FROM app.account WHERE account = ANY(:ids)"
        " ORDER BY account, since",
        {"ids": ids},
    ):
        accounts.setdefault(row["account"], []).append(dict(row))
    for entry in entries:
        kind, id_ = _actor(entry)
        versions = accounts.get(id_, [])
        then = next((v for v in reversed(versions) if v["since"] <= entry["at"]), None)
        account = then or (versions[0] if versions else None)
        entry["actor_person"] = id_ if kind == "person" else account["person"] if account else None
        entry["actor_roles"] = sorted({grant["role"] for grant in account["grants"]}) if account else []
    names = await names_of(tx, {e["actor_person"] for e in entries if e["actor_person"]})
    for entry in entries:
        entry["actor_name"] = names.get(entry["actor_person"] or "")


def _actor(entry: Mapping[str, Any]) -> tuple[str, str]:
    kind, _, id_ = entry["actor"].partition("/")
    return kind, id_
