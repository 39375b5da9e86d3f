"""The story of a revised procedure on the larger plant: SOP-120 goes from version 4 to 5 in November 2026.

Each step is an instant of the plant's clock, what is done then, and what is told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attest.client import Api, files_of, wait_for
from attest.commands.importing import table, teller
from attest.demo import acts
from attest.demo.fixture import PLANT_A, moved
from attest.demo.people import APPROVER, AUDITOR, AUTHOR, COORDINATOR, PASSWORD

BEGIN = "2026-11-01T08:00:00+00:00"
"""What the clock of a platform made for the demo shows at first."""

EXPORT_DATE = date(2026, 11, 1)
NL1 = ZoneInfo("Europe/Amsterdam")
ITEM, VERSION, CHANGE, TASK = PLANT_A.as_document, 5, "CC-7", "RUN-FILL"
EFFECTIVE = {"NL1": date(2026, 11, 16), "US1": date(2026, 11, 23), "IN1": date(2026, 11, 16)}

DEV: Mapping[str, Any] = {
    "person": "DEV",
    "given_name": "Dev",
    "family_name": "Rao",
    "employment": "employee",
    "site": "NL1",
    "department": "Production",
    "area": "GA",
    "job_function": "OPR",
    "shift": "D",
    "supervisor": "SAM",
    "hired_on": "2026-11-10",
    "language": "en",
}

PROCEDURE = b"""# Batch record completion, line 2

Version 5. What is new stands in section 2.

## 1 Before the batch

Check the batch record against the order: product, batch number, line. Sign for the clearance of the line.

## 2 During the batch

Record each intervention in grade A at the moment it happens: time, what was done, by whom. A reading that is missed is
entered late, with the reason, and countersigned; it is never filled in from memory as if it had been on time.

## 3 After the batch

