"""Taking the checked rows of a customer's files: facts of source class MIGRATED, and the signed day-one baseline.

The rows were checked as a whole before (C-30 to C-35); what stands here is never updated by an import: other content
under a known key is refused. Known from now on, valid since before (R-35, PL-29).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attest_contracts.events import matrix_person
from servicekit.bus.outbox import announce, claim
from servicekit.db import Tx
from servicekit.ids import new_id
from servicekit.lanes import BULK, Mark, mark
from servicekit.problems import conflict, invalid

from matrix_svc import outbound
from matrix_svc.db import tables
from matrix_svc.domain.rules import DEFAULT_PASS_MARK, Rule, SourceKind
from matrix_svc.domain.spells import Spell, SpellKind
from matrix_svc.domain.versions import same_requirement
from matrix_svc.handlers import rosters
from matrix_svc.handlers.announcing import announce_people
from matrix_svc.handlers.obligations import OBLIGATIONS
from matrix_svc.handlers.organisation import put_task, put_unit
from matrix_svc.handlers.versions import announce_requirements, in_force, insert_answers, insert_rules
from matrix_svc.projections import queries

type Rows = Sequence[Mapping[str, Any]]
IMPORTED = outbound.change("imported")


async def take(tx: Tx, kind: str, rows: Rows, batch: str) -> dict[str, Any]:
    """Takes one block of a file. kind: the file's name without its ending. Returns how many rows were taken."""
    if kind not in KINDS:
        raise invalid("kind", "unknown", f"one of {', '.join(KINDS)}")
    await KINDS[kind](tx, rows, batch)
    return {"taken": len(rows)}


async def _sites(tx: Tx, rows: Rows, _: str) -> None:
    for row in rows:
        await put_unit(
            tx, {"kind": "site", "code": row["site"], "title": row["name"], "time_zone": row["time_zone"]}
        )


async def _shifts(tx: Tx, rows: Rows, _: str) -> None:
    for site in dict.fromkeys(row["site"] for row in rows):
        unit = await tx.one("SELECT * FROM app.unit WHERE kind = 'site' AND code = :site", {"site": site})
        if unit is None:
            raise conflict("unknown-site", f"{site} is not known")
        shifts = {shift["shift"]: shift for shift in unit["shifts"]} | {
            row["shift"]: {"shift": row["shift"], "starts": row["starts"][:5], "ends": row["ends"][:5]}
            for row in rows
            if row["site"] == site
        }
        await put_unit(
            tx,
            {
                "kind": "site",
                "code": site,
                "title": unit["title"],
                "time_zone": unit["time_zone"],
                "shifts": list(shifts.values()),
            },
        )


async def _areas(tx: Tx, rows: Rows, _: str) -> None:
    for row in rows:
        await put_unit(tx, {"kind": "area", "code": row["area"], "site": row["site"], "title": row["name"]})


async def _equipment(tx: Tx, rows: Rows, _: str) -> None:
    for row in rows:
        await put_unit(
            tx,
            {
                "kind": "equipment",
                "code": row["equipment"],
                "site": row["site"],
                "area": row["area"],
                "title": row["name"],
            },
        )


async def _job_functions(tx: Tx, rows: Rows, _: str) -> None:
    for row in rows:
        await put_unit(
            tx,
            {
                "kind": "job_function",
                "code": row["job_function"],
                "title": row["name"],
                "department": row["department"],
            },
        )


async def _overlays(tx: Tx, rows: Rows, _: str) -> None:
    for row in rows:
        await put_unit(tx, {"kind": "overlay", "code": row["overlay"], "title": row["name"]})


async def _tasks(tx: Tx, rows: Rows, _: str) -> None:
    for row in rows:
        await put_task(
            tx,
            {
                "task": row["task"],
                "title": row["name"] or row["task"],
                "job_function": row["job_function"],
                "items": row["items"],
                "equipment": row["equipment"],
            },
        )


