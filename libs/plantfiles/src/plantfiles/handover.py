"""How the rows of a plan go to the services that own them: in stages, in blocks, each under a key of its own.

Everything here follows from the kinds of files: a kind names its owner and its stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import batched
from typing import Any

from plantfiles.codec import as_dict
from plantfiles.digests import content_digest, join_key
from plantfiles.kind import Stage, WorkbookKind
from plantfiles.plan import ImportPlan, Known, OpenQuestion
from plantfiles.registry import KINDS, Kinds
from plantfiles.rows import Row

BLOCK_ROWS = 2_000
"""Part of the idempotency of a block: a job that began with one size ends with it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one owner gets of one file in one stage.

    kind: the last part of the owner's path `/internal/imports/{kind}`: the kind's name, or that of its open
    questions. terms: names of the terms of the import that go with the rows.
    """

    stage: Stage
    kind: str
    service: str
    file: str
    terms: tuple[str, ...] = ()
    questions: bool = False


def parts(kinds: Kinds = KINDS) -> tuple[Part, ...]:
    """All parts in the order in which they are sent. The open questions of a file follow its rows (C-34)."""
    stages = list(Stage)
    found: list[Part] = []
    for kind in sorted(kinds, key=lambda kind: (stages.index(kind.stage), kind.sent or kind.order)):
        found.append(Part(kind.stage, kind.name, kind.owner, kind.file, kind.terms))
        if isinstance(kind, WorkbookKind):
            found.append(Part(kind.stage, kind.questions, kind.owner, kind.file, kind.terms, questions=True))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Item:
    """One row or open question on its way: what is sent, and under which key it is known afterwards.

    file: of an open question the name of its part.
    """

    file: str
    key: str
    digest: str
    line: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """number: counts through the whole plan. sha256: of the file. digest: over keys and contents of its rows."""

    number: int
    part: Part
    sha256: str
    items: tuple[Item, ...]

    @property
    def stage(self) -> Stage:
        return self.part.stage

    @property
    def file(self) -> str:
        return self.part.file

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


def digest_of(items: Iterable[Item]) -> str:
    """SHA-256 over file, key and content digest of the rows, in their order."""
    found = sha256()
    for item in items:
        for part in (item.file, item.key, item.digest):
            found.update(part.encode())
            found.update(b"\0")
    return found.hexdigest()


def blocks(
    plan: ImportPlan, questions: Sequence[Item], size: int = BLOCK_ROWS, kinds: Kinds = KINDS
) -> Iterator[Block]:
    """The plan in blocks, stage after stage; the same plan gives the same blocks. size: rows, at least 1."""
    number = 0
    for part in parts(kinds):
        for block in batched(_items(plan, questions, part), size, strict=False):
            yield Block(number, part, plan.by_file[part.file].sha256, block)
            number += 1


def plan_digest(plan: ImportPlan, questions: Sequence[Item], kinds: Kinds = KINDS) -> str:
    """Over every row and question that the plan would hand over."""
    return digest_of(item for part in parts(kinds) for item in _items(plan, questions, part))


def _items(plan: ImportPlan, questions: Sequence[Item], part: Part) -> list[Item]:
    if part.questions:
        return [item for item in questions if item.file == part.kind]
    return [item_of(row) for row in plan.taken(part.file)]


def item_of(row: Row) -> Item:
    return Item(row.file, row.key, row.digest, row.line, as_dict(row))


def open_questions(plan: ImportPlan, known: Known, kinds: Kinds = KINDS) -> list[Item]:
    """The plan's open questions that were not asked before and that somebody may be concerned by (C-34)."""
    found: dict[tuple[str, str], Item] = {}
    for question in plan.questions:
        kind = kinds[question.file]
        if not question.asked or not isinstance(kind, WorkbookKind):
            continue
        item = _question(question, kind.questions)
        if known.digest(item.file, item.key) is None:
            found.setdefault((item.file, item.key), item)
    return list(found.values())


def _question(question: OpenQuestion, name: str) -> Item:
    content = {
        "line": question.line,
        "level": question.level,
        "source": question.source,
        "item": question.item,
        "value": question.value,
    }
    key = join_key(question.level, question.source, question.item)
    return Item(name, key, content_digest({"value": question.value}), question.line, content)
