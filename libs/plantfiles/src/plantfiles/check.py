"""The check of an import: every file, in the order in which they refer to each other, without writing anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from plantfiles import documents, history, matrix, organisation, people, spells, tasks
from plantfiles.digests import acceptance_digest, batch_digest, content_digest, join_key
from plantfiles.fields import Fields
from plantfiles.index import Index
from plantfiles.keys import Examined, Settled, settle
from plantfiles.layouts import LAYOUTS, Layout
from plantfiles.plan import FileResult, Finding, ImportPlan, Known, OpenQuestion
from plantfiles.reasons import Reason, Severity
from plantfiles.rows import ROW_TYPES, Row
from plantfiles.source import Source, Table, Trouble, Workbook
from plantfiles.zones import is_zone


class Origin(TypedDict):
    """Where a row stood, under which key, with which content."""

    file: str
    line: str
    key: str
    digest: str


type Rule = Callable[[Fields, Index, Origin], Row | None]


def check(
    files: Mapping[str, Source],
    *,
    export_date: date,
    zone_rule: str | None = None,
    migrated_counts: bool = True,
    known: Known | None = None,
) -> ImportPlan:
    """What an import of these files would take, and everything to tell about the rest (C-30 to C-37).

    files: by name. export_date: the day of the customer's export, local; no history row is later. zone_rule: of which
    zone a time without offset is: None = such rows are refused, `site` = the zone of the person's site, else an IANA
    name. migrated_counts: whether migrated records may allow (C-36). known: what earlier imports brought. Raises ValueError for a zone rule that is neither.
    """
    if zone_rule is not None and zone_rule != history.SITE_RULE and not is_zone(zone_rule):
        raise ValueError(f"zone rule {zone_rule!r} is neither 'site' nor an IANA time zone")
    return _Check(known or Known(), export_date, zone_rule, migrated_counts).run(files)


@dataclass(slots=True)
class _Check:
    known: Known
    export_date: date
    zone_rule: str | None
    migrated_counts: bool

    def run(self, files: Mapping[str, Source]) -> ImportPlan:
        index = Index()
        results: list[FileResult] = []
        findings: list[Finding] = []
        questions: list[OpenQuestion] = []
        for file in ROW_TYPES:
            for row in self.known.rows.get(file, ()):
                index.add(row)
            source = files.get(file)
            if isinstance(source, Table):
                settled = self._table(source, index)
            elif isinstance(source, Workbook):
                settled, open_ = self._workbook(source, index)
                questions.extend(open_)
            else:
                continue
            findings.extend(settled.findings)
            results.append(FileResult(file, source.sha256, settled.counts, tuple(settled.taken)))
        findings.extend(
            Finding(name, "", "", "", Reason.FILE_UNKNOWN, Severity.WARNED)
            for name in files
            if name not in ROW_TYPES
        )
        batch = batch_digest({result.file: result.sha256 for result in results})
        return ImportPlan(
            tuple(results),
            tuple(findings),
            tuple(questions),
            self.export_date,
            self.zone_rule,
            self.migrated_counts,
            batch,
            acceptance_digest(batch, self.export_date, self.zone_rule, migrated_counts=self.migrated_counts),
        )

    def _table(self, table: Table, index: Index) -> Settled:
        layout = LAYOUTS[table.file]
        header = tuple(title.strip() for title in table.header)
        broken, ignored = _header_findings(table, header, layout)
        if broken:
            return Settled(
                findings=broken,
                rows=_row_count(table),
                refused=_row_count(table),
            )
        settled = settle(table.file, self._examine(table, header, layout, index), self.known)
        settled.findings[:0] = ignored
        for row in settled.held:
            index.add(row)
        if table.file == "people.csv":
            column = header.index("employee_no")
            numbers = {line.values[column] for line in table.lines if len(line.values) == len(header)}
            index.refused_people = numbers - index.people.keys()
            settled.taken, warnings = people.supervisors(settled.taken, index)
            settled.findings.extend(warnings)
        return settled

    def _examine(
        self, table: Table, header: tuple[str, ...], layout: Layout, index: Index
    ) -> Iterator[Examined]:
        rule = self._rule(table.file)
        wanted = [(column, header.index(column)) for column in layout.columns if column in header]
        columns = [column for column, _ in wanted]
        key = layout.key or layout.columns
        by_line = {trouble.line: trouble for trouble in table.troubles}
        items = [*table.lines, *by_line.values()]
        items.sort(key=lambda item: item.line if isinstance(item, Trouble) else item.number)
        for item in items:
            if isinstance(item, Trouble):
                yield Examined(None, (_trouble(table.file, item),))
                continue
            line, raw = str(item.number), item.values
            if not any(raw):
                continue
            if len(raw) != len(header):
                detail = f"{len(raw)} fields, {len(header)} columns"
                finding = Finding(table.file, line, "", raw[0], Reason.ROW_SHAPE, Severity.REFUSED, detail)
                yield Examined(None, (finding,))
                continue
            values = dict(zip(columns, (raw[position] for _, position in wanted), strict=True))
            fields = Fields(table.file, line, values)
            origin = Origin(
                file=table.file,
                line=line,
                key=join_key(*(fields[column] for column in key)),
                digest=content_digest(self._content(table.file, values)),
            )
            row = rule(fields, index, origin)
            shown = (", ".join(layout.key), origin["key"]) if layout.key else ("", "")
            yield Examined(row, tuple(fields.findings), *shown)

    def _content(self, file: str, values: Mapping[str, str]) -> Mapping[str, str]:
        """The zone rule is part of what a row without offset says."""
        if file != "training_history.csv" or self.zone_rule is None:
            return values
        named = history.needs_zone_rule(values["completed_at"])
        return {**values, "zone rule": self.zone_rule} if named else values

    def _rule(self, file: str) -> Rule:
        if file == "training_history.csv":
            return history.rule(self.export_date, self.zone_rule)
        return RULES[file]

    def _workbook(self, workbook: Workbook, index: Index) -> tuple[Settled, list[OpenQuestion]]:
        reading = matrix.read(workbook, index)
        settled = settle(workbook.file, reading.cells, self.known)
        questions = [*reading.questions, *matrix.clashing(reading.cells, settled.findings, index)]
        troubles = [_trouble(workbook.file, trouble) for trouble in workbook.troubles]
        settled.findings[:0] = [*troubles, *reading.findings]
        return settled, questions


def _header_findings(
    table: Table, header: tuple[str, ...], layout: Layout
) -> tuple[list[Finding], list[Finding]]:
    """What makes the whole file impossible, and what is merely left out."""
    whole = [_trouble(table.file, trouble) for trouble in table.troubles if trouble.line == 0]
    if whole:
        return whole, []
    broken = [
        Finding(table.file, "1", column, "", Reason.COLUMN_MISSING, Severity.REFUSED)
        for column in layout.required
        if column not in header
    ]
    broken += [
        Finding(table.file, "1", column, column, Reason.COLUMN_REPEATED, Severity.REFUSED)
        for column in dict.fromkeys(header)
        if header.count(column) > 1
    ]
    ignored = [
        Finding(table.file, "1", column, column, Reason.COLUMN_UNKNOWN, Severity.WARNED)
        for column in dict.fromkeys(header)
        if column not in layout.columns
    ]
    return broken, ignored


def _row_count(table: Table) -> int:
    return sum(1 for line in table.lines if any(line.values)) + sum(
        1 for trouble in table.troubles if trouble.line
    )


def _trouble(file: str, trouble: Trouble) -> Finding:
    line = str(trouble.line) if trouble.line else ""
    return Finding(file, line, "", trouble.value, trouble.reason, Severity.REFUSED, trouble.detail)


RULES: dict[str, Rule] = {
    "sites.csv": organisation.site,
    "shifts.csv": organisation.shift,
    "areas.csv": organisation.area,
    "job_functions.csv": organisation.job_function,
    "equipment.csv": organisation.equipment,
    "overlays.csv": organisation.overlay,
    "documents.csv": documents.document,
    "document_versions.csv": documents.version,
    "people.csv": people.person,
    "function_history.csv": spells.function_spell,
    "people_overlays.csv": spells.overlay_spell,
    "people_equipment.csv": spells.equipment_spell,
    "leaves.csv": spells.leave,
    "roster.csv": spells.roster_day,
    "tasks.csv": tasks.task,
}
"""The rule of each file; training_history.csv takes the parameters of the import, matrix.xlsx is not a table."""
