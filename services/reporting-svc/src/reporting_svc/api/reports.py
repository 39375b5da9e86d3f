"""Reports: compliance (RP-01, RP-03, RP-17), differences (N-02, RP-04), sources of assignments (RP-05)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from plantkit.scope import VisibleSql, visible_sql
from pydantic import AwareDatetime
from servicekit.db import Database, Tx
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.http.paging import Cursor, Limit
from servicekit.ids import new_id
from servicekit.problems import invalid

from reporting_svc.api import schemas, tabular
from reporting_svc.api.common import At, KnownAt, answered, asof, local, located
from reporting_svc.db import tables
from reporting_svc.domain.compliance import Figure
from reporting_svc.domain.differences import difference
from reporting_svc.domain.vocabulary import Trigger
from reporting_svc.projections import assignments, cells, compliance, differences
from reporting_svc.projections.asof import AsOf, complete_up_to, zones
from reporting_svc.projections.compliance import Filters

router = APIRouter(prefix="/api/reports", tags=["reports"])
Reader = Annotated[Caller, Depends(Allow("report.read"))]
_BLOCK = 5_000
"""Rows that an export reads at a time: no snapshot is held while the file is sent."""


@router.get(
    "/compliance",
    response_model=schemas.Compliance,
    responses={200: {"content": {tabular.MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def get_compliance(
    request: Request,
    database: DatabaseOf,
    caller: Annotated[Caller, Depends(Allow("report.read", "report.export"))],
    policy: PolicyOf,
    site: str | None = None,
    department: str | None = None,
    job_function: str | None = None,
    framework: str | None = None,
    person: str | None = None,
    item: str | None = None,
    at: At = None,
    known_at: KnownAt = None,
    include: Annotated[str | None, Query(pattern="^not_required$")] = None,
    approaching_days: Annotated[int, Query(ge=0, le=365)] = 30,
    figure: Annotated[
        Figure | None, Query(description="Only the rows that this number of the totals counts.")
    ] = None,
    purpose: Annotated[
        str | None, Query(max_length=500, description="Why the file is taken; stands in the trail.")
    ] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Response | schemas.Compliance:
    """One row a person and item, and the totals over all rows. `Accept: text/csv`: every row, as a file."""
    filters = Filters(
        site, department, job_function, framework, person, item, include is not None, approaching_days, figure
    )
    as_file = tabular.MEDIA_TYPE in request.headers.get("accept", "")
    action = "report.export" if as_file else "report.read"
    policy.require(caller, action)
    seen = visible_sql(policy, caller, [action], "p.person")
    async with database.read() as tx:
        asked = asof(tx, at, known_at)
        if as_file:
            # The file's pages are read one after another: they must all be of the same knowledge.
            asked = replace(asked, known_at=asked.shown_known_at)
            limit, cursor = _BLOCK, None
        report = await _compliance(tx, asked, seen, filters, limit, cursor)
    if not as_file:
        return report
    await _note_export(request, database, caller, filters, report, purpose)
    name = f"compliance-{asked.at:%Y%m%dT%H%M%SZ}.csv"
    return StreamingResponse(
        _file(database, asked, seen, filters, report),
        media_type=f"{tabular.MEDIA_TYPE}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _compliance(
    tx: Tx, asked: AsOf, seen: VisibleSql, filters: Filters, limit: int, cursor: str | None
) -> schemas.Compliance:
    found = await compliance.compliance(tx, asked, seen, filters, limit=limit, cursor=cursor)
    places = await zones(tx, asked)
    return schemas.Compliance(
        filters=filters.named(),
        totals=schemas.TotalsOut(**asdict(found.totals), withdrawn_assignments=found.withdrawn),
        count=found.count,
        items=[schemas.ComplianceRow(**row) for row in located(found.rows, places)],
        next=found.next,
        **await answered(tx, asked, places, filters.site),
    )


async def _file(
    database: Database, asked: AsOf, seen: VisibleSql, filters: Filters, report: schemas.Compliance
) -> AsyncIterator[str]:
    yield tabular.lines(tabular.header(report))
    while True:
        yield tabular.lines(tabular.row(one) for one in report.items)
        if report.next is None:
            return
        async with database.read() as tx:
            report = await _compliance(tx, asked, seen, filters, _BLOCK, report.next)


async def _note_export(
    request: Request,
    database: Database,
    caller: Caller,
    filters: Filters,
    report: schemas.Compliance,
    purpose: str | None,
) -> None:
    """Who took what away, and why, is part of the trail (PL-10)."""
    context = caller.context(purpose or "takes the compliance report away as a file", correlation_of(request))
    async with database.transaction(context) as tx:
        await tx.execute(
            tables.export.insert(),
            {
                "id": new_id(),
                "report": "compliance",
                "filters": filters.named()
                | {"at": report.at.isoformat(), "known_at": report.known_at.isoformat()},
                "person": filters.person,
                "rows": report.count,
                "recorded_at": tx.now,
            },
        )


@router.get("/differences")
async def get_differences(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    person: str,
    item: str,
    known_a: AwareDatetime,
    known_b: AwareDatetime | None = None,
    at: At = None,
) -> schemas.Differences:
    """The answers about an instant as known at two times, and the facts that made them differ. known_b: now."""
    seen = visible_sql(policy, caller, ["report.read"], "c.person")
    async with database.read() as tx:
        later = asof(tx, at, known_b)
        if known_a > later.shown_known_at:
            raise invalid("known_a", "later-than-known_b", "known_a is the earlier of the two")
        earlier = replace(later, known_at=known_a)
        one, other = [
            {row["place"]: row for row in (await cells.cells(tx, asked, seen, person=person, item=item))[0]}
            for asked in (earlier, later)
        ]
        places = await zones(tx, later)
        items: list[schemas.DifferenceOut] = []
        for place in sorted(one.keys() | other.keys()):
            found = difference(one.get(place), other.get(place))
            a, b = [
                schemas.Cell(**local(row, places, place)) if row else None
                for row in (one.get(place), other.get(place))
            ]
            gained, lost = [
                [
                    schemas.RecordOut(**local(row, places, place))
                    for row in await differences.records(tx, ids, later.known_at)
                ]
                for ids in (found.records_gained, found.records_lost)
            ]
            causes = await differences.causes(tx, person, item, place, known_a, later.shown_known_at)
            items.append(
                schemas.DifferenceOut(
                    place=place,
                    a=a,
                    b=b,
                    same=found.same,
                    changed=list(found.changed),
                    records_gained=gained,
                    records_lost=lost,
                    causes=[schemas.CauseOut(**cause) for cause in causes],
                )
            )
        complete = await complete_up_to(tx)
        return schemas.Differences(
            person=person,
            item=item,
            at=later.at,
            known_a=known_a,
            known_b=later.shown_known_at,
            complete_up_to=complete,
            provisional=later.provisional(complete),
            items=items,
        )


@router.get("/assignments")
async def get_assignment_sources(
    database: DatabaseOf,
    caller: Reader,
    policy: PolicyOf,
    trigger: Trigger | None = None,
    person: str | None = None,
    item: str | None = None,
    site: str | None = None,
    change: str | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    known_at: KnownAt = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> schemas.AssignmentSources:
    """Assignments by when they were opened, with why; counts by trigger over all rows (RP-05)."""
    seen = visible_sql(policy, caller, ["report.read"], "a.person")
    async with database.read() as tx:
        asked = asof(tx, None, known_at)
        found, following, by_trigger, withdrawn = await assignments.assignments(
            tx,
            asked,
            seen,
            limit=limit,
            cursor=cursor,
            trigger=trigger.value if trigger else None,
            person=person,
            item=item,
            site=site,
            change=change,
            since=since,
            until=until,
        )
        places = await zones(tx, asked)
        names = await compliance.names_of(tx, {row["person"] for row in found})
        return schemas.AssignmentSources(
            total=sum(by_trigger.values()),
            by_trigger=by_trigger,
            withdrawn=withdrawn,
            items=[
                schemas.AssignmentRow(**row, name=names.get(row["person"])) for row in located(found, places)
            ],
            next=following,
            **await answered(tx, asked, places, site),
        )
