"""Regulated tasks (`matrix.task`). Authorisation checks read them; no cell depends on them, so nothing is marked."""

from __future__ import annotations

from collections.abc import Sequence

from attest_contracts.models import matrix_task
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.source import Source

TABLE = replica("task", Column("task", Text, primary_key=True))


async def fold(tx: Tx, events: Sequence[Event[matrix_task.State]]) -> None:
    await marking.keep(tx, TABLE, events)


SOURCE = Source(tables=[TABLE], folds={"matrix.task": fold})
