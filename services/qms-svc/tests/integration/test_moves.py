"""The signed move of an effective date."""

import pytest
from qms_testing import EVA, QUE, Qms, draft_cc7

KIND = "effective_date"
TO = {"place": "US1", "on": "2027-02-10"}


@pytest.mark.part("R-08", "a move is signed and the date names its signature")
@pytest.mark.part("SR-04", "a move is signed and the date names its signature")
async def test_a_move_is_signed_and_the_date_names_its_signature(qms: Qms) -> None:
    await draft_cc7(qms)
    approval = await qms.approve(EVA, "CC-7")
    shown = (await qms.prepare(EVA, "SOP-101/4", kind=KIND, inputs=TO)).json()
    assert (shown["display"]["before"], shown["display"]["on"]) == (
        {"place": "US1", "on": "2027-01-23", "at": None},
        "2027-02-10",
    )
    other = await qms.confirm(EVA, "SOP-101/4", shown["digest"], kind=KIND, inputs=TO | {"on": "2027-02-11"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:attest:problem:stale")
    signed = await qms.confirm(EVA, "SOP-101/4", shown["digest"], kind=KIND, inputs=TO)
    assert signed.status_code == 200, signed.text
    event = qms.events("qms.document")[-1]
    assert event["type"] == "qms.document-version-moved.v1"
    assert event["data"]["change"]["cause"] == signed.json()["id"]
    rows = qms.sql(
        "SELECT place, on_day::text AS on, signature::text FROM app.effective_date WHERE number = 4"
        " ORDER BY recorded_at, place"
    )
    assert rows == [
        {"place": "NL1", "on": "2027-01-16", "signature": approval["id"]},
        {"place": "US1", "on": "2027-01-23", "signature": approval["id"]},
        {"place": "US1", "on": "2027-02-10", "signature": signed.json()["id"]},
    ]


@pytest.mark.part("R-08", "a move that makes no sense is not shown")
@pytest.mark.part("PL-06", "a move that makes no sense is not shown")
@pytest.mark.parametrize(
    ("key", "inputs", "status"),
    [
        ("SOP-101/4", {}, 422),
        ("SOP-101/4", {"place": "US1", "on": "soon"}, 422),
        ("SOP-101/4", {"place": "US9", "on": "2027-02-10"}, 422),
        ("SOP-101/4", {"place": "US1", "on": "2026-02-10"}, 422),
        ("SOP-101/9", TO, 404),
        ("SOP-101", TO, 404),
    ],
)
async def test_a_move_that_makes_no_sense_is_not_shown(qms: Qms, key: str, inputs: dict, status: int) -> None:
    await draft_cc7(qms)
    await qms.approve(EVA, "CC-7")
    assert (await qms.prepare(EVA, key, kind=KIND, inputs=inputs)).status_code == status
    own = await qms.prepare(QUE, "SOP-101/4", kind=KIND, inputs=TO)
    assert (own.status_code, own.json()["type"]) == (403, "urn:attest:problem:own-approval")