async def _people(tx: Tx, rows: Rows, _: str) -> None:
    ids = [row["employee_no"] for row in rows]
    known = await tx.rows("SELECT person FROM app.person WHERE person = ANY(:ids)", {"ids": ids})
    if known:
        raise conflict("person-exists", f"{known[0]['person']} is known already")
    at = await claim(tx, [(topic, id_) for id_ in ids for topic in ("matrix.person", "matrix.person-name")])
    await tx.copy(
        "app.person",
        ["person", "version", "language", "supervisor", "source_class", "recorded_at"],
        [(row["employee_no"], 1, row["language"], row["supervisor_no"], "MIGRATED", at) for row in rows],
    )
    await tx.copy(
        "app.person_name",
        ["person", "version", "given_name", "family_name", "email", "badge", "recorded_at"],
        [
            (row["employee_no"], 1, row["given_name"], row["family_name"], row["email"], None, at)
            for row in rows
        ],
    )
    await _insert(tx, [spell for row in rows for spell in spells_of_hire(row, at)])
    names = await tx.rows("SELECT * FROM app.person_name WHERE person = ANY(:ids)", {"ids": ids})
    await announce(tx, [outbound.person_name(dict(name), IMPORTED) for name in names])
    await _announce_people(tx, ids)


def spells_of_hire(row: Mapping[str, Any], at: datetime) -> list[Spell]:
    """The spells that a row of the HR export is (C-05): the place from `hired_on`, the function from its own day."""
    person, hired, left = row["employee_no"], date.fromisoformat(row["hired_on"]), _day(row["ended_on"])
    found = [
        Spell(new_id(), person, SpellKind.EMPLOYMENT, row["employment"], hired, left, at),
        Spell(
            new_id(),
            person,
            SpellKind.PLACE,
            row["site"],
            hired,
            None,
            at,
            department=row["department"],
            area=row["area"],
        ),
        Spell(
            new_id(),
            person,
            SpellKind.JOB_FUNCTION,
            row["job_function"],
            _day(row["function_from"]) or hired,
            None,
            at,
        ),
    ]
    if row["shift"]:
        found.append(Spell(new_id(), person, SpellKind.SHIFT, row["shift"], hired, None, at))
    return found


def further_spell(kind: SpellKind, column: str, row: Mapping[str, Any], at: datetime) -> Spell:
    """The spell that a row of one of the further files is."""
    return Spell(
        new_id(),
        row["employee_no"],
        kind,
        row[column],
        date.fromisoformat(row["from_on"]),
        _day(row["to_on"]),
        at,
    )


def imported_rule(row: Mapping[str, Any], matrix_version: int, at: datetime, *, day_one: bool) -> Rule:
    """The rule that a cell of the workbook is; of the day-one baseline it is valid from before (R-35)."""
    return Rule(
        id=new_id(),
        rule_version=1,
        matrix_version=matrix_version,
        source_kind=SourceKind(row["level"]),
        source=row["source"],
        item=row["document"],
        methods=frozenset(row["methods"]),
        interval_months=row["interval_months"],
        pass_mark=DEFAULT_PASS_MARK if "Q" in row["methods"] else None,
        valid_from=None if day_one else at,
        valid_to=None,
        baseline=day_one,
        recorded_at=at,
    )


def _spells_of(kind: SpellKind, column: str) -> Callable[[Tx, Rows, str], Awaitable[None]]:
    async def take_spells(tx: Tx, rows: Rows, _: str) -> None:
        people = sorted({row["employee_no"] for row in rows})
        await claim(tx, [("matrix.person", person) for person in people])
        spells = [further_spell(kind, column, row, tx.recorded_at) for row in rows]
        await _insert(tx, spells)
        await _announce_people(tx, people)

    return take_spells


async def _matrix(tx: Tx, rows: Rows, batch: str) -> None:
    """The day-one baseline: valid from before, known from now, accepted by two people; the one exception to R-35.

    What a batch brings once a matrix stands is valid from now. A cell that a rule in force answers otherwise is
    refused (409): an import changes nothing that was signed (C-30).
    """
    items = sorted({row["document"] for row in rows})
    at = await claim(tx, [("matrix.requirement", item) for item in items])
    number, day_one = await _imported_version(tx, batch)
    standing = await in_force(tx, items)
    rules: list[Rule] = []
    for row in rows:
        rule = imported_rule(row, number, at, day_one=day_one)
        before = standing.get(rule.place)
        if before is None:
            rules.append(rule)
        elif not same_requirement(rule, before):
            raise conflict(
                "conflicts-with-matrix",
                f"{rule.source} of {rule.item} is ruled by version {before.matrix_version} of the matrix",
            )
    await insert_rules(tx, rules)
    places = {rule.place for rule in rules}
    answered = [question for question in await queries.open_questions(tx) if question.at in places]
    await insert_answers(tx, {question.id: at for question in answered}, number, at)
    await announce_requirements(tx, items, number, cause=batch)
    await _mark_sources(tx, {(row["level"], row["source"]) for row in rows}, batch)


