"""Print, write or check the state of the requirements; see the package."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from attest.requirements.catalogue import CatalogueError, load
from attest.requirements.marks import collect
from attest.requirements.page import PAGE, page, table
from attest.requirements.rules import problems, rows


def main(argv: Sequence[str] | None = None, root: Path | None = None) -> int:
    """Run one of the three commands on the repository at `root`; exit code 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m attest.requirements", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help=f"write {PAGE}")
    what.add_argument(
        "--check", action="store_true", help="fail on a wrong file, mark or state, or an old page"
    )
    args = parser.parse_args(argv)
    root = root or Path.cwd()
    try:
        catalogue = load(root)
    except CatalogueError as error:
        return _fail(error.problems)
    marks = collect(root)
    state = rows(catalogue, marks.found)
    target = root / PAGE
    if args.check:
        found = problems(catalogue, marks)
        if not target.exists() or target.read_text(encoding="utf-8") != page(catalogue, state):
            found.append(f"{PAGE} is not in step: run `make generate`")
        return _fail(found) if found else 0
    if args.write:
        target.write_text(page(catalogue, state), encoding="utf-8")
        return 0
    sys.stdout.write(table(catalogue, state))
    return 0


def _fail(problems: Sequence[str]) -> int:
    for each in problems:
        sys.stderr.write(f"requirements: {each}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
