"""Requirements and their states, read from `requirements/*.yaml` at the top of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

FOLDER = "requirements"
STATE_FILE = "state.yaml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Family = Literal["MX", "QM", "AE", "SR", "RP", "PL", "R", "N", "C"]


class CatalogueError(Exception):
    """The files are not a valid catalogue; `problems` has one line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class State(StrEnum):
    """How much of the acceptance the product shows today."""

    WORKS = "works"
    PARTIAL = "partial"
    ABSENT = "absent"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(_Model):
    """One row: what is wanted and how it is recognised when it is there."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}-\d\d[a-z]?$")]
    title: Text
    statement: Text
    acceptance: Text
    source: Annotated[tuple[Text, ...], Field(min_length=1)]


class FamilyFile(_Model):
    """A file of requirements: all rows of one family."""

    family: Family
    title: Text
    requirements: tuple[Requirement, ...]


class Judgement(_Model):
    """The state of one requirement; `missing` says what a partial or absent one lacks."""

    state: State
    missing: Text | None = None


@dataclass(frozen=True)
class Catalogue:
    """All families in the order of their files' names, and the judgement of each requirement by its id."""

    families: tuple[FamilyFile, ...]
    judgements: Mapping[str, Judgement]

    @property
    def requirements(self) -> dict[str, Requirement]:
        """Each requirement by its id, family by family."""
        return {each.id: each for family in self.families for each in family.requirements}


def load(root: Path) -> Catalogue:
    """Read the catalogue of the repository at `root`.

    Raises CatalogueError with every fault: a field that is missing, unknown or empty, an unknown family, an id that
    stands twice or in another family's file, a requirement without a state, a state without a requirement, and a
    state whose `missing` does not fit it.
    """
    folder = root / FOLDER
    problems: list[str] = []
    families = [
        family
        for path in sorted(folder.glob("*.yaml"))
        if path.name != STATE_FILE and (family := _family(path, problems)) is not None
    ]
    if not families and not problems:
        problems.append(f"{FOLDER}/: no file of requirements")
    seen: set[str] = set()
    for family in families:
        for each in family.requirements:
            if each.id.split("-")[0] != family.family:
                problems.append(f"{each.id}: does not belong to the family {family.family}")
            if each.id in seen:
                problems.append(f"{each.id}: stands twice")
            seen.add(each.id)
    judgements = _judgements(folder / STATE_FILE, problems)
    problems += [
        f"{each}: has no state in {FOLDER}/{STATE_FILE}" for each in sorted(seen - judgements.keys())
    ]
    problems += [f"{each}: has a state, but is no requirement" for each in sorted(judgements.keys() - seen)]
    for name, judgement in judgements.items():
        if (judgement.state is State.WORKS) == (judgement.missing is not None):
            problems.append(f"{name}: `missing` belongs to each partial or absent state, and to no other")
    if problems:
        raise CatalogueError(problems)
    return Catalogue(tuple(families), judgements)


def _family(path: Path, problems: list[str]) -> FamilyFile | None:
    try:
        return FamilyFile.model_validate(_read(path))
    except (ValidationError, yaml.YAMLError) as error:
        problems.extend(_faults(path, error))
        return None


def _judgements(path: Path, problems: list[str]) -> dict[str, Judgement]:
    found: dict[str, Judgement] = {}
    try:
        rows = _read(path)
    except (yaml.YAMLError, OSError) as error:
        problems.extend(_faults(path, error))
        return found
    for name, row in rows.items() if isinstance(rows, dict) else ():
        try:
            found[name] = Judgement.model_validate(row)
        except ValidationError as error:
            problems.extend(f"{name}: {fault}" for fault in _faults(path, error))
    return found


class _UniqueKeys(yaml.SafeLoader):
    """YAML would silently keep the last of two equal keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> object:
    return yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 (a SafeLoader)


def _faults(path: Path, error: ValidationError | yaml.YAMLError | OSError) -> list[str]:
    if isinstance(error, ValidationError):
        return [f"{path.name}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return [f"{path.name}: {error}"]
