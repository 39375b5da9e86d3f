"""What makes databases of several services a consistent cut: nobody knows more than its producers tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg


def known_but_not_announced(connections: Iterable[psycopg.Connection[Any]]) -> list[tuple[str, str]]:
    """Topic and subject of whatever a consumer has seen and the database of its producer has not announced.

    connections: one to the database of each service, or to a snapshot of it.
    """
    announced: dict[tuple[str, str], int] = {}
    seen: dict[tuple[str, str], int] = {}
    for connection in connections:
        for topic, subject, sequence in connection.execute(
            "SELECT topic, subject, max(sequence) FROM bus.outbox GROUP BY 1, 2"
        ):
            announced[topic, subject] = sequence
        for topic, subject, sequence in connection.execute("SELECT topic, subject, sequence FROM bus.seen"):
            seen[topic, subject] = max(sequence, seen.get((topic, subject), 0))
    assert seen, "nobody knows anything: that shows nothing"
    return [key for key, sequence in seen.items() if announced.get(key, 0) < sequence]
