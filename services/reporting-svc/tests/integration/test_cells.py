"""Cells as of two times: the story of SOP-101 v4 (RP-03, RP-04)."""

from __future__ import annotations

from typing import Any

import pytest
from reporting_testing import (
    AUDITOR,
    Reporting,
    assignment,
    caller,
    event,
    fixture_f,
    qualification,
    record,
    segment,
    trained_v3,
    utc,
    wire,
)
from servicekit.testing.callers import stranger

SOP = "SOP-101"


def revised(code: str, signed: str | None, **more: Any) -> list[dict[str, Any]]:
    """The timeline once v4 is approved (2 March) and, perhaps, trained."""
    v3 = {"records": [f"rec-{code}-3"], "flags": ["MIGRATED"]}
    first, window, effective = trained_v3(code)[:1], "2026-03-02T11:00+01:00", "2026-03-16T00:00+01:00"
    found = [*first, segment("2025-06-01T00:00+02:00", window, "QUALIFIED", 3, 3, **v3)]
    if signed is None:
        return [
            *found,
            segment(window, effective, "IN_WINDOW", 3, 3, **v3),
            segment(effective, None, "SUPERSEDED", 4, 3),
        ]
    v4 = {"records": [f"rec-{code}-4"]} | more
    if utc(signed) < utc(effective):
        found += [
            segment(window, signed, "IN_WINDOW", 3, 3, **v3),
            segment(signed, effective, "QUALIFIED", 3, 3, **v3),
            segment(effective, None, "QUALIFIED", 4, 4, **v4),
        ]
    return found


async def story(reporting: Reporting) -> None:
    await fixture_f(reporting)
    for code in ("ANA", "BEN"):
        await reporting.say(
            "assignment.qualification",
            qualification(code, SOP, revised(code, None)),
            "2026-03-02T10:00:01Z",
            2,
        )
        await reporting.say(
            "assignment.assignment", assignment(code, SOP, "2026-03-15T05:00:00Z"), "2026-03-02T10:00:01Z"
        )
    await reporting.say(
        "assignment.qualification",
        qualification("ANA", SOP, revised("ANA", "2026-03-12T22:30+01:00")),
        "2026-03-12T21:30:01Z",
        3,
    )
    await reporting.say(
        "assignment.assignment",
        assignment(
            "ANA",
            SOP,
            "2026-03-15T05:00:00Z",
            state="CLOSED",
            closed_at="2026-03-12T21:30:00Z",
            closing_reason="COMPLETED",
        ),
        "2026-03-12T21:30:01Z",
        2,
    )


async def late_entry(reporting: Reporting) -> None:
    """BEN's paper form, signed in ink on 14 March, keyed on 20 March (R-18)."""
    known = utc("2026-03-20T09:00:00Z")
    ink = wire(utc("2026-03-14T10:00+01:00"))
    entered = record(
        "rec-BEN-4", "BEN", SOP, 4, ink, source_class="LATE_ENTRY", recorded_at=wire(known),
        late_entry={"ink_signed_at": ink, "scan_sha256": "a" * 64, "reason": "paper", "second_person": "EVA"},
    )  # fmt: skip
    grants = [{"grant": "g-1", "role": "qa_approver", "scope": {"site": "NL1"}}]
    await reporting.say(
        "gateway.account",
        {"account": "acc-eva", "person": "EVA", "status": "ACTIVE", "grants": grants},
        "2026-01-01T00:00:00Z",
    )
    await reporting.say(
        "matrix.person-name", {"person": "EVA", "given_name": "Eva", "family_name": "Dijkstra"}, known
    )
    cause = await reporting.say("records.training-record", entered, known, actor="account/acc-eva")
    segments = [
        *revised("BEN", "2026-03-14T10:00+01:00", flags=["LATE_ENTRY"]),
    ]
    await reporting.say(
        "assignment.qualification",
        qualification("BEN", SOP, segments),
        "2026-03-20T09:00:01Z",
        3,
        cause=cause.id,
    )


@pytest.mark.req("RP-03", "C-14")
@pytest.mark.part("R-01", "any past instant as it was known")
@pytest.mark.part("C-26", "any past instant as it was known")
async def test_any_past_instant_as_it_was_known(reporting: Reporting) -> None:
    await story(reporting)
    cells = [
        ("ANA", "2026-03-15T23:59:59+01:00", ("QUALIFIED", 3, 3)),
        ("ANA", "2026-03-16T00:00:00+01:00", ("QUALIFIED", 4, 4)),
        ("BEN", "2026-03-15T23:59:59+01:00", ("IN_WINDOW", 3, 3)),
        ("BEN", "2026-03-16T00:00:00+01:00", ("SUPERSEDED", 4, 3)),
        ("CHI", "2026-03-15T23:59:59+01:00", ("SUSPENDED", 3, 3)),
    ]
    for code, at, expected in cells:
        assert await reporting.cell(code, SOP, at, "2026-03-16T10:00:00+01:00") == expected, (code, at)
    await late_entry(reporting)
    for code, at, expected in cells:
        assert await reporting.cell(code, SOP, at, "2026-03-16T10:00:00+01:00") == expected, (code, at)
    # Before the revision was known, nobody would be superseded.
    assert await reporting.cell("BEN", SOP, "2026-03-17T12:00+01:00", "2026-03-02T10:00:00Z") == (
        "QUALIFIED",
        3,
        3,
    )


