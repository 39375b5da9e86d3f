"""The lock of the released schemas.

``released/<schema>.<n>.schema.json`` keeps every edition of a schema that was ever released, and
``schemas.lock`` their digests. ``--check`` fails when a released edition was changed, removed or is
not in the lock, and when a schema differs from its last edition. ``--release`` adds an edition of
every schema that differs, after the compatibility gate has compared it with *all* earlier ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from attest_contracts import files
from attest_contracts.tools import compat

HEADER = "# sha256 of every released edition of a schema; a line is added by --release and never changed.\n"
EDITION = re.compile(r"(?P<schema>.+\.v\d+)\.(?P<number>\d+)\.schema\.json")


def check(root: Path) -> list[str]:
    """What is wrong below the ``contracts`` folder ``root``, one line each; empty when all is well."""
    locked = read_lock(root)
    present = {file.name: _digest(file) for file in (root / "released").glob("*.json")}
    found = [f"released/{name}: removed, but locked" for name in sorted(locked.keys() - present.keys())]
    for name, digest in sorted(present.items()):
        if name not in locked:
            found.append(f"released/{name}: not in schemas.lock")
        elif locked[name] != digest:
            found.append(f"released/{name}: changed after its release")
    for schema in _schemas(root):
        editions = _editions(root, schema)
        if not editions:
            found.append(f"schemas/{schema}: never released; run --release")
        elif _load(editions[-1]) != _load(_current(root, schema)):
            found += [f"schemas/{schema}: {line}" for line in _gate(root, schema)]
            found.append(f"schemas/{schema}: differs from its last released edition; run --release")
    missing = {_schema_of(name) for name in present} - set(_schemas(root))
    found += [f"schemas/{schema}: removed, but it was released" for schema in sorted(missing)]
    return found


def release(root: Path) -> tuple[list[str], list[str]]:
    """(released, refused): the editions that were written, or what forbids it and then none were."""
    waiting: list[tuple[str, int]] = []
    refused: list[str] = []
    for schema in _schemas(root):
        editions = _editions(root, schema)
        if editions and _load(editions[-1]) == _load(_current(root, schema)):
            continue
        refused += [f"schemas/{schema}: {line}" for line in _gate(root, schema)]
        waiting.append((schema, len(editions)))
    if refused:
        return [], refused
    locked = read_lock(root)
    written = []
    for schema, number in waiting:
        name = f"{schema}.{number}.schema.json"
        target = root / "released" / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(_current(root, schema).read_bytes())
        locked[name] = _digest(target)
        written.append(name)
    lines = [f"{digest}  {name}\n" for name, digest in sorted(locked.items())]
    (root / "schemas.lock").write_text(HEADER + "".join(lines), encoding="utf-8")
    return written, []


def read_lock(root: Path) -> dict[str, str]:
    """File name -> digest."""
    lines = (root / "schemas.lock").read_text(encoding="utf-8").splitlines()
    entries = (line.split("  ", 1) for line in lines if line and not line.startswith("#"))
    return {name: digest for digest, name in entries}


def _gate(root: Path, schema: str) -> list[str]:
    current = _load(_current(root, schema))
    lines = [line for edition in _editions(root, schema) for line in compat.breaking(_load(edition), current)]
    return list(dict.fromkeys(lines))


def _schemas(root: Path) -> list[str]:
    return sorted(file.name.removesuffix(".schema.json") for file in (root / "schemas").glob("*.json"))


def _schema_of(edition: str) -> str:
    match = EDITION.fullmatch(edition)
    return match["schema"] if match else edition


def _editions(root: Path, schema: str) -> list[Path]:
    found = (
        (int(match["number"]), file)
        for file in (root / "released").glob(f"{schema}.*.schema.json")
        if (match := EDITION.fullmatch(file.name)) and match["schema"] == schema
    )
    return [file for _, file in sorted(found)]


def _current(root: Path, schema: str) -> Path:
    return root / "schemas" / f"{schema}.schema.json"


def _load(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="attest_contracts.tools.lock", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="write nothing; fail when the lock is broken")
    what.add_argument("--release", action="store_true", help="add an edition of every schema that differs")
    options = parser.parse_args(arguments)
    root = files.source_root()
    if options.check:
        wrong = check(root)
    else:
        released, wrong = release(root)
        for name in released:
            print(name)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
