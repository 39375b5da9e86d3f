"""A plant of three people that imports without a finding; each test changes one thing in it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from plantfiles import Finding, ImportPlan, Known, check, read_files

EXAMPLES = Path(__file__).parents[3] / "examples"

FILES = {
    "sites.csv": "site,name,time_zone\nNL1,Leiden,Europe/Amsterdam\nUS1,Raleigh,America/New_York\n",
    "shifts.csv": "site,shift,starts,ends\nNL1,D,06:00,14:00\nNL1,N,22:00,06:00\n",
    "areas.csv": "site,area,name\nNL1,GA,Filling\nUS1,PK,Packaging\n",
    "job_functions.csv": "job_function,name,department\nOPR,Operator,Production\nSUP,Supervisor,Production\n",
    "equipment.csv": "site,area,equipment,name\nNL1,GA,FILL-01,Filling line\n",
    "overlays.csv": "overlay,name\nTRN,Trainer\n",
    "documents.csv": "document,title,type,framework,owner_department\n"
    "SOP-1,Filling,SOP,GMP,Production\nEHS-1,Process hazard analysis,Safety procedure,PSM,Engineering\n",
    "document_versions.csv": "document,version,approved_on,effective_on,change_class,retraining,change_control\n"
    "SOP-1,1,2024-01-10,2024-02-01,major,read,CC-1\nSOP-1,2,2025-01-10,2025-02-01,editorial,none,CC-2\n"
    "EHS-1,1,2024-01-10,2024-02-01,major,read,CC-3\n",
    "people.csv": "employee_no,given_name,family_name,email,employment,site,department,area,job_function,"
    "function_from,shift,supervisor_no,hired_on,ended_on,language\n"
    "P1,Ann,Smit,,employee,NL1,Production,GA,OPR,2024-01-01,D,P3,2024-01-01,,nl\n"
    "P2,Bob,Hill,,contractor,US1,Production,,OPR,2024-03-01,,,2024-03-01,2026-06-01,en\n"
    "P3,Cid,Jong,,employee,NL1,Production,GA,SUP,2024-01-01,D,,2020-01-01,,nl\n",
    "function_history.csv": "employee_no,job_function,from,to\nP3,OPR,2020-01-01,2024-01-01\n",
    "people_overlays.csv": "employee_no,overlay,from,to\nP3,TRN,2024-01-01,\n",
    "people_equipment.csv": "employee_no,equipment,from,to\nP1,NL1/FILL-01,2024-01-01,\n",
    "leaves.csv": "employee_no,from,to,kind\nP1,2025-03-01,2025-04-01,parental\n",
    "roster.csv": "employee_no,date,shift\nP1,2026-11-02,D\nP1,2026-11-03,\n",
    "tasks.csv": "task,job_function,items,equipment\nRUN,OPR,SOP-1 EHS-1,NL1/FILL-01\n",
    "training_history.csv": "employee_no,document,version,completed_at,method,score,evaluator_no,source_record\n"
    "P1,SOP-1,1,2024-02-05T09:00:00+01:00,read,,,L-1\n"
    "P2,SOP-1,1,2024-03-05T09:00:00-05:00,quiz,80,,L-2\n",
}

SHEETS = {
    "By job function": [["Document", "Title", "OPR", "SUP"], ["SOP-1", "Filling", "R12", "R"]],
    "By area": [["Document", "Title", "NL1/GA"], ["SOP-1", "Filling", "O"]],
    "By equipment": [["Document", "Title", "NL1/FILL-01"], ["SOP-1", "Filling", "RO24"]],
    "By overlay": [["Document", "Title", "TRN"], ["SOP-1", "Filling", "Q"]],
}

EXPORT = date(2026, 11, 1)


@pytest.fixture(scope="session")
def writer() -> ModuleType:
    """The script that writes workbooks of text cells."""
    path = EXAMPLES / "make_fixture_f_matrix.py"
    spec = importlib.util.spec_from_file_location("make_fixture_f_matrix", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Plant:
    """The files as text and sheets; `check` reads and checks them as they are now."""

    workbook: Callable[[dict[str, list[list[str]]]], bytes]
    files: dict[str, str | bytes] = field(default_factory=lambda: dict(FILES))
    sheets: dict[str, list[list[str]]] = field(
        default_factory=lambda: {name: [list(row) for row in rows] for name, rows in SHEETS.items()}
    )

    def add(self, file: str, *rows: str) -> None:
        """Rows at the end of a file."""
        text = self.files[file]
        assert isinstance(text, str)
        self.files[file] = text + "".join(f"{row}\n" for row in rows)

    def change(self, file: str, old: str, new: str) -> None:
        text = self.files[file]
        assert isinstance(text, str)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        self.files[file] = text.replace(old, new)

    def bytes(self) -> dict[str, bytes]:
        contents = {
            name: text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
            for name, text in self.files.items()
        }
        return {"matrix.xlsx": self.workbook(self.sheets), **contents}

    def check(self, zone_rule: str | None = None, known: Known | None = None) -> ImportPlan:
        return check(read_files(self.bytes()), export_date=EXPORT, zone_rule=zone_rule, known=known)


@pytest.fixture(scope="session")
def workbook(writer: ModuleType) -> Callable[[dict[str, list[list[str]]]], bytes]:
    return writer.workbook


@pytest.fixture
def plant(workbook: Callable[[dict[str, list[list[str]]]], bytes]) -> Plant:
    return Plant(workbook)


@pytest.fixture
def told() -> Callable[[ImportPlan], list[str]]:
    """A plan's findings in short: `severity file:line column reason`."""

    def of(finding: Finding) -> str:
        return f"{finding.severity} {finding.file}:{finding.line} {finding.column} {finding.reason}"

    return lambda plan: [of(finding) for finding in plan.findings]


@pytest.fixture(scope="session")
def examples() -> Path:
    return EXAMPLES
