"""When the obligation holds, and what it then asks for (C-05)."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from plantkit.time import NEVER, add_months, start_of_day

from .credits import CreditBook
from .facts import CellFacts, DaySpell, ObligationSpan
from .records import passing
from .vocabulary import Method


class Regime(NamedTuple):
    """Over ``[start, end)`` the same sources are active. ``book`` None: nothing is owed, ``why`` says why."""

    start: datetime
    end: datetime
    book: CreditBook | None
    spans: tuple[ObligationSpan, ...]
    sources: tuple[str, ...]
    span_ids: tuple[str, ...]
    why: str
    detail: str | None


def instants(spells: Sequence[DaySpell], zone: str) -> list[tuple[datetime, datetime, str]]:
    """Day spells as instants ``(start, end, id)`` in a zone, by start (C-02)."""
    found = [
        (
            start_of_day(spell.start, zone),
            NEVER if spell.end is None else start_of_day(spell.end, zone),
            spell.id,
        )
        for spell in spells
    ]
    found.sort()
    return found


def _forgotten(spells: Sequence[DaySpell], zone: str, months: int) -> list[tuple[datetime, datetime]]:
    """Pairs (rehire, leaving) of gaps longer than ``months``: from the rehire on, records from before
    the leaving count no more (AE-11)."""
    found: list[tuple[datetime, datetime]] = []
    ordered = sorted(spells, key=lambda spell: spell.start)
    left = None
    for spell in ordered:
        if left is not None and spell.start > add_months(left, months):
            found.append((start_of_day(spell.start, zone), start_of_day(left, zone)))
        if spell.end is None:
            break
        left = spell.end if left is None else max(left, spell.end)
    return found


def regimes(facts: CellFacts) -> list[Regime]:
    """The regimes of a cell from the first employment day or source on; empty: neither was ever."""
    zone = facts.place.zone
    employments = instants(facts.person.employments, zone)
    edges: set[datetime] = set()
    for start, end, _ in employments:
        edges.add(start)
        edges.add(end)
    for span in facts.obligations:
        edges.add(span.valid_from)
        edges.add(span.valid_to or NEVER)
    if not edges:
        return []
    first = min(edges)
    for exemption in facts.exemptions:
        edges.add(max(exemption.start, first))
        edges.add(max(exemption.end or NEVER, first))
    edges.add(NEVER)
    forgotten = _forgotten(facts.person.employments, zone, facts.policy.rehire_gap_months)
    records = passing(facts.records, facts.obligations, facts.policy.revision_is_refresher)
    books: dict[tuple[frozenset[Method], int | None, datetime | None], CreditBook] = {}
    ordered_spans = sorted(facts.obligations, key=lambda span: (span.source_kind, span.source, span.id))
    ordered = sorted(edges)
    found: list[Regime] = []
    for start, end in pairwise(ordered):
        if not any(begin <= start < finish for begin, finish, _ in employments):
            found.append(Regime(start, end, None, (), (), (), "NOT_EMPLOYED", None))
            continue
        spans = tuple(
            span
            for span in ordered_spans
            if span.valid_from <= start and (span.valid_to is None or start < span.valid_to)
        )
        if not spans:
            found.append(Regime(start, end, None, (), (), (), "NO_SOURCE", None))
            continue
        exempt = [
            exemption.id
            for exemption in facts.exemptions
            if exemption.start <= start and (exemption.end is None or start < exemption.end)
        ]
        if exempt:
            found.append(Regime(start, end, None, (), (), (), "EXEMPT", min(exempt)))
            continue
        methods = frozenset[Method]().union(*(span.methods for span in spans))
        interval = min((s.interval_months for s in spans if s.interval_months is not None), default=None)
        forget_before = max((left for back, left in forgotten if back <= start), default=None)
        key = (methods, interval, forget_before)
        book = books.get(key)
        if book is None:
            book = books[key] = CreditBook(facts, records, methods, interval, forget_before)
        sources = tuple(dict.fromkeys(f"{span.source_kind}/{span.source}" for span in spans))
        ids = tuple(span.id for span in spans)
        found.append(Regime(start, end, book, spans, sources, ids, "", None))
    return found
