"""What must hold between the requirements, their states and the marks of the tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from attest.requirements.catalogue import Catalogue, Judgement, Requirement, State
from attest.requirements.marks import Mark, Marks


@dataclass(frozen=True)
class Row:
    """A requirement with its state and the number of tests that show all of it, and a piece of it."""

    requirement: Requirement
    judgement: Judgement
    whole: int
    pieces: int


def rows(catalogue: Catalogue, marks: Iterable[Mark]) -> dict[str, Row]:
    """The row of each requirement by its id, in the catalogue's order."""
    whole: dict[str, set[tuple[str, str]]] = {}
    pieces: dict[str, set[tuple[str, str]]] = {}
    for each in marks:
        tests = whole if each.piece is None else pieces
        tests.setdefault(each.requirement, set()).add((each.file, each.test))
    return {
        name: Row(each, catalogue.judgements[name], len(whole.get(name, ())), len(pieces.get(name, ())))
        for name, each in catalogue.requirements.items()
    }


def problems(catalogue: Catalogue, marks: Marks) -> list[str]:
    """One line for each rule that is broken; an empty list when all hold.

    A mark names a requirement. `req` is an overclaim on a requirement that does not work as a whole. A requirement
    works only when at least one test claims the whole of it.
    """
    found = list(marks.problems)
    for each in marks.found:
        judgement = catalogue.judgements.get(each.requirement)
        where = f"{each.file}:{each.line}: {each.test}"
        if judgement is None:
            found.append(f"{where}: {each.requirement} is no requirement")
        elif each.piece is None and judgement.state is not State.WORKS:
            found.append(
                f"{where}: overclaims {each.requirement}, which is {judgement.state}"
                f" ({judgement.missing}): mark the piece with `part`"
            )
    for name, row in rows(catalogue, marks.found).items():
        if row.judgement.state is State.WORKS and not row.whole:
            found.append(f"{name}: is said to work, but no test claims the whole of it with `req`")
    return found
