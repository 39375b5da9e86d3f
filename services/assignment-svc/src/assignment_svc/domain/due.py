"""Due dates by trigger (C-21), leave (C-22) and moved dates (C-23)."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from plantkit.time import end_of_day, local_date, start_of_day

from .facts import CellFacts, ObligationSpan, Version
from .regimes import instants
from .shifts import calendar_moved_at, last_shift_end
from .vocabulary import Trigger

_GRACE = timedelta(days=30)
_AFTER_RETURN = timedelta(days=7)
_TICK = timedelta(microseconds=1)
REVISIONS = frozenset({Trigger.REVISION, Trigger.STUDY_AMENDMENT, Trigger.MOC})
"""Triggers whose due date is the effective instant, or start-up."""


class Due(NamedTuple):
    """When an assignment is overdue: the instant, and the local day that it stands for (R-41)."""

    at: datetime
    on: date


def at_end_of(day: date, zone: str) -> Due:
    """Due at the end of the local ``day``."""
    return Due(end_of_day(day, zone), day)


def at_instant(at: datetime, zone: str) -> Due:
    """Due at an instant; an instant at the start of a day stands for the day before."""
    day = local_date(at, zone)
    return Due(at, day - timedelta(days=1) if start_of_day(day, zone) == at else day)


def before(facts: CellFacts, boundary: datetime, opened: datetime, moved_at: datetime | None = None) -> Due:
    """The last shift before ``boundary`` that ends after the assignment was opened or the date was moved;
    without one the boundary itself, never before the move (C-20, C-21, C-23, R-76). The same where it is the
    last one only because the shift calendar was changed after it had ended (R-70)."""
    after = opened
    if moved_at is not None and moved_at > after:
        after = moved_at
    shift = last_shift_end(facts.person, facts.place, after, boundary)
    due = boundary if shift is None or _changed_after(facts, shift, boundary, opened) else shift
    if moved_at is not None and due < moved_at:
        due = moved_at
    return at_instant(due, facts.place.zone)


def _changed_after(facts: CellFacts, shift: datetime, boundary: datetime, opened: datetime) -> bool:
    """Whether the calendar from the last shift on was changed when that shift had ended, and somebody had been told
    of the due: what is said before the obligation is known is no change of it (a first due may be past, C-23)."""
    person, place = facts.person, facts.place
    until = local_date(boundary - _TICK, place.zone)
    changed = calendar_moved_at(person, place, local_date(shift, place.zone), until)
    if changed is None or not shift < changed < boundary:
        return False
    known = min((s.recorded_at for s in facts.obligations if s.recorded_at is not None), default=opened)
    return changed > max(opened, known)


def by_version(
    facts: CellFacts, version: Version, opened: datetime, governs_again: datetime | None
) -> Due | None:
    """Due of a revision: before the version takes effect; None: gated without a planned date."""
    boundary = version.boundary
    if boundary is None:
        return None
    if governs_again is not None and governs_again > boundary:
        boundary = governs_again
    return before(facts, boundary, opened, version.moved_at)


def by_span(facts: CellFacts, span: ObligationSpan, opened: datetime) -> Due:
    """Due of a cycle that an obligation span began, by its trigger (C-21)."""
    zone = facts.place.zone
    if span.trigger is Trigger.ROLE_CHANGE:
        start = start_of_day(span.spell_from, zone)
        if opened < start:
            return before(facts, start, opened)
        # The obligation had begun before it was recorded: the thirty days count from the day of the recording.
        told = start if span.recorded_at is None else max(start, span.recorded_at)
        return at_end_of(local_date(told, zone) + _GRACE, zone)
    if span.trigger is Trigger.MATRIX_CHANGE:
        if opened < span.valid_from:
            return before(facts, span.valid_from, opened)
        return at_end_of(local_date(span.valid_from, zone) + _GRACE, zone)
    return at_end_of(span.spell_from + _GRACE, zone)


def after_leave(facts: CellFacts, due: Due, opened: datetime, now: datetime) -> Due:
    """On return from leave: the later of the due date and the end of (return day + 7) (C-22)."""
    zone = facts.place.zone
    for start, end, _ in instants(facts.person.leaves, zone):
        if start <= now and opened < end <= now:
            resumed = at_end_of(local_date(end, zone) + _AFTER_RETURN, zone)
            if resumed.at > due.at:
                due = resumed
    return due


def on_leave(facts: CellFacts, now: datetime) -> bool:
    """On leave at ``now``."""
    return any(start <= now < end for start, end, _ in instants(facts.person.leaves, facts.place.zone))
