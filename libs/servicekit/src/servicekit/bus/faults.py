"""Where a fault test kills the process: `SERVICEKIT_CRASH_AT=<point>[:<n>]` kills it at the n-th passing of a point.

Points of the relay: `before_ack` (a batch is with Kafka's client, nothing is known of it), `after_send` (Kafka has
acknowledged it, the queue still holds it). Points of the consumer: `in_tx` (folded, not committed), `after_commit`
(committed, Kafka's own offset not yet).

Inert unless the process says that it is a test (`ATTEST_MODE=test`): production is the default mode.
"""

from __future__ import annotations

import os
import signal
from typing import Literal

type Point = Literal["before_ack", "after_send", "in_tx", "after_commit"]


class CrashPoint:
    """Reads the environment once; `pass_by` costs one comparison when no crash is asked for."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        env = os.environ if environment is None else environment
        wanted = env.get("SERVICEKIT_CRASH_AT", "") if env.get("ATTEST_MODE") == "test" else ""
        self.point, _, count = wanted.partition(":")
        self.left = int(count or 1)

    def pass_by(self, point: Point) -> None:
        if self.point != point:
            return
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


crash = CrashPoint()
