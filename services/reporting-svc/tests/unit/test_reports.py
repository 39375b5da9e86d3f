"""Reports as data: what follows from a layout in JSON and in a file, without a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from reporting_svc.api.renderers import FILES, accepted, as_csv, as_json
from reporting_svc.domain.report import Answer, Column, Kind, Layout, text
from reporting_svc.main import SPEC
from reporting_svc.projections.reports import REPORTS

pytestmark = pytest.mark.part("RP-01", "the forms of a report follow from its columns")

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAYOUT = Layout(
    name="shifts",
    title="Shifts",
    schema="Shifts",
    columns=(
        Column("person", "Person", Kind.TEXT),
        Column("since", "Since", Kind.INSTANT, optional=True),
        Column("areas", "Areas", Kind.CODES),
        Column("night", "Night", Kind.FLAG),
        Column("hours", "Hours", Kind.NUMBER),
        Column("note", "Note", Kind.OBJECT, optional=True, in_files=False),
        Column("reasons", "Reasons", Kind.REASONS),
    ),
    totals=(
        Column("hours", "Hours in all", Kind.NUMBER),
        Column("share", "Share", Kind.PERCENT, optional=True),
        Column("by_area", "Area", Kind.COUNTS),
        Column("inner", "Inner", Kind.NUMBER, in_files=False),
    ),
)
ROWS: list[dict[str, Any]] = [
    {
        "person": "ANA",
        "since": AT,
        "areas": ["GA", "GB"],
        "night": True,
        "hours": 8,
        "note": {"a": 1},
        "reasons": [{"code": "HOLD", "detail": "h-1"}, {"code": "ON_LEAVE", "detail": None}],
    },
    {
        "person": "=cmd()",
        "since": None,
        "areas": [],
        "night": False,
        "hours": 0,
        "note": None,
        "reasons": [{"code": "NO_SOURCE"}],
    },
]


def answer(rows: Sequence[Mapping[str, Any]], following: str | None = None) -> Answer:
    return Answer(
        at=AT,
        known_at=AT,
        complete_up_to=None,
        provisional=True,
        filters={"site": "NL1"},
        totals={"hours": 8, "share": 50.0, "by_area": {"GA": 2, "GB": 1}, "inner": 3},
        count=2,
        rows=rows,
        next=following,
    )


async def pages(*found: Answer) -> AsyncIterator[Answer]:
    for one in found:
        yield one


async def test_a_csv_file_says_what_it_is_as_of_and_has_every_row_of_every_page() -> None:
    found = [part async for part in as_csv.render(LAYOUT, pages(answer(ROWS[:1], "more"), answer(ROWS[1:])))]
    assert "".join(found).split("\r\n") == [
        "# Shifts",
        "# As of,2026-03-01T12:00:00+00:00",
        "# As known at,2026-03-01T12:00:00+00:00",
        "# Complete up to,",
        "# Provisional,yes",
        "# Filter site,NL1",
        "# Hours in all,8",
        "# Share,50.0",
        "# Area: GA,2",
        "# Area: GB,1",
        "person,since,areas,night,hours,reasons",
        "ANA,2026-03-01T12:00:00+00:00,GA GB,yes,8,HOLD:h-1 ON_LEAVE",
        "'=cmd(),,,no,0,NO_SOURCE",
        "",
    ]


def test_the_model_of_an_answer_follows_from_the_columns() -> None:
    shape = as_json.model(LAYOUT)
    schema = shape.model_json_schema()
    row = schema["$defs"]["ShiftsRow"]
    assert list(row["properties"]) == [column.key for column in LAYOUT.columns]
    assert row["properties"]["night"] == {"title": "Night", "type": "boolean"}
    assert {"at", "known_at", "complete_up_to", "provisional", "totals"} <= set(schema["required"])
    body = as_json.answer(LAYOUT, shape, answer(ROWS)).model_dump(mode="json")
    assert body["totals"]["by_area"] == {"GA": 2, "GB": 1}
    assert [one["person"] for one in body["items"]] == ["ANA", "=cmd()"]
    with pytest.raises(ValidationError):
        as_json.answer(LAYOUT, shape, answer([{"person": "ANA"}]))


def test_totals_may_stand_beside_the_rows() -> None:
    beside = Layout("shifts", "Shifts", "Shifts", LAYOUT.columns, LAYOUT.totals, totals_beside=True)
    body = as_json.answer(beside, as_json.model(beside), answer(ROWS)).model_dump(mode="json")
    assert (body["hours"], "totals" in body) == (8, False)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_text_for_what_is_absent(kind: Kind) -> None:
    assert text(kind, None) == ""


def test_a_file_is_chosen_by_its_media_type() -> None:
    assert {renderer.media_type for renderer in FILES} == {"text/csv"}
    assert accepted("text/csv, */*") is as_csv.RENDERER
    assert accepted("application/json") is None


def test_every_report_has_a_route_and_whole_columns() -> None:
    paths = {getattr(route, "path", "") for router in SPEC.routers for route in router.routes}
    assert set(REPORTS) == {"assignments", "compliance"}
    for name, report in REPORTS.items():
        assert f"/api/reports/{name}" in paths
        for columns in (report.layout.columns, report.layout.totals):
            keys = [column.key for column in columns]
            assert len(keys) == len(set(keys))
        assert not [column for column in report.layout.columns if column.kind is Kind.COUNTS]
