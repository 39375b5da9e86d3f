"""Events on the wire."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from servicekit.bus.envelope import (
    DecodeError,
    Event,
    Heartbeat,
    decode,
    encode,
    encode_heartbeat,
    identity,
)

pytestmark = pytest.mark.part("PL-24", "the envelope is a CloudEvent in structured form")

EVENT = Event(
    id="019cadfd-8bde-7a19-8653-39c2a57b4995",
    source="/attest/store",
    type="store.part-moved.v1",
    topic="store.part",
    subject="P1/«ü»",
    key="P1",
    time=datetime(2026, 3, 2, 10, 0, 0, 734000, tzinfo=UTC),
    epoch=2,
    sequence=17,
    correlation="c-1",
    cause="019cadfd-8900-79b4-8567-9386f27c13da",
    actor="system/store",
    traceparent="00-98381bb0c13dca088711471dd2d1cddc-e822fd3af85b70ea-01",
    dataschema="urn:attest:schema:store.part:v1",
    state={"part": "P1", "count": 3, "none": None},
    change={"kind": "moved", "reason": "a test"},
)


def test_the_envelope_is_cloudevents_1_0_with_our_attributes() -> None:
    body = json.loads(encode(EVENT))
    assert body == {
        "specversion": "1.0",
        "id": "019cadfd-8bde-7a19-8653-39c2a57b4995",
        "source": "/attest/store",
        "type": "store.part-moved.v1",
        "subject": "P1/«ü»",
        "time": "2026-03-02T10:00:00.734000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:attest:schema:store.part:v1",
        "partitionkey": "P1",
        "epoch": 2,
        "sequence": 17,
        "correlationid": "c-1",
        "causationid": "019cadfd-8900-79b4-8567-9386f27c13da",
        "actor": "system/store",
        "traceparent": "00-98381bb0c13dca088711471dd2d1cddc-e822fd3af85b70ea-01",
        "data": {
            "state": {"part": "P1", "count": 3, "none": None},
            "change": {"kind": "moved", "reason": "a test"},
        },
    }


@pytest.mark.parametrize("event", [EVENT, replace(EVENT, cause=None, traceparent=None)])
def test_what_is_written_is_read_back(event: Event) -> None:
    assert decode(encode(event).encode(), "store.part") == event


def test_times_travel_in_utc() -> None:
    there = EVENT.time.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert json.loads(encode(replace(EVENT, time=there)))["time"] == "2026-03-02T10:00:00.734000Z"


@pytest.mark.parametrize(
    "state", [{"x": float("nan")}, {"x": float("inf")}, {"x": datetime(2026, 1, 1, tzinfo=UTC)}]
)
def test_a_state_that_json_cannot_say_fails_where_it_is_written(state: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode(replace(EVENT, state=state))


def broken(**change: Any) -> bytes:
    body = json.loads(encode(EVENT)) | change
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (None, "no value"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"{}", "specversion"),
        (b"[" * 100_000, "not JSON"),
        (b'{"specversion":"1.0","sequence":NaN}', "not JSON"),
        (broken(specversion="0.3"), "specversion"),
        (broken(id=...), "id"),
        (broken(id=7), "id"),
        (broken(subject=""), "subject"),
        (broken(sequence=0), "sequence"),
        (broken(sequence=True), "sequence"),
        (broken(sequence="17"), "sequence"),
        (broken(epoch=2**63), "epoch"),
        (broken(time="yesterday"), "time"),
        (broken(time="2026-03-02T10:00:00"), "offset"),
        (broken(causationid=3), "causationid"),
        (broken(data=...), "data"),
        (broken(data={"state": {}}), "change"),
        (broken(data={"state": [], "change": {}}), "state"),
    ],
)
def test_what_is_no_event_says_why_without_quoting_it(value: bytes | None, complaint: str) -> None:
    with pytest.raises(DecodeError, match=complaint) as caught:
        decode(value, "store.part")
    assert "P1" not in str(caught.value)


def test_an_unknown_attribute_is_no_matter() -> None:
    assert decode(broken(later="x", data={**EVENT.data, "more": 1}), "store.part") == EVENT


def test_heartbeats() -> None:
    found = decode(encode_heartbeat(EVENT.time), "store.part")
    assert isinstance(found, Heartbeat)
    assert found.watermark == EVENT.time
    assert not found.history_begins
    begins = decode(encode_heartbeat(EVENT.time, history_begins=True), "store.part")
    assert isinstance(begins, Heartbeat)
    assert begins.history_begins


def test_every_record_has_an_identity() -> None:
    assert identity(encode(EVENT).encode()) == EVENT.id
    beat = encode_heartbeat(EVENT.time)
    assert identity(beat) != identity(encode_heartbeat(EVENT.time))
    assert identity(b"\xff") == identity(b"\xff") != identity(b"\xfe")
    assert identity(None).startswith("sha256:")


def test_an_event_gives_the_context_of_its_consequences() -> None:
    context = EVENT.context("system/sales", "folded")
    assert (context.actor, context.cause, context.correlation) == ("system/sales", EVENT.id, "c-1")
    assert context.traceparent == EVENT.traceparent
    assert EVENT.major == 1
