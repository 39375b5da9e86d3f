"""Units of the organisation and regulated tasks: aggregates that move from version n to n + 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plantkit.time import is_zone
from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.lanes import BULK, Mark, mark
from servicekit.problems import conflict, invalid
from sqlalchemy import Table, insert, update

from matrix_svc import outbound
from matrix_svc.db import tables
from matrix_svc.domain.rules import SourceKind
from matrix_svc.handlers.announcing import announce_unit
from matrix_svc.handlers.obligations import OBLIGATIONS
from matrix_svc.projections import queries

UNIT_KINDS = ("site", "area", "job_function", "equipment", "overlay", "framework", "training_category")


def unit_id(kind: str, code: str, site: str | None) -> str:
    """`site/NL1`, `area/NL1/GA`, `equipment/NL1/FILL-01`; areas and equipment have their site in the code."""
    return f"{kind}/{site}/{code}" if kind in ("area", "equipment") else f"{kind}/{code}"


async def change_unit(tx: Tx, unit: Mapping[str, Any], revision: int | None) -> dict[str, Any]:
    """A person's change. 409 `stale` when `revision`, None for a new unit, is not the one that stands."""
    key = unit_id(unit["kind"], unit["code"], unit.get("site"))
    await _check_revision(tx, "matrix.organisation", tables.unit, key, revision)
    return await put_unit(tx, unit)


async def change_task(tx: Tx, task: Mapping[str, Any], revision: int | None) -> dict[str, Any]:
    """A person's change. 409 `stale` when `revision`, None for a new task, is not the one that stands."""
    await _check_revision(tx, "matrix.task", tables.task, task["task"], revision)
    return await put_task(tx, task)


async def _check_revision(tx: Tx, topic: str, table: Table, key: str, revision: int | None) -> None:
    """The claim comes first: of two who make the same at once, there is no row yet that one could wait for."""
    await claim(tx, [(topic, key)])
    current = await tx.scalar(
        f"SELECT version FROM app.{table.name} WHERE {table.name} = :key FOR UPDATE",  # noqa: S608 - our own identifiers
        {"key": key},
    )
    if current != revision:
        raise conflict("stale", f"{key} changed since it was read", revision=current)


async def put_unit(tx: Tx, unit: Mapping[str, Any]) -> dict[str, Any]:
    """Makes or changes a unit. 422 for an unknown site, a zone that IANA does not know, a shift without times."""
    kind, site = unit["kind"], unit.get("site")
    if kind not in UNIT_KINDS:
        raise invalid("kind", "unknown", f"one of {', '.join(UNIT_KINDS)}")
    if kind == "site" and not is_zone(unit.get("time_zone") or ""):
        raise invalid("time_zone", "unknown-zone", "a site needs an IANA time zone such as Europe/Amsterdam")
    if kind in ("area", "equipment") and site not in await queries.names_of_units(tx, "site"):
        raise invalid("site", "unknown-site", f"{site} is not known")
    key = unit_id(kind, unit["code"], site)
    code = f"{site}/{unit['code']}" if kind in ("area", "equipment") else unit["code"]
    await claim(tx, [("matrix.organisation", key)])
    before = await tx.one("SELECT * FROM app.unit WHERE unit = :unit FOR UPDATE", {"unit": key})
    row = {
        "unit": key,
        "kind": kind,
        "code": code,
        "title": unit["title"],
        "site": unit["code"] if kind == "site" else site,
        "area": unit.get("area"),
        "department": unit.get("department"),
        "time_zone": unit.get("time_zone"),
        "shifts": moved_shifts(
            before["shifts"] if before else [], unit.get("shifts") or [], outbound.instant(tx.recorded_at)
        ),
        "expiry_lead_days": unit.get("expiry_lead_days"),
        "active": unit.get("active", True),
        "recorded_at": tx.recorded_at,
    }
    row["version"] = await _put(tx, tables.unit, "unit", row)
    if kind == "site" and before is not None and before["time_zone"] != row["time_zone"]:
        await _mark_people_of(tx, row["code"])
    await announce_unit(tx, outbound.organisation(row, outbound.change("changed", reason=tx.context.reason)))
    return row


def moved_shifts(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], at: str | None
) -> list[dict[str, Any]]:
    """The shifts of a site, each with the record time at which its hours were changed, if ever (R-70). The first that
    a site is given change nothing."""
    known = {shift["shift"]: shift for shift in before}
    found: list[dict[str, Any]] = []
    for one in now:
        shift = {name: one[name] for name in ("shift", "starts", "ends")}
        same = known.get(shift["shift"])
        if same is not None and (same["starts"], same["ends"]) == (shift["starts"], shift["ends"]):
            shift = dict(same)
        elif known:
            shift["moved_at"] = at
        found.append(shift)
    return found


async def _mark_people_of(tx: Tx, site: str) -> None:
    """The instants at which their obligations begin and end are those of the site's local days."""
    people = await queries.people_of_sources(tx, {(SourceKind.SITE, site)})
    await mark(tx, tables.LANES, [Mark(person, OBLIGATIONS, priority=BULK) for person in people])


async def put_task(tx: Tx, task: Mapping[str, Any]) -> dict[str, Any]:
    """Makes or changes a regulated task: a job function and the items and assets that it needs."""
    function = task.get("job_function")
    if function and function not in await queries.names_of_units(tx, "job_function"):
        raise invalid("job_function", "unknown-job-function", f"{function} is not known")
    await _known_items(tx, task["items"])
    assets = await queries.names_of_units(tx, "equipment")
    for asset in task.get("equipment") or []:
        if asset not in assets:
            raise invalid("equipment", "unknown-equipment", f"{asset} is not known")
    await claim(tx, [("matrix.task", task["task"])])
    row = {
        "task": task["task"],
        "title": task["title"],
        "job_function": function,
        "items": list(task["items"]),
        "equipment": list(task.get("equipment") or []),
        "active": task.get("active", True),
        "recorded_at": tx.recorded_at,
    }
    row["version"] = await _put(tx, tables.task, "task", row)
    await announce(tx, [outbound.task(row, outbound.change("changed", reason=tx.context.reason))])
    return row


async def _known_items(tx: Tx, items: Sequence[str]) -> None:
    rows = await tx.rows("SELECT item FROM app.item WHERE item = ANY(:items)", {"items": list(items)})
    for missing in sorted(set(items) - {row["item"] for row in rows}):
        raise invalid("items", "unknown-item", f"{missing} is not a known document")


async def _put(tx: Tx, table: Table, key: str, row: Mapping[str, Any]) -> int:
    """Inserts version 1 or moves to the next; returns the version. The claim before holds the subject."""
    current = await tx.scalar(
        f"SELECT version FROM app.{table.name} WHERE {key} = :key FOR UPDATE",  # noqa: S608 - our own identifiers
        {"key": row[key]},
    )
    if current is None:
        await tx.execute(insert(table), {**row, "version": 1})
        return 1
    values = {name: value for name, value in row.items() if name != key}
    await tx.execute(update(table).where(table.c[key] == row[key]).values(**values, version=current + 1))
    return current + 1
