"""Which service owns the rows of which file, and in which order stages are handed over.

Organisation, documents, people, history, and the matrix last: without an obligation nothing is needed, so that no
assignment opens and closes again while older facts are still arriving. Tasks name documents, which their owner hears
of by events: they come after the documents have been heard of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import batched
from typing import Any

from plantfiles.plan import ImportPlan
from plantfiles.rows import Row, as_dict

BLOCK_ROWS = 2_000
"""Part of the idempotency of a block: a job that began with one size ends with it."""

QUESTIONS = "questions"
"""Refused matrix cells: they travel as a kind of their own, after the matrix (C-34)."""


HISTORY = "training_history"


@dataclass(frozen=True, slots=True)
class Part:
    """kind: the last part of the owner's path `/internal/imports/{kind}`, and the file's name without its ending."""

    kind: str
    service: str


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    parts: tuple[Part, ...]


def _of(service: str, *kinds: str) -> tuple[Part, ...]:
    return tuple(Part(kind, service) for kind in kinds)


STAGES: tuple[Stage, ...] = (
    Stage(
        "organisation",
        _of("matrix", "sites", "shifts", "areas", "job_functions", "equipment", "overlays"),
    ),
    Stage("documents", _of("qms", "documents", "document_versions")),
    Stage(
        "people",
        _of(
            "matrix",
            "tasks",
            "people",
            "function_history",
            "people_overlays",
            "people_equipment",
            "leaves",
            "roster",
        ),
    ),
    Stage("history", _of("records", HISTORY)),
    Stage("matrix", _of("matrix", "matrix", QUESTIONS)),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One row or open question on its way: what is sent, and under which key it is known afterwards."""

    file: str
    key: str
    digest: str
    line: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """number: counts through the whole plan. sha256: of the file. digest: over keys and contents of its rows."""

    number: int
    stage: str
    part: Part
    file: str
    sha256: str
    items: tuple[Item, ...]

    @property
    def first_line(self) -> str:
        return self.items[0].line

    @property
    def last_line(self) -> str:
        return self.items[-1].line

    @property
    def idempotency_key(self) -> str:
        """File digest and lines; also the content, so that a key never comes back with another meaning."""
        return f"import:{self.sha256}:{self.part.kind}:{len(self.items)}:{self.digest[:32]}"

    @property
    def digest(self) -> str:
        return digest_of(self.items)


def digest_of(items: tuple[Item, ...] | list[Item]) -> str:
    """SHA-256 over file, key and content digest of the rows, in their order."""
    found = sha256()
    for item in items:
        for part in (item.file, item.key, item.digest):
            found.update(part.encode())
            found.update(b"\0")
    return found.hexdigest()


def blocks(plan: ImportPlan, questions: list[Item], size: int = BLOCK_ROWS) -> Iterator[Block]:
    """The plan in blocks, stage after stage; the same plan gives the same blocks."""
    number = 0
    for stage in STAGES:
        for part in stage.parts:
            for file, sha, items in _items_of(plan, questions, part.kind):
                for block in batched(items, size, strict=False):
                    yield Block(number, stage.name, part, file, sha, block)
                    number += 1


def plan_digest(plan: ImportPlan, questions: list[Item]) -> str:
    """Over every row and question that the plan would hand over."""
    items: list[Item] = []
    for stage in STAGES:
        for part in stage.parts:
            for _, _, found in _items_of(plan, questions, part.kind):
                items.extend(found)
    return digest_of(items)


def _items_of(plan: ImportPlan, questions: list[Item], kind: str) -> Iterator[tuple[str, str, list[Item]]]:
    if kind == QUESTIONS:
        if questions:
            [file] = {result for result in plan.by_file if stem(result) == "matrix"}
            yield file, plan.by_file[file].sha256, questions
        return
    for result in plan.files:
        if stem(result.file) == kind:
            yield result.file, result.sha256, [item_of(row) for row in result.taken]


def item_of(row: Row) -> Item:
    return Item(row.file, row.key, row.digest, row.line, as_dict(row))


def stem(file: str) -> str:
    return file.rpartition(".")[0]
