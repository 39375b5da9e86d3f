"""The marks of the tests, read from the source of the test files.

    @pytest.mark.req("MX-02", "R-15")               the test shows the whole acceptance of both
    @pytest.mark.part("AE-12", "what it shows")     the test shows a piece of the acceptance

A mark counts for the function or the class that it decorates, also inside a parameter's `marks=`, and for every test
of the module or class whose `pytestmark` it is in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SKIPPED = {"node_modules", "build"}
_NAMES = ("req", "part")

type _Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Mark:
    """A claim of one test on one requirement: on the whole of it when `piece` is None."""

    requirement: str
    piece: str | None
    file: str
    line: int
    test: str


@dataclass(frozen=True)
class Marks:
    """All marks of the repository, and one line for each that cannot be read."""

    found: tuple[Mark, ...]
    problems: tuple[str, ...]


def mark_problem(name: str, args: tuple[object, ...], has_keywords: bool = False) -> str | None:
    """What is wrong with the form of a mark `name(*args)`; None when nothing is."""
    if has_keywords or not args or not all(isinstance(each, str) and each.strip() for each in args):
        return f"{name} takes texts by position" if name == "req" else "part takes an id and a piece"
    if name == "part" and len(args) != 2:
        return "part takes an id and a piece"
    return None


def collect(root: Path) -> Marks:
    """The marks of every `test_*.py` below `root`."""
    found: list[Mark] = []
    problems: list[str] = []
    for path in sorted(root.rglob("test_*.py")):
        inside = path.relative_to(root)
        if any(part.startswith(".") or part in _SKIPPED for part in inside.parts):
            continue
        marks = read(path.read_text(encoding="utf-8"), inside.as_posix())
        found += marks.found
        problems += marks.problems
    return Marks(tuple(found), tuple(problems))


def read(source: str, file: str) -> Marks:
    """The marks of one test file."""
    found: list[Mark] = []
    problems: list[str] = []
    attributed: set[ast.Call] = set()
    tree = ast.parse(source, file)
    for test, calls in _tests(tree):
        for call in calls:
            attributed.add(call)
            name, args = _name(call), tuple(_literal(each) for each in call.args)
            if problem := mark_problem(name, args, bool(call.keywords)):
                problems.append(f"{file}:{call.lineno}: {test}: {problem}")
                continue
            ids, piece = (args, None) if name == "req" else (args[:1], str(args[1]))
            found += [Mark(str(each), piece, file, call.lineno, test) for each in ids]
    problems += [
        f"{file}:{call.lineno}: a mark that is not beside a test"
        for call in _calls(tree)
        if call not in attributed
    ]
    return Marks(tuple(found), tuple(problems))


def _tests(module: ast.Module) -> Iterator[tuple[str, list[ast.Call]]]:
    """Each test of a module with the marks that count for it."""

    def walk(
        body: list[ast.stmt], inherited: list[ast.Call], prefix: str
    ) -> Iterator[tuple[str, list[ast.Call]]]:
        own = inherited + [call for each in body if _is_pytestmark(each) for call in _calls(each)]
        for each in body:
            if isinstance(each, ast.ClassDef) and each.name.startswith("Test"):
                yield from walk(each.body, own + _decorating(each), f"{prefix}{each.name}::")
            elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test"):
                yield prefix + each.name, own + _decorating(each)

    return walk(module.body, [], "")


def _is_pytestmark(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    return any(isinstance(each, ast.Name) and each.id == "pytestmark" for each in targets)


def _decorating(definition: _Definition) -> list[ast.Call]:
    return [call for each in definition.decorator_list for call in _calls(each)]


def _calls(node: ast.AST) -> list[ast.Call]:
    """Every `pytest.mark.req(...)` and `pytest.mark.part(...)` inside a node."""
    return [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and ast.unparse(each.func) in {f"pytest.mark.{name}" for name in _NAMES}
    ]


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).rsplit(".", 1)[1]


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None