@pytest.mark.req("R-13")
@pytest.mark.part("RP-04", "a leave keyed late is known now and was not known then")
@pytest.mark.part("C-14", "a leave keyed late is known now and was not known then")
async def test_a_leave_keyed_late_is_known_now_and_was_not_known_then(reporting: Reporting) -> None:
    """BEN was away from 5 to 17 March, which HR tells on the 20th."""
    await story(reporting)
    v3 = {"records": ["rec-BEN-3"], "flags": ["MIGRATED"]}
    known = [
        *revised("BEN", None)[:-2],
        segment("2026-03-02T11:00+01:00", "2026-03-05T00:00+01:00", "IN_WINDOW", 3, 3, **v3),
        segment("2026-03-05T00:00+01:00", "2026-03-16T00:00+01:00", "SUSPENDED", 3, 3, **v3),
        segment("2026-03-16T00:00+01:00", "2026-03-18T00:00+01:00", "SUSPENDED", 4),
        segment("2026-03-18T00:00+01:00", None, "SUPERSEDED", 4, 3),
    ]
    keyed = "2026-03-20T09:00:00+01:00"
    await reporting.say("assignment.qualification", qualification("BEN", SOP, known), utc(keyed), 3)
    days = ("2026-03-04T23:59:59", "2026-03-05T00:00:00", "2026-03-17T23:59:59", "2026-03-18T00:00:00")

    async def answers(*known_at: str) -> list[str | None]:
        cells = [await reporting.cell("BEN", SOP, f"{day}+01:00", *known_at) for day in days]
        return [None if cell is None else cell[0] for cell in cells]

    then = ["IN_WINDOW", "IN_WINDOW", "SUPERSEDED", "SUPERSEDED"]
    assert await answers("2026-03-20T08:59:59+01:00") == then
    assert await answers(keyed) == ["IN_WINDOW", "SUSPENDED", "SUSPENDED", "SUPERSEDED"]
    assert await answers() == ["IN_WINDOW", "SUSPENDED", "SUSPENDED", "SUPERSEDED"]


@pytest.mark.req("RP-04", "N-02")
@pytest.mark.part("R-18", "a late entry gives two right answers and the difference names it")
async def test_a_late_entry_gives_two_right_answers_and_the_difference_names_it(reporting: Reporting) -> None:
    await story(reporting)
    await late_entry(reporting)
    at = "2026-03-17T12:00:00+01:00"
    assert await reporting.cell("BEN", SOP, at, "2026-03-17T12:00:00+01:00") == ("SUPERSEDED", 4, 3)
    assert await reporting.cell("BEN", SOP, at, "2026-03-21T12:00:00+01:00") == ("QUALIFIED", 4, 4)
    assert await reporting.cell("BEN", SOP, at) == ("QUALIFIED", 4, 4)
    asked: dict[str, Any] = {
        "person": "BEN",
        "item": SOP,
        "at": at,
        "known_a": at,
        "known_b": "2026-03-21T12:00:00+01:00",
    }
    answer = await reporting.get("/api/reports/differences", **asked)
    [found] = answer["items"]
    assert (found["a"]["verdict"], found["b"]["verdict"]) == ("DENY", "ALLOW")
    assert found["b"]["flags"] == ["LATE_ENTRY"]
    assert {"status", "verdict", "completed_version"} <= set(found["changed"])
    [named] = found["records_gained"]
    assert (named["record"], named["source_class"]) == ("rec-BEN-4", "LATE_ENTRY")
    assert utc(named["known_from"]) == utc("2026-03-20T09:00:00Z")
    assert utc(named["valid_from"]) == utc("2026-03-14T10:00+01:00")
    [cause] = found["causes"]
    assert (cause["type"], cause["subject"]) == ("records.training-record-signed.v1", "rec-BEN-4")
    # Who did it and when, and not only when its effect was known.
    assert (cause["actor_person"], cause["actor_name"], cause["actor_roles"]) == (
        "EVA",
        "Eva Dijkstra",
        ["qa_approver"],
    )
    assert utc(cause["at"]) == utc("2026-03-20T09:00:00Z")
    assert utc(cause["recorded_at"]) == utc("2026-03-20T09:00:01Z")
    sooner = asked | {"known_b": "2026-03-18T00:00:00Z"}
    same = await reporting.get("/api/reports/differences", **sooner)
    assert same["items"][0]["same"] is True
    assert same["items"][0]["causes"] == []
    wrong = await reporting.ask(
        AUDITOR, "/api/reports/differences", **asked | {"known_b": "2026-03-01T00:00:00Z"}
    )
    assert wrong.status_code == 422


