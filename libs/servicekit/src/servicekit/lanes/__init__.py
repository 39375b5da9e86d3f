"""Marks and lanes: what is to be derived again, and who does it.

Whoever changes a fact marks what depends on it, in the same transaction. Workers, in any number of processes, take
whole lanes, so that one lane is never worked twice at the same time and its consequences keep their order.

    LANES = lane_tables(metadata)                                  # in db/tables.py
    await mark(tx, LANES, [Mark(lane="A17", key="K3")])            # where a fact changes
    await Lanes(database, LANES).run(handler)                      # in a worker
"""

from servicekit.lanes.marks import BULK, ONE, LaneTables, Mark, lane_tables, mark, open_marks
from servicekit.lanes.worker import ChunkHandler, Handler, Lanes, Limits, Stats

__all__ = [
    "BULK",
    "ONE",
    "ChunkHandler",
    "Handler",
    "LaneTables",
    "Lanes",
    "Limits",
    "Mark",
    "Stats",
    "lane_tables",
    "mark",
    "open_marks",
]
