"""The report of an import: every refused, warned or repeated row, to download; and the counts of each file."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import Any

from defusedcsv import csv

from plantfiles.plan import FileResult, Finding, ImportPlan
from plantfiles.reasons import Severity

COLUMNS = ("file", "line", "column", "value", "reason", "severity", "message")


def as_csv(plan: ImportPlan) -> str:
    """The findings as CSV that a spreadsheet can open: no value runs as a formula, hidden characters are shown."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in plan.findings:
        values = _finding(finding)
        writer.writerow([visible(values[column]) for column in COLUMNS])
    return text.getvalue()


def as_json(plan: ImportPlan) -> str:
    """The whole report: parameters, digests, counts, findings (values as they stand in the file), open questions."""
    return json.dumps(as_dict(plan), ensure_ascii=True, indent=1)


def as_dict(plan: ImportPlan) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "export_date": plan.export_date.isoformat(),
        "zone_rule": plan.zone_rule,
        "migrated_counts": plan.migrated_counts,
        "batch_digest": plan.batch_digest,
        "acceptance_digest": plan.acceptance_digest,
        "files": summary(plan),
        "findings": [_finding(finding) for finding in plan.findings],
        "questions": [
            {
                "file": question.file,
                "line": question.line,
                "level": question.level,
                "source": question.source,
                "item": question.item,
                "value": question.value,
                "reason": question.reason.value,
                "flag": question.flag,
                "people": list(question.people),
            }
            for question in plan.questions
        ],
    }


def summary(plan: ImportPlan) -> list[dict[str, Any]]:
    """For each file: rows = taken + refused + identical, and how often each reason was found, by severity."""
    return [_file(plan, result) for result in plan.files]


def visible(text: str) -> str:
    """Control, format and unpaired surrogate characters written out: a zero-width space becomes `\\u200b`."""
    if text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else letter
        for letter in text
    )


def _file(plan: ImportPlan, result: FileResult) -> dict[str, Any]:
    counts = result.counts
    return {
        "file": result.file,
        "sha256": result.sha256,
        "rows": counts.rows,
        "taken": counts.taken,
        "refused": counts.refused,
        "identical": counts.identical,
        "repeated": counts.repeated,
        "unchanged": counts.unchanged,
        "reasons": {
            severity.value: {
                reason.value: count for reason, count in sorted(plan.reasons(result.file, severity).items())
            }
            for severity in Severity
        },
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "value": finding.value,
        "reason": finding.reason.value,
        "severity": finding.severity.value,
        "message": finding.message,
    }
