"""The shift calendar: when a person's last shift before an instant ends (C-20)."""

from datetime import date, datetime, timedelta

from plantkit.time import instant_at, local_date

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


def calendar_moved_at(person: PersonFacts, place: Place, day: date, until: date) -> datetime | None:
    """The latest record time at which one of the local days from ``day`` to ``until`` got another shift than before,
    or its shift other hours; None: they never changed (R-70). A letter's first statement counts as a change, too:
    before it nothing was rostered."""
    told = [spell.told_at for spell in person.shifts if spell.told_at is not None]
    hours = [one.moved_at for one in place.shifts.values() if one.moved_at is not None]
    if not (told or hours or person.roster_moved):
        return None
    found: list[datetime] = []
    while day <= until:
        if day in person.roster:
            found += [person.roster_moved[day]] if day in person.roster_moved else []
        else:
            found += [
                spell.told_at
                for spell in person.shifts
                if spell.told_at is not None and spell.start <= day and (spell.end is None or day < spell.end)
            ]
        letter = shift_on(person, day)
        pattern = place.shifts.get(letter) if letter is not None else None
        if pattern is not None and pattern.moved_at is not None:
            found.append(pattern.moved_at)
        day += _DAY
    return max(found, default=None)


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
