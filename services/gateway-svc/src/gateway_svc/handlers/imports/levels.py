"""Whether everything that was announced has been heard and worked off, everywhere.

Services are asked one after the other, so that work may move on behind the asker: that nobody has any when asked
proves nothing. The offsets do. An event that somebody consumed after he was asked was either acknowledged before its
owner was asked, which shows, or the owner got work after he was asked himself, by another such event; followed back,
the first of them shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attest_contracts.topics import AUDIT_SUFFIX, Topic


@dataclass(frozen=True, slots=True)
class Standing:
    """How the bus of one service stands.

    pending: events that Kafka has not acknowledged. marks: cells to be derived again. acked: topic -> partition ->
    offset of the last acknowledged event. consumed: topic -> partition -> offset of the next event to be folded.
    parked: topic and subject of events that could not be folded.
    """

    pending: int = 0
    marks: int = 0
    acked: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    consumed: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    parked: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Standing:
        """Of the answer of `GET /internal/bus`."""
        return cls(
            pending=values["pending"],
            marks=values["marks"],
            acked=_offsets(values["acked"]),
            consumed=_offsets(values["consumed"]),
            parked=tuple(f"{each['topic']} {each['subject']}" for each in values["parked"]),
        )


def _offsets(values: Mapping[str, Mapping[Any, int]]) -> dict[str, dict[int, int]]:
    return {
        topic: {int(number): offset for number, offset in partitions.items()}
        for topic, partitions in values.items()
    }


@dataclass(frozen=True, slots=True)
class Route:
    """A topic, who announces on it and who listens."""

    topic: str
    owner: str
    consumers: tuple[str, ...]


def routes(topics: Mapping[str, Topic]) -> tuple[Route, ...]:
    """The topics of the contracts without the audit trail, on which no count rests."""
    return tuple(
        Route(topic.name, topic.owner, topic.consumers)
        for topic in topics.values()
        if not topic.name.endswith(AUDIT_SUFFIX)
    )


def open_work(look: Mapping[str, Standing], paths: Sequence[Route]) -> dict[str, int]:
    """The open work by kind: number of events or cells. Empty: every service has caught up.

    look: how each service stands, asked in any order; one that is not in it is not waited for.
    """
    work: dict[str, int] = {}
    for service, standing in look.items():
        work[f"{service} announces"] = standing.pending
        work[f"{service} derives"] = standing.marks
    for path in paths:
        owner = look.get(path.owner)
        if owner is None:
            continue
        acked = owner.acked.get(path.topic, {})
        for consumer in path.consumers:
            if consumer not in look:
                continue
            consumed = look[consumer].consumed.get(path.topic, {})
            # The offset consumed is the next one: it is beyond the last acknowledged one when all is heard.
            behind = (max(0, last + 1 - consumed.get(number, 0)) for number, last in acked.items())
            work[f"{consumer} hears {path.topic}"] = sum(behind)
    return {what: number for what, number in work.items() if number}


def parked(look: Mapping[str, Standing]) -> list[str]:
    """Events that wait for a repair: no count is right as long as there are any."""
    return sorted(f"{service}: {each}" for service, standing in look.items() for each in standing.parked)
