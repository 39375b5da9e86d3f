"""From moments to segments: flags, reasons and the fields of C-13, equal neighbours merged."""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from plantkit.time import NEVER

from .credits import Credit, CreditKind
from .facts import CellFacts
from .timeline import Moment, Reason, Segment
from .vocabulary import VERDICT_OF, Basis, Flag, SourceClass, Status, TrainingDecision, Verdict

_FROM_CREDIT = frozenset(
    {
        Status.IN_WINDOW,
        Status.EXPIRING,
        Status.CARRIED_FORWARD,
        Status.QUALIFIED,
        Status.LAPSED,
        Status.SUPERSEDED,
    }
)
_SAME_WORD: dict[Status, Flag] = {Status(flag.value): flag for flag in Flag if flag.value in Status}
_NOTHING_GOVERNS = (Reason("NOTHING_GOVERNS"),)
_RECORD_COUNTS = (Reason("RECORD_COUNTS"),)
_PLAIN: dict[Status, tuple[Reason, ...]] = {
    Status.EXPIRING: (Reason("EXPIRES_SOON"),),
    Status.LAPSED: (Reason("INTERVAL_OVER"),),
    Status.NEVER_TRAINED: (Reason("NO_RECORD"),),
}


class _Worded(NamedTuple):
    """What a credit says about itself, in words."""

    flags: tuple[Flag, ...]
    completed_at: datetime
    expires_at: datetime | None
    records: tuple[str, ...]
    qualified: tuple[Reason, ...]


def segments(facts: CellFacts, moments: Iterable[Moment]) -> tuple[Segment, ...]:
    """The segments of a cell; they tile time from the first employment day or source to infinity."""
    found: list[Segment] = []
    worded: dict[int, _Worded] = {}
    pending: Segment | None = None
    for moment in _cut(facts, moments):
        segment = _segment(facts, moment, worded)
        if pending is None:
            pending = segment
        elif pending[2:] == segment[2:]:
            pending = pending._replace(end=segment.end)
        else:
            found.append(pending)
            pending = segment
    if pending is not None:
        found.append(pending)
    return tuple(found)


def _cut(facts: CellFacts, moments: Iterable[Moment]) -> Iterable[Moment]:
    """The same moments, so that each lies wholly inside or outside of every open question. They are cut here and not
    in the sweep: a question changes what is said, never what is owed."""
    if not facts.questions:
        return moments
    edges = sorted({edge for q in facts.questions for edge in (q.start, q.end) if edge is not None})
    return (
        moment._replace(start=start, end=end)
        for moment in moments
        for start, end in pairwise(
            [moment.start, *(edge for edge in edges if moment.start < edge < moment.end), moment.end]
        )
    )


def _asked(facts: CellFacts, at: datetime) -> bool:
    return any(q.start <= at and (q.end is None or at < q.end) for q in facts.questions)


def _segment(facts: CellFacts, moment: Moment, worded: dict[int, _Worded]) -> Segment:
    regime = moment.regime
    end = None if moment.end is NEVER else moment.end
    status = moment.status
    governing = moment.stretch.governing
    if status is Status.NOT_REQUIRED or governing is None:
        reasons = (Reason(regime.why, regime.detail),) if regime.book is None else _NOTHING_GOVERNS
        # An open question of the matrix says that it is unknown whether the item is required (C-34).
        asked = regime.why != "NOT_EMPLOYED" and _asked(facts, moment.start)
        flags = (Flag.MATRIX_UNRESOLVED,) if asked else ()
        return Segment(
            moment.start, end, status, Verdict.NONE, flags, None, None, None, None, (), reasons,
            regime.sources, regime.span_ids,
        )  # fmt: skip
    credit = moment.credit
    behind = credit if credit is not None else moment.met
    words: _Worded | None = None
    if behind is not None:
        words = worded.get(id(behind))
        if words is None:
            words = worded[id(behind)] = _words(behind)
    shown, completed, reasons = status, moment.completed, moment.suspensions
    rests = words if status in _FROM_CREDIT else None
    if reasons:
        shown, rests = Status.SUSPENDED, words if credit is not None else None
        completed = credit.version if credit is not None else None
    else:
        reasons = _reasons(moment, words)
    return Segment(
        moment.start,
        end,
        shown,
        VERDICT_OF[shown],
        _flags(facts, moment, shown, words),
        governing.number,
        completed,
        rests.completed_at if rests is not None else None,
        rests.expires_at if rests is not None and shown is not Status.SUPERSEDED else None,
        rests.records if rests is not None else (),
        reasons,
        regime.sources,
        regime.span_ids,
    )


def _words(credit: Credit) -> _Worded:
    records = credit.records()
    flags: set[Flag] = set()
    for record in records:
        if record.source_class is SourceClass.MIGRATED:
            flags.add(Flag.MIGRATED)
        elif record.source_class is SourceClass.LATE_ENTRY:
            flags.add(Flag.LATE_ENTRY)
        if record.basis is Basis.GRANDFATHERED:
            flags.add(Flag.GRANDFATHERED)
    if credit.kind is CreditKind.EQUIVALENCE:
        qualified = (Reason("EQUIVALENCE", credit.origin),)
    else:
        bases = sorted({record.basis.value for record in records if record.basis is not Basis.TRAINING})
        qualified = tuple(Reason(basis) for basis in bases) or _RECORD_COUNTS
    return _Worded(
        tuple(sorted(flags)),
        credit.completed_at,
        None if credit.expires is NEVER else credit.expires,
        tuple([record.id for record in records]),
        qualified,
    )


def _flags(facts: CellFacts, moment: Moment, shown: Status, words: _Worded | None) -> tuple[Flag, ...]:
    flags: list[Flag] = [] if words is None else list(words.flags)
    upcoming = moment.stretch.upcoming
    if moment.valid and moment.credit is not None:
        if upcoming is not None and upcoming.decision is not TrainingDecision.NONE and not moment.next_met:
            flags.append(Flag.IN_WINDOW)
        if moment.expiring:
            flags.append(Flag.EXPIRING)
        if moment.credit.kind is CreditKind.CARRIED:
            flags.append(Flag.CARRIED_FORWARD)
    elif moment.status is Status.INCOMPLETE:
        flags.append(Flag.INCOMPLETE)
    if moment.pretrained:
        flags.append(Flag.PRETRAINED_NEXT)
    if facts.questions and _asked(facts, moment.start):
        flags.append(Flag.MATRIX_UNRESOLVED)
    said = _SAME_WORD.get(shown)
    if said is not None and said in flags:
        flags.remove(said)
    return tuple(sorted(flags)) if len(flags) > 1 else tuple(flags)


def _reasons(moment: Moment, words: _Worded | None) -> tuple[Reason, ...]:
    status = moment.status
    plain = _PLAIN.get(status)
    if plain is not None:
        return plain
    if status is Status.QUALIFIED and words is not None:
        return words.qualified
    if status is Status.IN_WINDOW and moment.stretch.upcoming is not None:
        return (Reason("NEXT_VERSION_OPEN", str(moment.stretch.upcoming.number)),)
    if status is Status.CARRIED_FORWARD:
        return (Reason("CARRIED_FROM", str(moment.completed)),)
    if status is Status.WAIVED:
        return (Reason("WAIVER", moment.waiver),)
    if status is Status.SUPERSEDED:
        return (Reason("VERSION_SUPERSEDED", str(moment.completed)),)
    book, governing = moment.regime.book, moment.stretch.governing
    if book is None or governing is None:
        return ()
    missing = book.missing(governing.number, moment.start)
    return tuple(Reason("METHOD_MISSING", method.value) for method in sorted(missing))
