"""The shift calendar: when a person's last shift before an instant ends (C-20)."""

from datetime import date, datetime, timedelta

from .calendar import instant_at, local_date
from .facts import PersonFacts, Place

_DAY = timedelta(days=1)


def shift_on(person: PersonFacts, day: date) -> str | None:
    """The shift letter rostered on the local ``day``; a dated roster wins over the letter."""
    if day in person.roster:
        return person.roster[day]
    for spell in person.shifts:
        if spell.start <= day and (spell.end is None or day < spell.end):
            return spell.shift
    return None


def last_shift_end(person: PersonFacts, place: Place, after: datetime, until: datetime) -> datetime | None:
    """The end of the last shift that ends after ``after`` and at ``until`` or before; None: no shift."""
    if not person.roster and not person.shifts:
        return None
    day = local_date(until, place.zone)
    first = local_date(after, place.zone) - _DAY
    best: datetime | None = None
    while day >= first:
        letter = shift_on(person, day)
        hours = place.shifts.get(letter) if letter is not None else None
        if hours is not None:
            ends_on = day if hours.ends > hours.starts else day + _DAY
            end = instant_at(ends_on, hours.ends.hour, hours.ends.minute, place.zone)
            if after < end <= until and (best is None or end > best):
                best = end
        # A shift lasts less than a day, so one that starts the day before can still end later; no other can.
        if best is not None and day < local_date(best, place.zone):
            return best
        day -= _DAY
    return best