Reconcile units, vials and labels. Hand the record to the reviewer the same shift.
"""

FORM = b"%PDF-1.4\n1 0 obj <<>> endobj\ntrailer <<>>\n%%EOF\n"
"""Stands for the scan of a form."""


US1_MIDNIGHT = datetime(2026, 11, 23, tzinfo=ZoneInfo("America/New_York"))


def local(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A time at NL1 in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=NL1)


@dataclass
class Stage:
    """Who is logged in, and what was said so far. examples: the directory with the plants."""

    api: Api
    administrator: Api
    examples: Path
    say: Callable[[str], object]
    users: dict[str, Api] = field(default_factory=dict)

    def as_user(self, username: str) -> Api:
        if username not in self.users:
            self.users[username] = self.api.log_in(username, PASSWORD)
        return self.users[username]

    @property
    def coordinator(self) -> Api:
        return self.as_user(COORDINATOR)

    @property
    def approver(self) -> Api:
        return self.as_user(APPROVER)

    @property
    def author(self) -> Api:
        return self.as_user(AUTHOR)

    def status(self, *people: str, at: datetime | None = None) -> None:
        for person in people:
            found = acts.cell(self.coordinator, person, ITEM, at=at)
            completed = f", trained on v{found['completed_version']}" if found["completed_version"] else ""
            governing = (
                f" (v{found['governing_version']} governs{completed})" if found["governing_version"] else ""
            )
            flags = f" [{', '.join(found['flags'])}]" if found["flags"] else ""
            self.say(f"  {person}: {found['status']}, {found['verdict']}{governing}{flags}")


@dataclass(frozen=True, slots=True)
class Step:
    """at: when the step is played; the clock is moved there first. look: the page that shows it."""

    title: str
    act: Callable[[Stage], None]
    look: str
    at: datetime | None = None


def _import_plant(stage: Stage) -> None:
    files = files_of(stage.examples / "plant-a")
    _imported(stage, files, "day one of plant A")
    again = acts.import_and_accept(
        stage.coordinator, [], files, export_date=EXPORT_DATE, reason="the same files again"
    )
    assert again["state"] == "DONE", again
    stage.say("  once more: nothing changes")


def _import_people(stage: Stage) -> None:
    _imported(stage, moved(stage.examples / "fixture-f"), "the people of the story")


def _imported(stage: Stage, files: Mapping[str, bytes], reason: str) -> None:
    signers = [stage.coordinator, stage.approver]
    job = acts.import_and_accept(stage.coordinator, signers, files, export_date=EXPORT_DATE, reason=reason)
    for line in table(job).splitlines():
        stage.say(f"  {line}")
    if job["state"] == "DONE":
        stage.say("  it was imported before")
        return
    done = stage.coordinator.wait_for_import(job["id"], progress=teller(stage.say))
    if done["state"] != "DONE":
        raise RuntimeError(f"import {job['id']} {done['state']}: {done['failure']}")
    people = " and ".join(each["person"] for each in done["accepted_by"])
    stage.say(f"  accepted by {people}, {done['progress']['sent']:,} rows handed over")


def _hire(stage: Stage) -> None:
    acts.hire(stage.coordinator, DEV, reason="hired for filling line 2")

    def owed() -> list[str]:
        return acts.obligations(stage.coordinator, "DEV")

    items = wait_for(owed, seconds=acts.WAIT_SECONDS, what="the obligations of DEV")
    stage.say(f"  DEV will owe {len(items)} items: {', '.join(items[:6])}, ...")
    for at in (local(11, 9, 8), local(11, 10, 8)):
        _check(stage, "DEV", at)


def _check(stage: Stage, person: str, at: datetime) -> None:
    answer = acts.check(stage.coordinator, person, task=TASK, at=at)
    reasons = ", ".join(
        f"{r['code']}" + (f" {r['item']}" if r.get("item") else "") for r in answer["reasons"]
    )
    stage.say(
        f"  may {person} run the filling line at {at:%-d %b %H:%M}? {answer['verdict']}"
        + (f": {reasons}" if reasons else "")
    )


def _approve(stage: Stage) -> None:
    acts.draft_change(
        stage.author,
        CHANGE,
        title="Interventions are recorded at once",
        reason="deviations of the last quarter: interventions recorded from memory",
        document=ITEM,
        file=("SOP-120.md", PROCEDURE),
        effective=EFFECTIVE,
        summary="Section 2: each intervention is recorded at the moment it happens.",
    )
    signature = acts.approve(stage.approver, CHANGE)
    stage.say(
        f"  {CHANGE} approved by {signature['printed_name']}, {signature['signed_at']}: {signature['meaning_text']}"
    )
    acts.assigned(stage.coordinator, "ANA", ITEM, VERSION)
    rows = [row for row in acts.assignments(stage.coordinator, item=ITEM) if row["target_version"] == VERSION]
    stage.say(f"  {len(rows)} people are assigned version {VERSION} before it takes effect, among them:")
    for row in rows:
        if row["person"] in ("ANA", "BEN", "CHI", "FAY", "GIL"):
            stage.say(f"    {row['person']}: {row['trigger']}, {row['state']}, due {_due(row)}")
    stage.status("ANA", "BEN", "CHI")


def _due(row: Mapping[str, Any]) -> str:
    """As the place's clocks show it."""
    if row["due_at"] is None:
        return "when back from leave"
    at = datetime.fromisoformat(row["due_at"])
    return f"{at.astimezone(ZoneInfo(row['due_zone'])) if row['due_zone'] else at:%-d %b %H:%M (%Z)}"


def _trained(person: str, status: str, flag: str | None = None) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        reader = stage.as_user(person.lower())
        acts.assigned(stage.coordinator, person, ITEM, VERSION)
        signature = acts.read_and_sign(reader, ITEM, VERSION)
        stage.say(
            f"  {signature['printed_name']} read version {VERSION} and signed, {signature['signed_at']}"
        )
        [record, *_] = wait_for(
            lambda: [r for r in acts.records(stage.coordinator, person, ITEM) if r.get("version") == VERSION],
            seconds=acts.WAIT_SECONDS,
            what=f"the record of {person}",
        )
        stage.say(f"  record {record['record']}: {stage.api.address}/records/{record['record']}")
        acts.until_cell(stage.coordinator, person, ITEM, status=status, flag=flag)
        stage.status(person)

    return act


def _effective(stage: Stage) -> None:
    stage.status("ANA", "BEN", "CHI", "DEV", "FAY", "GIL")
    for person in ("ANA", "BEN"):
        _check(stage, person, local(11, 16, 6))


