"""The report: as CSV for a spreadsheet, as JSON for a machine."""

from __future__ import annotations

import csv
import io
import json

import pytest
from plantfiles import report


def read_back(plan) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report.as_csv(plan), newline="")))


@pytest.mark.part("PL-29", "the csv has every finding in its columns")
def test_the_csv_has_every_finding_in_its_columns(plant) -> None:
    plant.add("leaves.csv", 'P9,2025-03-01,,"with ""quotes"", and\nlines"', "P2,2024-02-29,,medical")
    plant.sheets["By area"][1][2] = "X"
    rows = read_back(plant.check())
    assert list(rows[0]) == ["file", "line", "column", "value", "reason", "severity", "message"]
    assert [
        (row["file"], row["line"], row["column"], row["value"], row["reason"], row["severity"])
        for row in rows
    ] == [
        ("leaves.csv", "3", "employee_no", "P9", "PERSON_UNKNOWN", "R"),
        ("leaves.csv", "5", "from", "2024-02-29", "OUTSIDE_EMPLOYMENT", "W"),
        ("matrix.xlsx", "By area!C2", "NL1/GA", "X", "CELL_UNREADABLE", "R"),
    ]
    assert rows[1]["message"].endswith("hired on 2024-03-01, ended on 2026-06-01")


def test_no_value_runs_as_a_formula_and_hidden_characters_are_shown(plant) -> None:
    plant.add(
        "people.csv",
        "P8,=HYPERLINK(1),B,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
        "P9,A,Mü\u200bller,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,",
    )
    plan = plant.check()
    # The protection at work: as the finding holds it, the value would run.
    assert plan.findings[0].value.startswith("=")
    assert [row["value"] for row in read_back(plan)] == ["'=HYPERLINK(1)", "Mü\\u200bller"]


@pytest.mark.part("PL-29", "the json holds everything as it stands in the file")
def test_the_json_holds_everything_as_it_stands_in_the_file(plant) -> None:
    plant.add("people.csv", "P9,A,Mü\u200bller,,employee,NL1,,,OPR,2024-01-01,,,2024-01-01,,")
    plant.sheets["By area"][1][2] = "X"
    plan = plant.check(zone_rule="site")
    content = json.loads(report.as_json(plan))
    assert content["findings"] == [
        {
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
            "value": finding.value,
            "reason": finding.reason.value,
            "severity": finding.severity.value,
            "message": finding.message,
        }
        for finding in plan.findings
    ]
    assert content["findings"][0]["value"] == "Mü\u200bller"
    assert content["questions"][0]["people"] == ["P1", "P3"]
    assert (content["export_date"], content["zone_rule"]) == ("2026-11-01", "site")
    assert content["batch_digest"] == plan.batch_digest


def test_the_summary_adds_up(plant) -> None:
    plant.add("leaves.csv", "P9,2025-03-01,,medical", "P1,2025-03-01,2025-04-01,parental")
    files = {each["file"]: each for each in report.summary(plant.check())}
    for each in files.values():
        assert each["rows"] == each["taken"] + each["refused"] + each["identical"]
    assert files["leaves.csv"]["reasons"] == {"R": {"PERSON_UNKNOWN": 1}, "W": {}, "I": {"IDENTICAL_ROW": 1}}
    assert (files["leaves.csv"]["taken"], files["leaves.csv"]["identical"]) == (1, 1)
