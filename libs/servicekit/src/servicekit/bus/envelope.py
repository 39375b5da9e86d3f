"""Events on the wire: CloudEvents 1.0, structured JSON, and the heartbeats between them.

Every record of a topic bears an `id`, heartbeats included: a consumer's position is believed only where the record
before it bears the id that it had.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from servicekit.context import Context
from servicekit.ids import new_id

SOURCE_PREFIX = "/attest/"
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_to_json = _ENCODER.encode


class DecodeError(ValueError):
    """A record that is not an event. The message never quotes a value."""


@dataclass(frozen=True, slots=True)
class Event[State = Any, Change = Any]:
    """What happened to one subject and its complete state afterwards.

    topic: without the prefix of the installation. time: record time, aware UTC, stamped by the owner's database.
    epoch, sequence: order of the announcements of this subject on this topic. correlation: one id across all
    consequences. cause: id of the event or request that led here. state: the whole subject; change: what happened.
    Both are JSON (dicts) on their way out and in what `decode` returns; folds receive models of them
    (`servicekit.bus.intake`), and then `raw` holds the JSON from which the models were made.
    """

    id: str
    source: str
    type: str
    topic: str
    subject: str
    key: str
    time: datetime
    epoch: int
    sequence: int
    correlation: str
    cause: str | None
    actor: str
    traceparent: str | None
    dataschema: str
    state: State
    change: Change
    raw: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """{state, change} as JSON, for what keeps or compares whole states."""
        return {"state": self.state, "change": self.change} if self.raw is None else self.raw

    def holding[S, C](self, state: S, change: C, raw: dict[str, Any]) -> Event[S, C]:
        """This event with models of its state and change, and the JSON from which they were made."""
        # Field by field: dataclasses.replace takes three times as long, and every event of every consumer passes here.
        return Event(
            self.id,
            self.source,
            self.type,
            self.topic,
            self.subject,
            self.key,
            self.time,
            self.epoch,
            self.sequence,
            self.correlation,
            self.cause,
            self.actor,
            self.traceparent,
            self.dataschema,
            state,
            change,
            raw,
        )

    @property
    def raw_state(self) -> dict[str, Any]:
        """The state as JSON."""
        return self.data["state"]

    @property
    def major(self) -> int:
        """The major version at the end of the type, 0 when there is none."""
        tail = self.type.rpartition(".v")[2]
        return int(tail) if tail.isdigit() else 0

    def context(self, actor: str, reason: str) -> Context:
        """The context of what is done because of this event."""
        return Context(
            actor=actor,
            reason=reason,
            correlation=self.correlation,
            cause=self.id,
            traceparent=self.traceparent,
        )


_PLAIN_HEARTBEAT = re.compile(rb'\s*\{\s*"id"\s*:\s*"[^"]*"\s*,\s*"watermark"\s*:\s*"[^"]*"\s*\}\s*')


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """No event of this partition with an earlier `time` than the watermark can still come.

    history_begins: the producer publishes its whole history from here on.
    """

    id: str
    watermark: datetime
    history_begins: bool = False


@lru_cache(maxsize=64)
def instant(value: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def encode(event: Event) -> str:
    """The envelope as JSON text. Raises TypeError or ValueError for a state that JSON cannot say."""
    body: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": instant(event.time),
        "datacontenttype": "application/json",
        "dataschema": event.dataschema,
        "partitionkey": event.key,
        "epoch": event.epoch,
        "sequence": event.sequence,
        "correlationid": event.correlation,
    }
    if event.cause is not None:
        body["causationid"] = event.cause
    body["actor"] = event.actor
    if event.traceparent is not None:
        body["traceparent"] = event.traceparent
    body["data"] = event.data
    return _to_json(body)


def encode_heartbeat(watermark: datetime, *, history_begins: bool = False) -> bytes:
    body: dict[str, Any] = {"id": new_id(), "watermark": instant(watermark)}
    if history_begins:
        body["history"] = "begins"
    return _to_json(body).encode()


def is_heartbeat(value: bytes | None) -> bool:
    """Whether a record is a plain heartbeat, without reading it whole; one that begins a history is not."""
    return value is not None and len(value) < 200 and _PLAIN_HEARTBEAT.fullmatch(value) is not None


def decode(value: bytes | None, topic: str) -> Event | Heartbeat:
    """The event or heartbeat of a record. Raises DecodeError."""
    body = _parse(value)
    if "specversion" not in body:
        return _heartbeat(body)
    if body["specversion"] != "1.0":
        raise DecodeError("specversion: not 1.0")
    data = body.get("data")
    if not isinstance(data, dict):
        raise DecodeError("data: missing or not an object")
    try:
        return Event(
            id=_text(body, "id"),
            source=_text(body, "source"),
            type=_text(body, "type"),
            topic=topic,
            subject=_text(body, "subject"),
            key=_text(body, "partitionkey"),
            time=_time(body, "time"),
            epoch=_count(body, "epoch"),
            sequence=_count(body, "sequence"),
            correlation=_text(body, "correlationid"),
            cause=_optional(body, "causationid"),
            actor=_text(body, "actor"),
            traceparent=_optional(body, "traceparent"),
            dataschema=_text(body, "dataschema"),
            state=_object(data, "state"),
            change=_object(data, "change"),
        )
    except KeyError as error:
        raise DecodeError(f"{error.args[0]}: missing") from None


def identity(value: bytes | None) -> str:
    """What tells this record from others: its `id`, else a digest of its bytes."""
    if value is not None:
        try:
            found = _parse(value).get("id")
        except DecodeError:
            found = None
        if isinstance(found, str) and found:
            return found
    return f"sha256:{hashlib.sha256(value or b'').hexdigest()}"


def _parse(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise DecodeError("no value")
    try:
        body = orjson.loads(value)
    except ValueError as error:
        raise DecodeError(f"not JSON: {type(error).__name__}") from None
    if not isinstance(body, dict):
        raise DecodeError("not a JSON object")
    return body


def _heartbeat(body: dict[str, Any]) -> Heartbeat:
    try:
        return Heartbeat(
            str(body.get("id", "")), _time(body, "watermark"), history_begins=body.get("history") == "begins"
        )
    except KeyError:
        raise DecodeError("specversion: missing") from None


def _text(body: dict[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or not value:
        raise DecodeError(f"{name}: not a text")
    return value


def _optional(body: dict[str, Any], name: str) -> str | None:
    return None if body.get(name) is None else _text(body, name)


def _count(body: dict[str, Any], name: str) -> int:
    value = body[name]
    if type(value) is not int or not 0 < value < 2**63:
        raise DecodeError(f"{name}: not a positive integer")
    return value


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body[name]
    if not isinstance(value, dict):
        raise DecodeError(f"data.{name}: not an object")
    return value


def _time(body: dict[str, Any], name: str) -> datetime:
    try:
        value = datetime.fromisoformat(_text(body, name))
    except ValueError as error:
        if isinstance(error, DecodeError):
            raise
        raise DecodeError(f"{name}: not an instant") from None
    if value.tzinfo is None:
        raise DecodeError(f"{name}: without an offset")
    return value.astimezone(UTC)
