"""The intake: how the bytes of a record become the typed event that a fold receives.

A record is decoded (the envelope), its data is brought to the major version that this release knows, validated, and
made a model. What fails at any of these steps is a problem of that record alone: the inbox parks it. Dead letters that
are tried again, and archived events that are folded again, take the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from servicekit.bus.envelope import DecodeError, Event, Heartbeat, decode, identity

type Outcome = Literal["new", "duplicate", "parked", "queued"]


@dataclass(slots=True)
class Received:
    """A record as it came. `event` is None when it could not be read; `problem` says why it may not be folded."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    event: Event | None = None
    heartbeat: Heartbeat | None = None
    problem: Exception | None = None
    outcome: Outcome = "new"

    @property
    def id(self) -> str:
        if self.event is not None:
            return self.event.id
        return identity(self.value)


class UnknownMajorError(ValueError):
    """The event belongs to a major version of its contract that this release cannot read."""


class Typed(Protocol):
    """The model of the data of an event."""

    @property
    def state(self) -> Any: ...

    @property
    def change(self) -> Any: ...


class Contracts(Protocol):
    """The event contracts of an installation, as consumers need them. The package of the contracts implements it."""

    def read(self, topic: str, major: int, data: dict[str, Any]) -> tuple[dict[str, Any], Typed]:
        """`data` ({state, change}) of an event whose type ends in `.v<major>`: as JSON of the major version that this
        release knows, and its model. Raises for an unknown major version and for data that breaks its contract."""
        ...

    def major(self, topic: str) -> int:
        """The major version of the topic that this release knows and announces."""
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads records. Without contracts (tests of the bus itself) events keep their JSON, of major version 1 alone."""

    contracts: Contracts | None = None

    def read(self, received: Received) -> None:
        """Fills `event` or `heartbeat`, or `problem`; never raises."""
        if received.value is None:
            # The tombstone of a compacted topic: its subject's events vanish, which is nothing to fold.
            return
        try:
            found = decode(received.value, received.topic)
        except DecodeError as error:
            received.problem = error
            return
        if isinstance(found, Heartbeat):
            received.heartbeat = found
            return
        received.event = found
        try:
            received.event = self.typed(found)
        except Exception as error:
            received.problem = error

    def typed(self, event: Event) -> Event:
        """A decoded event as folds receive it. Raises UnknownMajorError, or what the contracts raise."""
        if self.contracts is None:
            if event.major != 1:
                raise UnknownMajorError(f"major version {event.major} of {event.topic}")
            return event
        raw, model = self.contracts.read(event.topic, event.major, event.data)
        return event.holding(model.state, model.change, raw)
