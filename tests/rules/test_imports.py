"""What code may import: the rules hold, and each is seen to refuse what it is there for."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOMAINS = sorted(ROOT.glob("services/*/src/*_svc/domain"))
ALLOWED = frozenset(sys.stdlib_module_names) | {"whenever"}
LIBRARIES = frozenset(path.name for path in ROOT.glob("libs/*/src/*"))


def pure_modules() -> list[str]:
    """The modules of libs/ that a domain may import: those that `.importlinter` holds to be pure."""
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    return rules["importlinter:contract:pure-library-modules"]["source_modules"].split()


PURE = pure_modules()


# The rules of .importlinter, on a copy of a service


def lint(copy: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` as `make lint` runs it, but that what stands in `copy` is found before the package itself."""
    # The program stands beside this interpreter, whatever is on the PATH.
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("lint-imports")),
            "--config",
            str(ROOT / ".importlinter"),
            "--no-cache",
        ],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )


def broken(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The names of the broken rules; a rule with exceptions is printed with their number."""
    found = (
        re.fullmatch(r"(.+) BROKEN(?: \(\d+ ignored imports?\))?", line) for line in done.stdout.splitlines()
    )
    return [match[1] for match in found if match]


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """A copy of a service's package."""
    source = ROOT / "services" / "matrix-svc" / "src" / "matrix_svc"
    return shutil.copytree(source, tmp_path / "matrix_svc", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.part("PL-24", "the code keeps the import rules")
def test_the_code_as_it_is_keeps_them(matrix: Path) -> None:
    done = lint(matrix.parent)
    assert (done.returncode, broken(done)) == (0, []), done.stdout[-2000:]


def test_every_folder_with_modules_is_a_package() -> None:
    """import-linter looks into packages alone: what stands in a plain folder may import anything."""
    # Alembic reads these by their files.
    by_file = {"versions", "alembic"}
    sources = [*ROOT.glob("services/*/src"), *ROOT.glob("libs/*/src"), *ROOT.glob("tools/*/src")]
    folders = {file.parent for source in sources for file in source.rglob("*.py")}
    assert len(folders) > 40
    plain = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert [str(folder.relative_to(ROOT)) for folder in plain if folder.name not in by_file] == []


@pytest.mark.part("PL-24", "a planted import is refused")
@pytest.mark.parametrize(
    ("where", "planted", "rule", "told"),
    [
        (
            "handlers/planted.py",
            "from qms_svc.domain import document",
            "A service never imports another service",
            "matrix_svc.handlers.planted -> qms_svc.domain",
        ),
        (
            "domain/planted.py",
            "import sqlalchemy",
            "domain modules import pure modules alone",
            "matrix_svc.domain.planted -> sqlalchemy",
        ),
        (
            "domain/planted.py",
            "from plantkit import scope",
            "domain modules import pure modules alone",
            "matrix_svc.domain.planted -> plantkit.scope",
        ),
    ],
)
def test_a_planted_import_is_refused(matrix: Path, where: str, planted: str, rule: str, told: str) -> None:
    (matrix / where).write_text(planted + "\n")
    done = lint(matrix.parent)
    assert (done.returncode, broken(done)) == (1, [rule])
    assert told in done.stdout


# Domains: whatever the packages are called


def imports(source: str, package: str) -> Iterator[str]:
    """The modules that a module of `package` imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            whence = ".".join([*above, *filter(None, [node.module])])
            # `from x_svc import api` imports a module, too.
            root = whence.split(".")[0]
            ours = root.endswith("_svc") or root in LIBRARIES
            inside = ours and not f"{whence}.".startswith(_domain(package))
            yield from ([f"{whence}.{alias.name}" for alias in node.names] if inside else [whence])


def _domain(package: str) -> str:
    return ".".join(package.split(".")[:2]) + "."


def not_allowed(source: str, package: str) -> list[str]:
    return [
        name
        for name in imports(source, package)
        if name.split(".")[0] not in ALLOWED
        and not f"{name}.".startswith((_domain(package), *(f"{pure}." for pure in PURE)))
    ]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.parent.name)
def test_a_domain_imports_the_standard_library_whenever_and_pure_library_modules_alone(domain: Path) -> None:
    files = sorted(domain.rglob("*.py"))
    assert len(files) > 1
    found = {}
    for file in files:
        package = ".".join(file.parent.relative_to(domain.parents[1]).parts)
        if bad := not_allowed(file.read_text(), package):
            found[str(file.relative_to(ROOT))] = bad
    assert found == {}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_library_module_imports_the_standard_library_and_whenever_alone(module: str) -> None:
    library, *rest = module.split(".")
    (file,) = ROOT.glob(f"libs/*/src/{library}/{'/'.join(rest)}.py")
    assert not_allowed(file.read_text(), library) == []


def test_there_are_six_domains() -> None:
    assert len(DOMAINS) == len(list(ROOT.glob("services/*-svc"))) == 6


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("import joserfc", ["joserfc"]),
        ("from openpyxl.styles import Font", ["openpyxl.styles"]),
        ("def later():\n    import orjson", ["orjson"]),
        ("import servicekit.db", ["servicekit.db"]),
        ("from matrix_svc import api", ["matrix_svc.api"]),
        ("from matrix_svc.db.tables import LANES", ["matrix_svc.db.tables.LANES"]),
        ("from ..db import tables", ["matrix_svc.db.tables"]),
        ("from qms_svc.domain import document", ["qms_svc.domain.document"]),
        ("import json, zoneinfo\nfrom whenever import Instant", []),
        (
            "from matrix_svc.domain import spells\nfrom . import versions\nfrom matrix_svc.domain.spells import x",
            [],
        ),
        ("from matrix_svc import domain", []),
        ("from plantkit.time import start_of_day\nfrom plantkit import governing", []),
        ("from plantkit import scope", ["plantkit.scope"]),
        ("from plantkit.scope.tables import columns", ["plantkit.scope.tables.columns"]),
    ],
)
def test_control_what_is_planted_is_seen(planted: str, told: list[str]) -> None:
    assert not_allowed(planted, "matrix_svc.domain") == told
