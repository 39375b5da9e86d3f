"""The routes of the reports of `projections.reports`, and of the differences between two answers (N-02, RP-04).

A report is data: its rows, columns and totals are declared in its file, and the renderers of `api.renderers` give its
forms.
"""

# FastAPI reads the annotations of routes that are made in a function: they must not be text.

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from plantkit.scope import VisibleSql, visible_sql
from pydantic import AwareDatetime
from servicekit.db import Database, Tx
from servicekit.http.app import Allow, PolicyOf, correlation_of
from servicekit.http.caller import Caller
from servicekit.http.commands import DatabaseOf
from servicekit.ids import new_id
from servicekit.problems import invalid

from reporting_svc.api import schemas
from reporting_svc.api.common import At, answered, asof, local
from reporting_svc.api.renderers import FILES, accepted, as_json
from reporting_svc.db import tables
from reporting_svc.domain.differences import difference
from reporting_svc.domain.report import Answer, Kind, Layout
from reporting_svc.projections import cells, differences
from reporting_svc.projections.asof import AsOf, complete_up_to, zones
from reporting_svc.projections.report import Parameters, Report
from reporting_svc.projections.reports import REPORTS

router = APIRouter(prefix="/api/reports", tags=["reports"])
Reader = Annotated[Caller, Depends(Allow("report.read"))]
_BLOCK = 5_000
"""Rows that an export reads at a time: no snapshot is held while the file is sent."""


def add_route(report: Report[Any]) -> None:
    """`GET /api/reports/<name>`: a page as JSON, or every row in the file that `Accept` asks for."""
    layout = report.layout
    shape = as_json.model(layout)

    async def get_report(
        request: Request,
        database: DatabaseOf,
        caller: Annotated[Caller, Depends(Allow("report.read", "report.export"))],
        policy: PolicyOf,
        parameters: Annotated[report.parameters, Query()],  # pyright: ignore[reportInvalidTypeForm]
    ) -> Any:
        given: Parameters = parameters
        renderer = accepted(request.headers.get("accept", ""))
        action = "report.read" if renderer is None else "report.export"
        policy.require(caller, action)
        seen = visible_sql(policy, caller, [action], report.person)
        async with database.read() as tx:
            asked = asof(tx, given.instant(), given.known_at)
            if renderer is None:
                page = await _page(tx, report, asked, seen, given, given.limit, given.cursor)
                return as_json.answer(layout, shape, page)
            # The pages of the file are read one after another: they must all be of the same knowledge.
            asked = replace(asked, known_at=asked.shown_known_at)
            page = await _page(tx, report, asked, seen, given, _BLOCK, None)
        await _note_export(request, database, caller, given, layout, page)
        name = f"{layout.name}-{asked.at:%Y%m%dT%H%M%SZ}.{renderer.extension}"
        return StreamingResponse(
            renderer.render(layout, _pages(database, report, asked, seen, given, page)),
            media_type=renderer.content_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    router.add_api_route(
        f"/{layout.name}",
        get_report,
        name=f"get_{layout.name}",
        description=report.about,
        response_model=shape,
        responses={
            200: {"content": {renderer.media_type: {"schema": {"type": "string"}} for renderer in FILES}}
        },
    )


async def _page(
    tx: Tx,
    report: Report[Any],
    asked: AsOf,
    seen: VisibleSql,
    parameters: Parameters,
    limit: int,
    cursor: str | None,
) -> Answer:
    found = await report.rows(tx, asked, seen, parameters, limit, cursor)
    places = await zones(tx, asked)
    instants = [column.key for column in report.layout.columns if column.kind is Kind.INSTANT]
    return Answer(
        **await answered(tx, asked, places, parameters.site),
        filters=parameters.filters(),
        totals=found.totals,
        count=found.count,
        rows=[
            {**row, **{key: places.local(row[key], row["place"]) for key in instants}} for row in found.rows
        ],
        next=found.next,
    )


async def _pages(
    database: Database,
    report: Report[Any],
    asked: AsOf,
    seen: VisibleSql,
    parameters: Parameters,
    page: Answer,
) -> AsyncIterator[Answer]:
    yield page
    while page.next is not None:
        async with database.read() as tx:
            page = await _page(tx, report, asked, seen, parameters, _BLOCK, page.next)
        yield page


async def _note_export(
    request: Request,
    database: Database,
    caller: Caller,
    parameters: Parameters,
    layout: Layout,
    page: Answer,
) -> None:
    """The audit trail keeps who took which report away as a file, and why (PL-10)."""
    reason = parameters.purpose or f"takes the {layout.name} report away as a file"
    async with database.transaction(caller.context(reason, correlation_of(request))) as tx:
        await tx.execute(
            tables.export.insert(),
            {
                "id": new_id(),
                "report": layout.name,
                "filters": parameters.filters()
                | {"at": page.at.isoformat(), "known_at": page.known_at.isoformat()},
                "person": parameters.person,
                "rows": page.count,
                "recorded_at": tx.now,
            },
        )


for _report in REPORTS.values():
    add_route(_report)


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