@pytest.mark.req("C-26")
@pytest.mark.part("PL-28", "the shape of a cell")
async def test_the_shape_of_a_cell(reporting: Reporting) -> None:
    await story(reporting)
    answer = await reporting.get(
        "/api/qualification/cells",
        person="BEN",
        item=SOP,
        at="2026-03-10T00:00:00+01:00",
        known_at="2026-03-11T00:00:00Z",
    )
    [cell] = answer["items"]
    assert cell == {
        "person": "BEN",
        "item": SOP,
        "place": "NL1",
        "status": "IN_WINDOW",
        "verdict": "ALLOW",
        "flags": ["MIGRATED"],
        "governing_version": 3,
        "completed_version": 3,
        "completed_at": None,
        "expires_at": None,
        "due_at": "2026-03-15T06:00:00+01:00",
        "trigger": "REVISION",
        "reasons": [],
        "records": ["rec-BEN-3"],
        "sources": ["job_function/OPR"],
        "since": "2026-03-02T11:00:00+01:00",
        "until": "2026-03-16T00:00:00+01:00",
        "unqualified_since": None,
    }
    assert utc(answer["known_at"]) == utc("2026-03-11T00:00:00Z")
    assert (answer["complete_up_to"], answer["provisional"]) == (None, True)


@pytest.mark.req("C-26", "C-14")
async def test_not_required_and_unknown(reporting: Reporting) -> None:
    await story(reporting)
    before = "2023-12-31T00:00:00+01:00"
    assert await reporting.cell("ANA", SOP, before) == ("NOT_REQUIRED", None, None)
    assert await reporting.cell("ANA", SOP, "2025-05-31T23:59:59+02:00") == ("NOT_REQUIRED", None, None)
    assert await reporting.cell("XXX", SOP, before) is None
    assert await reporting.cell("ANA", "SOP-999", before) is None
    assert await reporting.cell("ANA", SOP, "2026-03-10T00:00Z", "2026-03-01T07:59:59Z") is None
    # A known person and a known item that never met: NOT_REQUIRED where the person works.
    await reporting.tell(event("qms.document", {**_document("SOP-102")}, utc("2026-03-01T08:00:00Z")))
    assert await reporting.cell("ANA", "SOP-102", "2026-03-10T00:00Z") == ("NOT_REQUIRED", None, None)
    every: dict[str, Any] = {"at": "2025-01-01T00:00:00+01:00"}
    assert (await reporting.get("/api/qualification/cells", **every))["items"] == []
    listed = await reporting.get("/api/qualification/cells", **every, include="not_required")
    assert [(c["person"], c["status"]) for c in listed["items"]] == [
        (code, "NOT_REQUIRED") for code in ("ANA", "BEN", "CHI")
    ]


def _document(code: str) -> dict[str, Any]:
    from reporting_testing import document

    return document(code)


@pytest.mark.req("C-26")
async def test_pages_and_bad_input(reporting: Reporting) -> None:
    await story(reporting)
    asked: dict[str, Any] = {"at": "2026-03-10T00:00:00+01:00", "limit": 2}
    first = await reporting.get("/api/qualification/cells", **asked)
    second = await reporting.get("/api/qualification/cells", **asked, cursor=first["next"])
    assert [c["person"] for c in first["items"] + second["items"]] == ["ANA", "BEN", "CHI"]
    assert second["next"] is None
    bad: dict[str, Any]
    for bad in ({"at": "2026-03-10T00:00:00"}, {"known_at": "yesterday"}, {"limit": 0}, {"include": "all"}):
        answer = await reporting.ask(AUDITOR, "/api/qualification/cells", **bad)
        assert answer.status_code == 422, bad
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.part("RP-03", "answers older than every watermark are final")
@pytest.mark.part("RP-02", "an answer states up to when it is complete")
async def test_answers_older_than_every_watermark_are_final(reporting: Reporting) -> None:
    await story(reporting)
    asked: dict[str, Any] = {
        "person": "BEN",
        "item": SOP,
        "at": "2026-03-17T12:00+01:00",
        "known_at": "2026-03-18T00:00:00Z",
    }
    assert (await reporting.get("/api/qualification/cells", **asked))["provisional"] is True
    await reporting.beat(utc("2026-03-19T00:00:00Z"), without=["qms.document"])
    assert (await reporting.get("/api/qualification/cells", **asked))["complete_up_to"] is None
    await reporting.deliver("qms.document", *[_beat("2026-03-18T06:00:00Z")])
    answer = await reporting.get("/api/qualification/cells", **asked)
    assert utc(answer["complete_up_to"]) == utc("2026-03-18T06:00:00Z")
    assert answer["provisional"] is False
    await late_entry(reporting)
    again = await reporting.get("/api/qualification/cells", **asked)
    assert again == answer


