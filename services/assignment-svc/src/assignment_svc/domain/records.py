"""Which training records pass, and for which methods (C-08)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from .facts import DEFAULT_PASS_MARK, ObligationSpan, TrainingRecord
from .vocabulary import Method, SourceClass, Trigger

_RESTARTING = frozenset(
    {Trigger.RECURRENCE, Trigger.NEW_HIRE, Trigger.CAPA, Trigger.DEVIATION, Trigger.AUDIT_FINDING}
)


class Passing(NamedTuple):
    """A record with the methods that it passes, and the record whose date its interval counts from."""

    at: datetime
    record: TrainingRecord
    methods: frozenset[Method]
    base: TrainingRecord


def pass_mark_at(spans: Sequence[ObligationSpan], at: datetime) -> int:
    """Percent that an attempt at ``at`` must reach: the highest mark in force for the person (C-05, R-68).

    Before any source was in force it is the mark of the sources that came first after the attempt.
    """
    marks = [
        span.pass_mark
        for span in spans
        if span.pass_mark is not None
        and span.valid_from <= at
        and (span.valid_to is None or at < span.valid_to)
    ]
    if marks:
        return max(marks)
    later = [span for span in spans if span.pass_mark is not None and span.valid_from > at]
    if not later:
        return DEFAULT_PASS_MARK
    first = min(span.valid_from for span in later)
    return max(span.pass_mark or 0 for span in later if span.valid_from == first)


def _passed_methods(record: TrainingRecord, mark: int) -> frozenset[Method]:
    if not record.passed:
        return frozenset()
    methods = record.methods
    if Method.Q in methods:
        if record.score is None:
            if record.source_class is not SourceClass.MIGRATED:
                methods -= {Method.Q}
        elif record.score < mark:
            methods -= {Method.Q}
    if record.supervised:
        methods -= {Method.O}
    return methods


def _restarts(record: TrainingRecord) -> bool:
    return record.source_class is SourceClass.MIGRATED or record.made_for in _RESTARTING


def passing(
    records: Iterable[TrainingRecord], spans: Sequence[ObligationSpan], revision_is_refresher: bool = True
) -> list[Passing]:
    """The records that pass, by time (C-08). A record counts for the methods it names only."""
    marks = {span.pass_mark for span in spans}
    one_mark = None
    if len(marks) <= 1:
        one_mark = next(iter(marks), None)
        one_mark = DEFAULT_PASS_MARK if one_mark is None else one_mark
    found: list[Passing] = []
    for record in sorted(records, key=lambda record: (record.valid_from, record.id)):
        if record.entered_in_error or not record.counts:
            continue
        mark = one_mark if one_mark is not None else pass_mark_at(spans, record.valid_from)
        methods = _passed_methods(record, mark)
        if methods:
            found.append(Passing(record.valid_from, record, methods, record))
    if revision_is_refresher:
        return found
    return _with_bases(found)


def _with_bases(found: list[Passing]) -> list[Passing]:
    """Where revision training is not a refresher, its interval counts from the last training that is (R-30)."""
    last: dict[Method, TrainingRecord] = {}
    rebased: list[Passing] = []
    for passing_ in found:
        record = passing_.record
        restarts = _restarts(record)
        groups: dict[str, tuple[TrainingRecord, set[Method]]] = {}
        for method in sorted(passing_.methods):
            base = record if restarts else last.get(method, record)
            groups.setdefault(base.id, (base, set()))[1].add(method)
            last[method] = base
        for base, methods in groups.values():
            rebased.append(Passing(passing_.at, record, frozenset(methods), base))
    return rebased


def supervised(records: Iterable[TrainingRecord]) -> list[Passing]:
    """Signed OJT records at level *supervised*, by time (C-03 row 8)."""
    return [
        Passing(record.valid_from, record, frozenset({Method.O}), record)
        for record in sorted(records, key=lambda record: (record.valid_from, record.id))
        if record.supervised
        and record.passed
        and record.counts
        and not record.entered_in_error
        and Method.O in record.methods
    ]
