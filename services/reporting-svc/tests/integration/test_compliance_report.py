"""The compliance report: rows, totals, scope, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest
from reporting_svc.domain.compliance import Figure, counted
from reporting_svc.domain.vocabulary import Status, Verdict
from reporting_svc.projections.reports.compliance import COUNTED
from reporting_testing import (
    AUDITOR,
    Reporting,
    assignment,
    caller,
    document,
    event,
    person,
    qualification,
    segment,
    site,
    utc,
)

KNOWN = "2026-03-01T08:00:00Z"
AT = "2026-03-20T12:00:00+01:00"
PATH = "/api/reports/compliance"


def whole(status: str, **more: Any) -> list[dict[str, Any]]:
    return [segment("2024-01-01T00:00Z", None, status, 3, 3, **more)]


ON_LEAVE = {"reasons": [{"code": "ON_LEAVE", "detail": "l-1"}]}
HELD = {"reasons": [{"code": "HOLD", "detail": "h-1"}]}

CELLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("ANA", "NL1", "QUALIFIED", {}),
    ("BEN", "NL1", "SUPERSEDED", {}),
    ("CHI", "NL1", "SUSPENDED", ON_LEAVE),
    ("DEV", "NL1", "SUSPENDED", HELD),
    ("EMA", "NL1", "WAIVED", {}),
    ("FAY", "NL1", "NOT_REQUIRED", {}),
    ("GIL", "US1", "EXPIRING", {}),
    ("HAL", "NL1", "IN_WINDOW", {}),
]


async def plant(reporting: Reporting) -> None:
    at = utc(KNOWN)
    moved = (("OPR", "2024-01-01", "2026-03-15"), ("QCA", "2026-03-15", None))
    await reporting.tell(
        event("matrix.organisation", site("NL1", "Europe/Amsterdam"), at),
        event("matrix.organisation", site("US1", "America/New_York"), at),
        event("qms.document", document("SOP-101"), at),
        event("qms.document", document("EHS-1", "EHS", "=danger()"), at),
        *(
            event(
                "matrix.person",
                person(
                    code,
                    place,
                    moved if code == "HAL" else (("OPR", "2024-01-01", None),),
                    supervisor="SAM" if code in ("ANA", "BEN") else "PAT",
                    department="Packaging" if code == "EMA" else "Production",
                    area="GB" if code == "DEV" else "GA",
                ),
                at,
            )
            for code, place, _, _ in CELLS
        ),
        event("matrix.person-name", {"person": "ANA", "given_name": "Ana", "family_name": "de Wit"}, at),
        *(
            event("assignment.qualification", qualification(code, "SOP-101", whole(status, **more), place), at)
            for code, place, status, more in CELLS
        ),
        event("assignment.qualification", qualification("ANA", "EHS-1", whole("LAPSED")), at),
        event("assignment.assignment", assignment("BEN", "SOP-101", "2026-03-15T13:00:00Z"), at),
        event("assignment.assignment", assignment("ANA", "EHS-1", "2026-04-01T13:00:00Z"), at),
        event(
            "assignment.assignment",
            assignment("ANA", "SOP-101", "2026-03-10T00:00:00Z", state="CLOSED", closed_at="2026-03-09T00:00:00Z",
                       closing_reason="COMPLETED"),
            at,
        ),
        event(
            "assignment.assignment",
            assignment("HAL", "SOP-101", "2026-03-10T00:00:00Z", state="CLOSED", closed_at="2026-03-02T10:00:01Z",
                       closing_reason="WITHDRAWN"),
            at,
        ),
    )  # fmt: skip


async def report(reporting: Reporting, who: Any = AUDITOR, /, **query: Any) -> dict[str, Any]:
    return await reporting.get(PATH, who, **{"at": AT} | query)


def people(answer: dict[str, Any]) -> list[str]:
    return [row["person"] for row in answer["items"]]


@pytest.mark.req("RP-01", "RP-17", "R-59", "C-28")
async def test_rows_and_totals_of_a_site(reporting: Reporting) -> None:
    await plant(reporting)
    answer = await report(reporting, site="NL1")
    assert answer["filters"] == {"site": "NL1"}
    totals = answer["totals"]
    assert (totals["cells"], totals["numerator"], totals["denominator"], totals["percent"]) == (8, 2, 6, 33.3)
    assert totals["excluded"] == {"NOT_REQUIRED": 1, "ON_LEAVE": 1}
    assert (totals["conditional"], totals["held"]) == (1, 1)
    assert (totals["overdue"], totals["approaching"], totals["withdrawn_assignments"]) == (1, 1, 1)
    rows = {(row["person"], row["item"]): row for row in answer["items"]}
    assert len(rows) == totals["cells"] - totals["excluded"]["NOT_REQUIRED"]
    ben = rows["BEN", "SOP-101"]
    assert (ben["status"], ben["overdue"], ben["due_at"], ben["trigger"], ben["change"]) == (
        "SUPERSEDED",
        True,
        "2026-03-15T14:00:00+01:00",
        "REVISION",
        "CC-7",
    )
    ana = rows["ANA", "EHS-1"]
    assert (ana["name"], ana["framework"], ana["approaching"], ana["overdue"]) == (
        "Ana de Wit",
        "EHS",
        True,
        False,
    )
    assert (ana["department"], ana["area"], ana["job_functions"]) == ("Production", "GA", ["OPR"])
    assert rows["ANA", "SOP-101"]["due_at"] is None
    # The totals are the sums of the rows, class by class.
    classes = [row["counted"] for row in answer["items"]]
    assert classes.count("COMPLIANT") == totals["numerator"]
    assert classes.count("EXCLUDED_ON_LEAVE") == totals["excluded"]["ON_LEAVE"]
    assert len(classes) - classes.count("EXCLUDED_ON_LEAVE") == totals["denominator"]
    every = await report(reporting, site="NL1", include="not_required")
    assert len(every["items"]) == every["totals"]["cells"] == 8
    assert every["totals"] == totals


@pytest.mark.req("R-16", "C-28", "AE-03")
@pytest.mark.parametrize(
    ("person", "state", "overdue"),
    [
        ("FAY", "UPCOMING", False),
        # Already owed by another function: the new one adds a method.
        ("HAL", "UPCOMING", False),
        # Controls: the same assignment once the role has begun.
        ("HAL", "OPEN", True),
        ("BEN", "OPEN", True),
    ],
)
async def test_pre_training_for_a_role_to_come_is_visible_and_not_counted(
    reporting: Reporting, person: str, state: str, *, overdue: bool
) -> None:
    await plant(reporting)
    before = (await report(reporting, item="SOP-101"))["totals"]
    role = {"trigger": "ROLE_CHANGE", "state": state, "change": None}
    due = "2026-03-14T13:00:00Z"
    told = assignment(person, "SOP-101", due, opened="2026-03-05T10:00:00Z", **role)
    await reporting.tell(event("assignment.assignment", told, utc("2026-03-05T10:00:00Z")))
    after = await report(reporting, item="SOP-101", include="not_required")
    (row,) = [row for row in after["items"] if row["person"] == person]
    assert (row["trigger"], row["due_at"]) == ("ROLE_CHANGE", "2026-03-14T14:00:00+01:00")
    assert row["overdue"] is overdue
    # BEN is overdue already.
    more = person == "HAL" and overdue
    assert after["totals"] == before | {
        "overdue": before["overdue"] + more,
        "figures": before["figures"] | {"OVERDUE": before["overdue"] + more},
    }
    approaching = await report(
        reporting, item="SOP-101", include="not_required", at="2026-03-07T12:00:00+01:00"
    )
    (row,) = [row for row in approaching["items"] if row["person"] == person]
    assert row["approaching"] is overdue


@pytest.mark.req("PL-28")
@pytest.mark.part("RP-01", "filters by site, function, department and others")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"site": "US1"}, ["GIL"]),
        ({"framework": "EHS"}, ["ANA"]),
        ({"department": "Packaging"}, ["EMA"]),
        ({"person": "BEN"}, ["BEN"]),
        ({"item": "EHS-1"}, ["ANA"]),
        ({"job_function": "QCA"}, ["HAL"]),
        # HAL became QCA on 15 March of the place, which begins at 23:00 of the 14th in UTC.
        ({"job_function": "QCA", "at": "2026-03-14T23:59:59+01:00"}, []),
        ({"job_function": "QCA", "at": "2026-03-15T00:00:00+01:00"}, ["HAL"]),
        ({"job_function": "OPR", "site": "NL1"}, ["ANA", "ANA", "BEN", "CHI", "DEV", "EMA"]),
        ({"job_function": "OPR", "department": "Production", "framework": "GMP", "site": "NL1"}, ["ANA", "BEN", "CHI", "DEV"]),
        ({"known_at": "2026-03-01T07:59:59Z"}, []),
        ({"site": "XX9"}, []),
    ],
)  # fmt: skip
async def test_filters(reporting: Reporting, query: dict[str, Any], expected: Sequence[str]) -> None:
    await plant(reporting)
    answer = await report(reporting, **query)
    assert people(answer) == expected
    shown = sum(answer["totals"]["by_status"].values()) - answer["totals"]["excluded"]["NOT_REQUIRED"]
    assert shown == len(expected)


# figure -> who it counts at NL1, by person and item; the number of the totals that it stands for.
FIGURES: dict[str, tuple[list[str], Any]] = {
    "REQUIRED": (["ANA EHS-1", "ANA SOP-101", "BEN SOP-101", "DEV SOP-101", "EMA SOP-101", "HAL SOP-101"],
                 lambda t: t["denominator"]),
    "IN_PLACE": (["ANA SOP-101", "HAL SOP-101"], lambda t: t["numerator"]),
    "NOT_IN_PLACE": (["ANA EHS-1", "BEN SOP-101", "DEV SOP-101", "EMA SOP-101"],
                     lambda t: t["denominator"] - t["numerator"]),
    "CONDITIONAL": (["EMA SOP-101"], lambda t: t["conditional"]),
    "HELD": (["DEV SOP-101"], lambda t: t["held"]),
    "OVERDUE": (["BEN SOP-101"], lambda t: t["overdue"]),
    "APPROACHING": (["ANA EHS-1"], lambda t: t["approaching"]),
    "EXCLUDED": (["CHI SOP-101", "FAY SOP-101"], lambda t: sum(t["excluded"].values())),
    "NOT_REQUIRED": (["FAY SOP-101"], lambda t: t["excluded"]["NOT_REQUIRED"]),
    "ON_LEAVE": (["CHI SOP-101"], lambda t: t["excluded"]["ON_LEAVE"]),
    "WITHDRAWN": (["HAL SOP-101"], lambda t: t["withdrawn_assignments"]),
}  # fmt: skip


@pytest.mark.req("C-28")
@pytest.mark.part("RP-01", "every figure leads to its rows")
@pytest.mark.part("RP-17", "every figure leads to its rows")
@pytest.mark.parametrize("figure", FIGURES)
async def test_every_figure_leads_to_its_rows(reporting: Reporting, figure: str) -> None:
    await plant(reporting)
    expected, number = FIGURES[figure]
    every = await report(reporting, site="NL1")
    answer = await report(reporting, site="NL1", figure=figure)
    assert [f"{row['person']} {row['item']}" for row in answer["items"]] == expected
    assert answer["filters"] == {"site": "NL1", "figure": figure}
    assert answer["totals"] == every["totals"], "the sums stand while some of their rows are looked at"
    assert answer["count"] == len(expected) == number(every["totals"]) == every["totals"]["figures"][figure]
    # Also where the rows come in pages, and in the file.
    assert (await report(reporting, site="NL1", figure=figure, limit=1))["count"] == len(expected)
    _, rows = table((await reporting.ask(AUDITOR, PATH, "text/csv", site="NL1", at=AT, figure=figure)).text)
    assert [f"{row['person']} {row['item']}" for row in rows] == expected
    [noted] = reporting.sql("SELECT rows, filters FROM app.export")
    assert (noted["rows"], noted["filters"]["figure"]) == (len(expected), figure)


async def test_every_figure_is_asked_for(reporting: Reporting) -> None:
    assert set(FIGURES) == {figure.value for figure in Figure}
    assert (await reporting.ask(AUDITOR, PATH, figure="SOMETHING")).status_code == 422


@pytest.mark.part("RP-01", "withdrawn assignments are counted in their rows")
async def test_withdrawn_assignments_are_counted_in_their_rows(reporting: Reporting) -> None:
    await plant(reporting)
    again = assignment("HAL", "SOP-101", "2026-03-10T00:00:00Z", target_version=5, state="CLOSED",
                       closed_at="2026-03-02T10:00:01Z", closing_reason="WITHDRAWN")  # fmt: skip
    await reporting.say("assignment.assignment", again, KNOWN)
    answer = await report(reporting, figure="WITHDRAWN")
    assert [(row["person"], row["withdrawn"]) for row in answer["items"]] == [("HAL", 2)]
    assert answer["totals"]["withdrawn_assignments"] == 2
    assert answer["count"] == 1


@pytest.mark.part("RP-01", "pages keep the totals of all rows")
async def test_pages_keep_the_totals_of_all_rows(reporting: Reporting) -> None:
    await plant(reporting)
    whole_report = await report(reporting)
    rows, cursor, pages = [], None, 0
    while True:
        answer = await report(reporting, limit=3, **({"cursor": cursor} if cursor else {}))
        assert answer["totals"] == whole_report["totals"]
        rows += answer["items"]
        cursor, pages = answer["next"], pages + 1
        if cursor is None:
            break
    assert (rows, pages) == (whole_report["items"], 3)
    beyond = await report(reporting, limit=3, person="ANA")
    assert len(beyond["items"]) == 2


@pytest.mark.part("RP-03", "a past report stays as it was known")
@pytest.mark.part("C-14", "a past report stays as it was known")
async def test_a_past_report_stays_as_it_was_known(reporting: Reporting) -> None:
    await plant(reporting)
    then = {"known_at": "2026-03-20T12:00:00Z", "site": "NL1"}
    before = await report(reporting, **then)
    later = "2026-03-21T00:00:00Z"
    await reporting.say(
        "assignment.qualification", qualification("BEN", "SOP-101", whole("QUALIFIED")), later, 2
    )
    await reporting.say("matrix.person", person("CHI", "US1", department="Quality"), later, 2)
    await reporting.say("qms.document", document("SOP-101", "EHS", "Another title"), later, 2)
    await reporting.say(
        "assignment.assignment",
        assignment("BEN", "SOP-101", "2026-03-15T13:00:00Z", state="CLOSED", closed_at="2026-03-14T00:00:00Z", closing_reason="COMPLETED"),
        later,
        2,
    )  # fmt: skip
    assert await report(reporting, **then) == before
    now = await report(reporting, site="NL1")
    assert now["totals"]["numerator"] == before["totals"]["numerator"] + 1
    assert now["totals"]["overdue"] == 0
    assert {row["framework"] for row in now["items"]} == {"EHS"}


@pytest.mark.part("RP-03", "who left is still in the report of the past")
async def test_who_left_is_still_in_the_report_of_the_past(reporting: Reporting) -> None:
    await plant(reporting)
    gone = [*whole("QUALIFIED")]
    gone[0]["to"] = "2026-03-31T22:00:00Z"
    gone.append(segment("2026-03-31T22:00:00Z", None, "NOT_REQUIRED"))
    await reporting.say(
        "assignment.qualification", qualification("ANA", "SOP-101", gone), "2026-03-25T00:00:00Z", 2
    )
    await reporting.say("matrix.person", person("ANA", until="2026-04-01"), "2026-03-25T00:00:00Z", 2)
    assert people(await report(reporting, person="ANA", framework="GMP")) == ["ANA"]
    after = await report(reporting, person="ANA", framework="GMP", at="2026-04-01T00:00:00+02:00")
    assert (people(after), after["totals"]["excluded"]["NOT_REQUIRED"]) == ([], 1)


@pytest.mark.part("PL-06", "each role sees the rows of its scope")
async def test_who_sees_which_rows(reporting: Reporting) -> None:
    await plant(reporting)
    for who, expected in (
        (caller("coordinator", site="US1"), ["GIL"]),
        (caller("supervisor", subject="SAM"), ["ANA", "ANA", "BEN"]),
        (caller("coordinator", site="NL1", job_function="OPR"), ["ANA", "ANA", "BEN", "CHI", "DEV", "EMA"]),
        (caller("coordinator", site="NL1", area="GB"), ["ANA", "ANA", "BEN", "CHI", "DEV", "EMA", "HAL"]),
    ):
        answer = await report(reporting, who)
        assert people(answer) == expected
        assert answer["totals"]["cells"] - answer["totals"]["excluded"]["NOT_REQUIRED"] == len(expected)
    assert (await reporting.ask(caller("operator", subject="ANA"), PATH)).status_code == 403
    # A supervisor sees the team's report and takes no file away.
    assert (await reporting.ask(caller("supervisor", subject="SAM"), PATH, "text/csv")).status_code == 403


def table(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    rows = list(csv.reader(io.StringIO(text)))
    head = {row[0]: row[1] if len(row) > 1 else "" for row in rows if row[0].startswith("#")}
    body = [row for row in rows if not row[0].startswith("#")]
    return head, [dict(zip(body[0], row, strict=True)) for row in body[1:]]


@pytest.mark.part("RP-01", "the file says what it is as of and is noted in the trail")
@pytest.mark.part("RP-17", "the file says what it is as of and is noted in the trail")
@pytest.mark.part("PL-10", "an export is noted in the trail")
async def test_the_file_says_what_it_is_as_of_and_is_noted_in_the_trail(reporting: Reporting) -> None:
    await plant(reporting)
    answer = await reporting.ask(AUDITOR, PATH, "text/csv", site="NL1", at=AT, purpose="audit of March")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    head, rows = table(answer.text)
    assert head["# As of"] == AT
    assert head["# Numerator"] == "2"
    assert (head["# Denominator"], head["# Percent"]) == ("6", "33.3")
    assert (head["# Excluded: ON_LEAVE"], head["# Excluded: NOT_REQUIRED"]) == ("1", "1")
    assert {"# As known at", "# Complete up to", "# Provisional", "# Filter site"} <= set(head)
    shown = await report(reporting, site="NL1")
    assert [(row["person"], row["item"]) for row in rows] == [
        (r["person"], r["item"]) for r in shown["items"]
    ]
    # What a spreadsheet would run is only text.
    assert {row["title"] for row in rows if row["item"] == "EHS-1"} == {"'=danger()"}
    [noted] = reporting.sql("SELECT * FROM app.export")
    assert (noted["report"], noted["rows"], noted["filters"]["site"]) == ("compliance", len(rows), "NL1")
    [entry] = reporting.sql("SELECT actor, body::jsonb AS body FROM audit.entry WHERE entity = 'export'")
    assert (entry["actor"], entry["body"]["reason"]) == ("account/AUD", "audit of March")


async def test_a_long_file_has_every_row_once(reporting: Reporting, monkeypatch: pytest.MonkeyPatch) -> None:
    await plant(reporting)
    monkeypatch.setattr("reporting_svc.api.reports._BLOCK", 2)
    answer = await reporting.ask(AUDITOR, PATH, "text/csv", at=AT)
    _, rows = table(answer.text)
    shown = await report(reporting)
    assert [(row["person"], row["item"]) for row in rows] == [
        (r["person"], r["item"]) for r in shown["items"]
    ]


@pytest.mark.part("RP-05", "assignments by why they were opened")
async def test_assignments_by_why_they_were_opened(reporting: Reporting) -> None:
    await plant(reporting)
    capa = assignment("EMA", "SOP-101", None, trigger="CAPA", opened="2026-03-05T00:00:00Z", change=None,
                      cause={"kind": "order", "id": "CAPA-9"})  # fmt: skip
    await reporting.say("assignment.assignment", capa, "2026-03-05T00:00:00Z")
    every = await reporting.get("/api/reports/assignments")
    assert (every["by_trigger"], every["total"], every["withdrawn"]) == ({"CAPA": 1, "REVISION": 3}, 4, 1)
    assert len(every["items"]) == every["total"]
    asked: dict[str, Any] = {
        "trigger": "CAPA",
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-04-01T00:00:00Z",
    }
    [row] = (await reporting.get("/api/reports/assignments", **asked))["items"]
    assert (row["person"], row["cause"]["id"]) == ("EMA", "CAPA-9")
    first = await reporting.get("/api/reports/assignments", limit=3)
    rest = await reporting.get("/api/reports/assignments", limit=3, cursor=first["next"])
    assert first["items"] + rest["items"] == every["items"]
    # The renderers are those of every report: the file has the same rows.
    text = (await reporting.ask(AUDITOR, "/api/reports/assignments", "text/csv")).text
    head, rows = table(text)
    assert (head["# Assignments"], head["# By trigger: CAPA"]) == ("4", "1")
    assert [row["assignment"] for row in rows] == [row["assignment"] for row in every["items"]]
    assert {"# As of", "# As known at", "# Complete up to", "# Provisional"} <= set(head)


@pytest.mark.part("C-28", "the report and the rules count a cell alike")
async def test_the_sql_of_the_report_classifies_as_the_rules_do(reporting: Reporting) -> None:
    cells = [
        (status, verdict, on_leave)
        for status in [*Status, "SOMETHING_LATER"]
        for verdict in Verdict
        for on_leave in (False, True)
    ]
    values = ", ".join(f"('{status}', '{verdict}', {on_leave})" for status, verdict, on_leave in cells)
    found = reporting.sql(
        f"SELECT c.*, {COUNTED} AS counted FROM (VALUES {values}) c (status, verdict, on_leave)"
    )
    assert len(found) == len(cells)
    for row in found:
        assert row["counted"] == counted(row["status"], row["verdict"], on_leave=row["on_leave"]), row
