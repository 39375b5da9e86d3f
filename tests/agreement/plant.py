"""A plant's files through the real path, without servers: checks, spells, rules, obligations, facts of the engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from assignment_svc import registry
from assignment_svc.domain.facts import CellFacts, Place
from assignment_svc.source import Cell, Snapshot
from assignment_svc.sources import obligations, units
from matrix_svc import outbound
from matrix_svc.domain.obligations import question_spans, spans
from matrix_svc.domain.rules import Question, SourceKind
from matrix_svc.domain.spells import Spell
from matrix_svc.handlers.imports import SPELL_FILES, further_spell, imported_rule, spells_of_hire
from plantfiles import check, read_directory
from plantfiles.codec import as_dict
from plantkit.sites import Sites

KNOWN = datetime(2026, 11, 2, tzinfo=UTC)


class Plant:
    """Every cell's facts, as the services would hand them to the engine."""

    def __init__(self, directory: Path, export_date: date) -> None:
        plan = check(read_directory(directory), export_date=export_date)
        rows = {result.file: [as_dict(row) for row in result.taken] for result in plan.files}
        self.units = [
            {"kind": "site", "code": s["site"], "time_zone": s["time_zone"], "shifts": []}
            for s in rows["sites.csv"]
        ]
        for shift in rows["shifts.csv"]:
            unit = next(u for u in self.units if u["code"] == shift["site"])
            unit["shifts"].append({"shift": shift["shift"], "starts": shift["starts"], "ends": shift["ends"]})
        self.places: dict[str, Place] = {u["code"]: units.place_of(u) for u in self.units}
        self.spells: dict[str, list[Spell]] = defaultdict(list)
        self._people = {row["employee_no"]: row for row in rows["people.csv"]}
        for row in rows["people.csv"]:
            self.spells[row["employee_no"]] += spells_of_hire(row, KNOWN)
        for file, (kind, column) in SPELL_FILES.items():
            for row in rows.get(f"{file}.csv", []):
                self.spells[row["employee_no"]].append(further_spell(kind, column, row, KNOWN))
        self._rules: dict[Any, list[Any]] = defaultdict(list)
        for row in rows["matrix.xlsx"]:
            rule = imported_rule(row, 1, KNOWN, day_one=True)
            self._rules[rule.source_kind, rule.source].append(rule)
        self._questions: dict[Any, list[Question]] = defaultdict(list)
        for number, asked in enumerate(plan.questions):
            kind = SourceKind(asked.level)
            question = Question(str(number), kind, asked.source, asked.item, asked.value, None, KNOWN)
            self._questions[kind, asked.source].append(question)
        self._zones = Sites({u["code"]: u["time_zone"] for u in self.units})
        self.documents = self._documents(rows)
        self._found = Snapshot()
        for document, state in self.documents.items():
            self._found.add("document", document, body=state)
        for number, row in enumerate(rows["training_history.csv"]):
            self._found.add(
                "record",
                row["employee_no"],
                row["document"],
                {
                    "record": str(number),
                    "version": row["version"],
                    "methods": list(row["methods"]),
                    "result": "PASS",
                    "score": None if row["score"] is None else float(row["score"]),
                    "valid_from": row["completed_at"],
                    "time_zone": row["time_zone"],
                    "source_class": "MIGRATED",
                },
            )

    @staticmethod
    def _documents(rows: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {
            row["document"]: {"document": row["document"], "versions": [], "retired": []}
            for row in rows["documents.csv"]
        }
        for row in rows["document_versions.csv"]:
            found[row["document"]]["versions"].append(
                {
                    "version": row["version"],
                    "state": "APPROVED",
                    "training_decision": row["retraining"],
                    "change": row["change_control"],
                    "approved_on": row["approved_on"],
                    "effective": [
                        {"place": "*", "on": row["effective_on"], "recorded_at": "2026-11-02T00:00:00Z"}
                    ],
                }
            )
        return found

    def cells(self, where: Callable[[str, str], bool] = lambda person, item: True) -> Iterator[CellFacts]:
        """The facts of every cell that was ever obliged, or of which nobody knows (C-34). where: of which people and
        items."""
        for person, spells in sorted(self.spells.items()):
            row = {"person": person, "language": None, "supervisor": None}
            told = outbound.person_state(row, spells)
            self._found.add("person", person, body=told)
            owed = spans(spells, self._rules, self._zones)
            asked = question_spans(spells, self._questions, self._zones)
            for item in sorted(set(owed) | set(asked)):
                if not where(person, item):
                    continue
                state = outbound.obligation_state(person, item, owed.get(item, []), asked.get(item, []))
                self._found.add("obligation", person, item, state)
                for code in sorted(obligations.places(told, state)):
                    yield registry.cell_facts(Cell(person, item, self.places[code]), self._found)
