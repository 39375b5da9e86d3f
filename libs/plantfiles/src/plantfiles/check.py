"""The check of an import: every file, in the order in which they refer to each other, without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from plantfiles.digests import acceptance_digest, batch_digest, content_digest, join_key
from plantfiles.fields import Fields
from plantfiles.keys import Examined, Settled, settle
from plantfiles.kind import Index, Layout, TableKind, WorkbookKind
from plantfiles.plan import FileResult, Finding, ImportPlan, Known, OpenQuestion
from plantfiles.reasons import Reason, Severity
from plantfiles.registry import KINDS, Kinds
from plantfiles.rows import Origin
from plantfiles.source import Source, Table, Trouble, Workbook
from plantfiles.terms import Terms


def check(
    files: Mapping[str, Source],
    *,
    export_date: date,
    zone_rule: str | None = None,
    migrated_counts: bool = True,
    known: Known | None = None,
    kinds: Kinds = KINDS,
) -> ImportPlan:
    """The rows that an import of these files would take, and the findings about all other rows (C-30 to C-37).

    files: by name. export_date, zone_rule, migrated_counts: the terms of the import (`Terms`). known: what earlier
    imports brought. kinds: the kinds of files that are known. Raises ValueError for a zone rule that is neither
    `site` nor an IANA zone.
    """
    terms = Terms(export_date, zone_rule, migrated_counts)
    return _Check(known or Known(), terms, kinds).run(files)


@dataclass(slots=True)
class _Check:
    known: Known
    terms: Terms
    kinds: Kinds

    def run(self, files: Mapping[str, Source]) -> ImportPlan:
        index = Index(self.terms)
        results: list[FileResult] = []
        findings: list[Finding] = []
        questions: list[OpenQuestion] = []
        for kind in self.kinds:
            for row in self.known.rows.get(kind.file, ()):
                index.add(kind, row)
            source = files.get(kind.file)
            if isinstance(kind, TableKind) and isinstance(source, Table):
                settled = self._table(kind, source, index)
            elif isinstance(kind, WorkbookKind) and isinstance(source, Workbook):
                settled, open_ = self._workbook(kind, source, index)
                questions.extend(open_)
            else:
                continue
            findings.extend(settled.findings)
            results.append(FileResult(kind.file, source.sha256, settled.counts, tuple(settled.taken)))
        findings.extend(
            Finding(name, "", "", "", Reason.FILE_UNKNOWN, Severity.WARNED)
            for name in files
            if name not in self.kinds
        )
        terms = self.terms
        batch = batch_digest({result.file: result.sha256 for result in results})
        return ImportPlan(
            tuple(results),
            tuple(findings),
            tuple(questions),
            terms.export_date,
            terms.zone_rule,
            terms.migrated_counts,
            batch,
            acceptance_digest(
                batch, terms.export_date, terms.zone_rule, migrated_counts=terms.migrated_counts
            ),
        )

    def _table(self, kind: TableKind[Any], table: Table, index: Index) -> Settled:
        header = tuple(title.strip() for title in table.header)
        broken, ignored = _header_findings(table, header, kind.layout)
        if broken:
            return Settled(
                findings=broken,
                rows=_row_count(table),
                refused=_row_count(table),
            )
        settled = settle(table.file, self._examine(kind, table, header, index), self.known)
        settled.findings[:0] = ignored
        for row in settled.held:
            index.add(kind, row)
        key = kind.layout.key
        if kind.id is not None and key is not None and len(key) == 1:
            column = header.index(key[0])
            seen = {line.values[column] for line in table.lines if len(line.values) == len(header)}
            index.add_refused(kind, seen)
        if kind.whole is not None:
            settled.taken, warnings = kind.whole(settled.taken, index)
            settled.findings.extend(warnings)
        return settled

    def _examine(
        self, kind: TableKind[Any], table: Table, header: tuple[str, ...], index: Index
    ) -> Iterator[Examined]:
        layout, rule, content = kind.layout, kind.rule, kind.content
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
                digest=content_digest(values if content is None else content(values, self.terms)),
            )
            row = rule(fields, index, origin)
            shown = (", ".join(layout.key), origin["key"]) if layout.key else ("", "")
            yield Examined(row, tuple(fields.findings), *shown)

    def _workbook(
        self, kind: WorkbookKind[Any], workbook: Workbook, index: Index
    ) -> tuple[Settled, list[OpenQuestion]]:
        reading = kind.read(workbook, index)
        settled = settle(workbook.file, reading.cells, self.known)
        questions = [*reading.questions, *kind.clashing(reading.cells, settled.findings, index)]
        troubles = [_trouble(workbook.file, trouble) for trouble in workbook.troubles]
        settled.findings[:0] = [*troubles, *reading.findings]
        for row in settled.held:
            index.add(kind, row)
        return settled, questions


def _header_findings(
    table: Table, header: tuple[str, ...], layout: Layout
) -> tuple[list[Finding], list[Finding]]:
    """The findings that make the import refuse the whole file, and those for which it only leaves a column out."""
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
