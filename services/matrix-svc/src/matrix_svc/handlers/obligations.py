"""Derives the obligations of the people whose lanes are claimed, and announces what changed.

Nothing changed -> nothing is written and nothing announced: deriving again is always safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
from attest_contracts.events import matrix_obligation
from servicekit.bus.outbox import announce, claim
from servicekit.canonical import digest
from servicekit.db import Tx
from servicekit.lanes import Mark

from matrix_svc import outbound
from matrix_svc.domain.obligations import question_spans, spans
from matrix_svc.projections import queries

OBLIGATIONS = "obligations"
"""The key of the marks in a person's lane; there is only this one kind."""


async def derive(tx: Tx, marks: Mapping[str, Sequence[Mark]]) -> None:
    """marks: the claimed people, each with the marks that are consumed."""
    people = sorted(marks)
    known = {
        (row["person"], row["item"]): row["digest"]
        for row in await tx.rows(
            "SELECT person, item, digest FROM app.obligation WHERE person = ANY(:people)", {"people": people}
        )
    }
    spells = await queries.spells_of(tx, people)
    rules = await queries.rules_by_source(tx)
    zones = await queries.zones(tx)
    questions = await queries.questions_by_source(tx)
    changed = []
    for person in people:
        found = spans(spells.get(person, []), rules, zones)
        # An open question is said of its item even where nothing else requires it: nobody knows that it is not (C-34).
        asked = question_spans(spells.get(person, []), questions, zones)
        for item in sorted(set(found) | set(asked) | {item for who, item in known if who == person}):
            state = outbound.obligation_state(person, item, found.get(item, []), asked.get(item, []))
            state_digest = digest(state)
            if known.get((person, item)) != state_digest:
                changed.append((person, item, state_digest, state))
    if not changed:
        return
    await claim(tx, [("matrix.obligation", f"{person}/{item}") for person, item, _, _ in changed])
    rows = [
        {"person": person, "item": item, "digest": found_digest, "state": state}
        for person, item, found_digest, state in changed
    ]
    await tx.execute(
        "INSERT INTO app.obligation (person, item, digest, state, recorded_at)"
        " SELECT person, item, digest, state, :at FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
        " AS r (person text, item text, digest text, state jsonb) ORDER BY person, item"
        " ON CONFLICT (person, item) DO UPDATE SET digest = excluded.digest, state = excluded.state,"
        " recorded_at = excluded.recorded_at",
        {"rows": orjson.dumps(rows).decode(), "at": tx.recorded_at},
    )
    await announce(
        tx,
        [
            matrix_obligation.obligation_changed(
                state, outbound.change("derived", cause=marks[person][-1].cause)
            )
            for person, _, _, state in changed
        ],
    )