def _late_entry(stage: Stage) -> None:
    acts.late_entry(
        stage.coordinator,
        stage.approver,
        "BEN",
        ITEM,
        VERSION,
        ink_signed_at=local(11, 14, 10),
        scan=FORM,
        reason="the network was down in the gowning room",
    )
    asked, known = local(11, 17, 12), local(11, 17, 12)
    acts.until_cell(stage.coordinator, "BEN", ITEM, status="QUALIFIED", flag="LATE_ENTRY", at=asked)
    then = acts.cell(stage.coordinator, "BEN", ITEM, at=asked, known_at=known)
    now = acts.cell(stage.coordinator, "BEN", ITEM, at=asked)
    stage.say(f"  BEN on {asked:%-d %b %H:%M}, as known then: {then['status']}")
    stage.say(f"  BEN on {asked:%-d %b %H:%M}, as known now: {now['status']} [{', '.join(now['flags'])}]")
    for record in acts.records_gained(stage.coordinator, "BEN", ITEM, at=asked, known=known):
        stage.say(f"  what came between is record {record}: {stage.api.address}/records/{record}")


def _effective_elsewhere(stage: Stage) -> None:
    for at in (US1_MIDNIGHT - timedelta(seconds=1), US1_MIDNIGHT):
        found = acts.cell(stage.coordinator, "GIL", ITEM, at=at)
        stage.say(f"  GIL at {at:%-d %b %H:%M:%S (%Z)}: {found['status']}, {found['verdict']}")


def _trail(stage: Stage) -> None:
    [record] = [r for r in acts.records(stage.coordinator, "ANA", ITEM) if r["version"] == VERSION]
    auditor = stage.as_user(AUDITOR)

    def whole() -> list[dict[str, Any]] | None:
        found = list(auditor.pages("/api/audit", entity="record", id=record["record"]))
        return found if len({entry["service"] for entry in found}) > 1 else None

    for entry in wait_for(whole, seconds=acts.WAIT_SECONDS, what="the trail of ANA's record"):
        at = datetime.fromisoformat(entry["at"]).astimezone(NL1)
        stage.say(
            f"    {at:%-d %b %H:%M:%S (%Z)} {entry['service']}: {entry['op']} {entry['entity']}"
            f" by {entry['actor_person'] or entry['actor']} ({entry['reason']})"
        )


STEPS: tuple[Step, ...] = (
    Step("The files of plant A are imported, and accepted by two people", _import_plant, "/import"),
    Step("The people of the story join it", _import_people, "/people"),
    Step("DEV is hired for 10 November: what he will owe is known at once", _hire, "/people/DEV"),
    Step(
        f"QUE revises {ITEM}; EVA signs the approval, and everyone concerned is assigned",
        _approve,
        f"/changes/{CHANGE}",
        datetime(2026, 11, 2, 10, tzinfo=UTC),
    ),
    Step(
        "DEV reads the new version early",
        _trained("DEV", "NEVER_TRAINED", "PRETRAINED_NEXT"),
        "/people/DEV",
        local(11, 12, 10),
    ),
    Step(
        "ANA reads and signs in her night shift",
        _trained("ANA", "QUALIFIED"),
        "/people/ANA",
        local(11, 12, 22, 30),
    ),
    Step(
        f"Version {VERSION} takes effect at NL1: who did not train may not work any more",
        _effective,
        "/compliance?site=NL1&job_function=OPR",
        local(11, 16, 0),
    ),
    Step(
        "BEN's paper form of 14 November is keyed on the 20th: what was known then stays as it was",
        _late_entry,
        "/people/BEN",
        local(11, 20, 9),
    ),
    Step(
        f"Version {VERSION} takes effect at US1 as the day begins there",
        _effective_elsewhere,
        "/compliance?site=US1&job_function=OPR",
        US1_MIDNIGHT,
    ),
    Step("The trail of ANA's record, from her assignment to her signature", _trail, "/people/ANA"),
)


def play(stage: Stage, steps: tuple[Step, ...] = STEPS) -> Iterator[Step]:
    """Plays step by step; yields each before it is played."""
    for step in steps:
        yield step
        if step.at is not None and stage.administrator.now() < step.at:
            stage.administrator.move_clock(step.at)
        step.act(stage)
        stage.say(f"  see {stage.api.address}{step.look}")
