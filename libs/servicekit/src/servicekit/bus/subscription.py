"""What a service declares about a topic that it listens to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from servicekit.bus.envelope import Event
from servicekit.bus.intake import Received
from servicekit.db.database import Tx

type Fold = Callable[[Tx, Sequence[Event]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is done with the events of a topic.

    versions: `every` version in order (bitemporal folds), or the `latest` of each subject in the batch.
    history: `required`, or `available` for a topic whose producer cannot publish its history again.
    """

    fold: Fold
    versions: Literal["every", "latest"] = "latest"
    history: Literal["required", "available"] = "required"


type Archive = Callable[[Tx, Sequence[Received]], Awaitable[None]]