async def _questions(tx: Tx, rows: Rows, batch: str) -> None:
    """Refused cells stay open questions, never silently "not required" (C-34)."""
    items = sorted({row["item"] for row in rows})
    at = await claim(tx, [("matrix.requirement", item) for item in items])
    await tx.copy(
        "app.unresolved_cell",
        ["id", "source_kind", "source", "item", "value", "place", "recorded_at"],
        [(new_id(), row["level"], row["source"], row["item"], row["value"], row["line"], at) for row in rows],
    )
    await announce_requirements(tx, items, (await _imported_version(tx, batch))[0], cause=batch)
    await _mark_sources(tx, {(row["level"], row["source"]) for row in rows}, batch)


async def _imported_version(tx: Tx, batch: str) -> tuple[int, bool]:
    """The version of the matrix that this batch is, made by its first block, and whether it is the day-one baseline:
    there was no matrix before it."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('matrix_version', 0))")
    title = f"Import {batch}"
    known = await tx.one(
        "SELECT number, baseline FROM app.matrix_version WHERE title = :title", {"title": title}
    )
    if known is not None:
        return known["number"], known["baseline"]
    day_one = not await tx.scalar("SELECT EXISTS (SELECT FROM app.matrix_version WHERE state = 'APPROVED')")
    number = 1 + await tx.scalar("SELECT coalesce(max(number), 0) FROM app.matrix_version")
    await tx.execute(
        "INSERT INTO app.matrix_version (number, version, title, state, author, baseline, cells, approved_at,"
        " recorded_at) VALUES (:number, 1, :title, 'APPROVED', :author, :baseline, '[]', :at, :at)",
        {
            "number": number,
            "title": title,
            "author": tx.context.actor,
            "baseline": day_one,
            "at": tx.recorded_at,
        },
    )
    return number, day_one


async def _mark_sources(tx: Tx, sources: set[tuple[str, str]], batch: str) -> None:
    people = await queries.people_of_sources(tx, sources)
    await mark(tx, tables.LANES, [Mark(p, OBLIGATIONS, cause=batch, priority=BULK) for p in people])


async def _announce_people(tx: Tx, people: Sequence[str]) -> None:
    spells = await queries.spells_of(tx, people)
    rows = await tx.rows(
        "SELECT * FROM app.person WHERE person = ANY(:people) ORDER BY person", {"people": list(people)}
    )
    await announce_people(
        tx,
        [
            matrix_person.person_imported(
                outbound.person_state(dict(row), spells.get(row["person"], [])), IMPORTED
            )
            for row in rows
        ],
    )
    await mark(tx, tables.LANES, [Mark(person, OBLIGATIONS, priority=BULK) for person in people])


async def _insert(tx: Tx, spells: Sequence[Spell]) -> None:
    await tx.copy(
        "app.spell",
        ["id", "person", "kind", "value", "department", "area", "from_on", "to_on", "recorded_at"],
        [
            (s.id, s.person, s.kind.value, s.value, s.department, s.area, s.from_on, s.to_on, s.recorded_at)
            for s in spells
        ],
    )


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


SPELL_FILES = {
    "function_history": (SpellKind.JOB_FUNCTION, "job_function"),
    "people_overlays": (SpellKind.OVERLAY, "overlay"),
    "people_equipment": (SpellKind.EQUIPMENT, "equipment"),
    "leaves": (SpellKind.LEAVE, "kind"),
}
"""File -> the kind of spell that its rows are, and the column with the value."""

KINDS: dict[str, Callable[[Tx, Rows, str], Awaitable[None]]] = {
    "sites": _sites,
    "shifts": _shifts,
    "areas": _areas,
    "equipment": _equipment,
    "job_functions": _job_functions,
    "overlays": _overlays,
    "tasks": _tasks,
    "people": _people,
    **{file: _spells_of(kind, column) for file, (kind, column) in SPELL_FILES.items()},
    "roster": rosters.take,
    "matrix": _matrix,
    "questions": _questions,
}
