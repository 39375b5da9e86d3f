"""What each person owes on each item, and the open questions of the matrix (`matrix.obligation`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from attest_contracts.models import matrix_obligation
from servicekit.bus import Event
from servicekit.db import Tx
from sqlalchemy import Column, Index, Text

from assignment_svc import marking
from assignment_svc.db.base import replica
from assignment_svc.domain.facts import ObligationSpan, OpenQuestion
from assignment_svc.domain.vocabulary import Method, Trigger
from assignment_svc.source import Cell, Facts, Json, Snapshot, Source
from assignment_svc.wire import at, instant

TABLE = replica(
    "obligation",
    Column("person", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    indexes=(Index("obligation_of_item", "item", "person"),),
)

LOADS = {
    "obligation": "SELECT o.person, o.item, o.state, o.event_at FROM app.obligation o"
    " JOIN wanted USING (person, item)"
}


async def fold(tx: Tx, events: Sequence[Event[matrix_obligation.State]]) -> None:
    await marking.keep(tx, TABLE, events)
    await marking.mark_each(tx, events, lambda state: [(state.person, state.item)])


def places(person: Json, obligation: Json) -> set[str]:
    """Where the item is or was owed, or where an open question of the matrix may concern the person."""
    return {span["place"] for span in obligation["spans"]} | places_of_questions(obligation, person)


def facts(cell: Cell, found: Snapshot) -> Facts:
    person = found.one("person", cell.person)
    obligation = found.one("obligation", cell.person, cell.item)
    assert person is not None
    assert obligation is not None
    return facts_of(obligation, cell.place.code, person)


def facts_of(obligation: Json, place: str, person: Json) -> Facts:
    """The spans of an obligation at a place and its open questions there."""
    return {
        "obligations": tuple(span_of(s) for s in obligation["spans"] if s["place"] == place),
        "questions": tuple(questions_of(obligation, place, person)),
    }


def span_of(state: Json) -> ObligationSpan:
    return ObligationSpan(
        id=state["id"],
        source_kind=state["source_kind"],
        source=state["source"],
        valid_from=at(state["valid_from"]),
        valid_to=instant(state.get("valid_to")),
        methods=frozenset(Method(m) for m in state["methods"]),
        trigger=Trigger(state["trigger"]),
        spell_from=date.fromisoformat(state["spell_from"]),
        interval_months=state.get("interval_months"),
        pass_mark=state.get("pass_mark"),
        cause=state["cause"],
        recorded_at=instant(state.get("recorded_at")),
    )


def questions_of(obligation: Json, place: str, person: Json) -> list[OpenQuestion]:
    """The open questions of an obligation at a place (C-34). One that does not say where and when it holds always
    holds, wherever the person works or owes the item."""
    if not obligation["unresolved"]:
        return []
    spans = obligation.get("unresolved_spans")
    if spans is None:
        concerned = place in places(person, obligation)
        return [OpenQuestion(datetime.min.replace(tzinfo=UTC), None)] if concerned else []
    return [
        OpenQuestion(at(s["valid_from"]), instant(s.get("valid_to"))) for s in spans if s["place"] == place
    ]


def places_of_questions(obligation: Json, person: Json) -> set[str]:
    """Where an open question may concern the person, whether or not the item is owed there."""
    if not obligation["unresolved"]:
        return set()
    spans = obligation.get("unresolved_spans")
    if spans is None:
        return {spell["site"] for spell in person["places"]}
    return {span["place"] for span in spans}


SOURCE = Source(tables=[TABLE], folds={"matrix.obligation": fold}, loads=LOADS, facts=facts)
