"""Fixture F: two sites, six people, SOP-101 v3 and v4, written by hand as facts."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from .facts import READ, Employment, Item, Leave, Place, Record, Rule, Shift, Spell, Version, World

AMSTERDAM, NEW_YORK = "Europe/Amsterdam", "America/New_York"
ITEM = "SOP-101"
SHIFTS = {"ANA": "N", "FAY": "E"}
PEOPLE = {"ANA": "NL1", "BEN": "NL1", "CHI": "NL1", "DEV": "NL1", "FAY": "NL1", "GIL": "US1"}
WINDOW_OPENS = datetime.fromisoformat("2026-03-02T10:00:00+00:00")


def nl(text: str) -> datetime:
    """A wall-clock time at NL1, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(AMSTERDAM))


def us(text: str) -> datetime:
    """A wall-clock time at US1, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK))


def reading(person: str, version: str, at: datetime, item: str = ITEM) -> Record:
    return Record(
        person=person, item=item, version=version, completed_at=at, recorded_at=at, methods=frozenset({READ})
    )


def fixture_f() -> World:
    """The world after DEV and ANA have signed v4."""
    hired = {"DEV": date(2026, 3, 10)}
    ended = {"FAY": date(2026, 3, 20)}
    employments = tuple(
        Employment(
            person=person,
            place=place,
            start=hired.get(person, date(2025, 1, 1)),
            end=ended.get(person),
            shift=SHIFTS.get(person, "D"),
        )
        for person, place in PEOPLE.items()
    )
    spells = [
        Spell(person=spell.person, level="job_function", unit="OPR", start=spell.start)
        for spell in employments
    ]
    spells.append(Spell(person="BEN", level="overlay", unit="TRN", start=date(2025, 1, 1)))
    return World(
        places=(Place("NL1", AMSTERDAM), Place("US1", NEW_YORK)),
        shifts=tuple(
            Shift(place, letter, time(starts), time(ends))
            for place in ("NL1", "US1")
            for letter, starts, ends in (("D", 6, 14), ("E", 14, 22), ("N", 22, 6))
        ),
        items=(Item(ITEM),),
        versions=(
            Version(item=ITEM, number="3", approved=date(2025, 5, 1), effective=date(2025, 6, 1)),
            *(
                Version(
                    item=ITEM,
                    number="4",
                    approved=WINDOW_OPENS,
                    window_opens=WINDOW_OPENS,
                    effective=effective,
                    voids=frozenset({READ}),
                    places=frozenset({place}),
                    recorded_at=WINDOW_OPENS,
                )
                for place, effective in (("NL1", date(2026, 3, 16)), ("US1", date(2026, 3, 23)))
            ),
        ),
        employments=employments,
        spells=tuple(spells),
        leaves=(Leave(person="CHI", start=date(2026, 3, 1), end=date(2026, 4, 16)),),
        rules=(
            Rule(
                level="job_function",
                unit="OPR",
                item=ITEM,
                methods=frozenset({READ}),
                months=12,
                start=date(2025, 1, 1),
            ),
        ),
        records=(
            reading("ANA", "3", nl("2025-05-27T22:40")),
            reading("BEN", "3", nl("2025-05-28T10:00")),
            reading("CHI", "3", nl("2025-05-28T11:00")),
            reading("FAY", "3", nl("2025-05-29T15:00")),
            reading("GIL", "3", us("2025-05-30T09:00")),
            reading("DEV", "4", nl("2026-03-12T10:00")),
            reading("ANA", "4", nl("2026-03-12T22:30")),
        ),
    )