def _beat(at: str) -> bytes:
    from servicekit.bus.envelope import encode_heartbeat

    return encode_heartbeat(utc(at))


@pytest.mark.part("PL-06", "each role sees the cells of its scope")
async def test_who_sees_which_cells(reporting: Reporting) -> None:
    await story(reporting)
    path = "/api/qualification/cells"
    asked: dict[str, Any] = {"at": "2026-03-10T00:00:00+01:00"}

    async def seen(*roles: str, subject: str | None = None, **scope: str) -> list[str]:
        answer = await reporting.get(path, caller(*roles, subject=subject, **scope), **asked)
        return [cell["person"] for cell in answer["items"]]

    everybody = ["ANA", "BEN", "CHI"]
    assert await seen("coordinator", site="NL1") == everybody
    assert await seen("coordinator", site="US1") == []
    assert await seen("operator", subject="BEN") == ["BEN"]
    assert await seen("supervisor", subject="SAM") == everybody
    assert await seen("supervisor", subject="PAT") == []
    assert await seen("trainer", site="NL1", area="GA") == everybody
    assert await seen("trainer", site="NL1", area="GB") == []
    assert await seen("coordinator", site="NL1", job_function="OPR") == everybody
    assert await seen("coordinator", site="NL1", job_function="QCA") == []
    assert (await reporting.ask(caller("administrator"), path)).status_code == 403
    async with stranger(reporting) as client:
        assert (await client.get(path)).status_code == 401


@pytest.mark.part("RP-03", "the bars of a person over time")
async def test_the_bars_of_a_person(reporting: Reporting) -> None:
    await story(reporting)
    answer = await reporting.get("/api/qualification/timeline", person="ANA", known_at="2026-03-10T00:00:00Z")
    [bar] = answer["items"]
    assert (answer["name"], bar["item"], bar["title"], bar["zone"]) == (
        "Ana Jansen", SOP, "Title of SOP-101", "Europe/Amsterdam",
    )  # fmt: skip
    assert [s["status"] for s in bar["segments"]] == ["NOT_REQUIRED", "QUALIFIED", "IN_WINDOW", "SUPERSEDED"]
    for one, following in zip(bar["segments"], bar["segments"][1:], strict=False):
        assert one["until"] == following["since"]
    assert bar["segments"][-1]["until"] is None
    other = await reporting.get("/api/qualification/timeline", person="ANA")
    assert [s["status"] for s in other["items"][0]["segments"]][-1] == "QUALIFIED"
    hidden = await reporting.get(
        "/api/qualification/timeline", caller("operator", subject="BEN"), person="ANA"
    )
    assert (hidden["items"], hidden["name"]) == ([], None)


@pytest.mark.part("R-06", "unqualified since goes back over every missed version")
@pytest.mark.part("AE-16", "unqualified since goes back over every missed version")
async def test_unqualified_since_goes_back_over_every_missed_version(reporting: Reporting) -> None:
    await fixture_f(reporting)
    since, later = "2026-03-16T00:00+01:00", "2026-04-20T00:00+02:00"
    missed = [
        segment("2025-01-01T00:00+01:00", since, "QUALIFIED", 3, 3),
        segment(since, later, "SUPERSEDED", 4, 3),
        segment(later, None, "SUPERSEDED", 5, 3),
    ]
    await reporting.say(
        "assignment.qualification", qualification("BEN", SOP, missed), "2026-03-02T10:00:01Z", 2
    )
    for at, found in (
        ("2026-03-15T23:59:59+01:00", None),
        (since, "2026-03-16T00:00:00+01:00"),
        ("2026-05-01T00:00+02:00", "2026-03-16T00:00:00+01:00"),
    ):
        answer = await reporting.get("/api/qualification/cells", AUDITOR, person="BEN", at=at)
        assert [row["unqualified_since"] for row in answer["items"]] == [found]
    never = [segment("2026-03-10T00:00+01:00", None, "NEVER_TRAINED", 3)]
    await reporting.say(
        "assignment.qualification", qualification("NEW", SOP, never), "2026-03-02T10:00:02Z", 1
    )
    answer = await reporting.get("/api/qualification/cells", AUDITOR, item=SOP, at="2026-05-01T00:00+02:00")
    rows = {row["person"]: row["unqualified_since"] for row in answer["items"]}
    assert rows["NEW"] == "2026-03-10T00:00:00+01:00"
