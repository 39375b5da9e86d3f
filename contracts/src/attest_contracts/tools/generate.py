"""Write every generated file of the contracts, or check that they are in step.

``python -m attest_contracts.tools.generate`` writes; with ``--check`` nothing is written, and the
exit code is 1 when a file differs from its sources, is missing, or has no source any more.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from attest_contracts import files
from attest_contracts.tools import models

# Folders in which every file is generated, so that one without a source is found.
WHOLLY_GENERATED = ("src/attest_contracts/models", "src/attest_contracts/events", "asyncapi")


def expected() -> dict[str, str]:
    """Path below ``contracts`` -> text that should stand there."""
    from attest_contracts import policy
    from attest_contracts.tools import asyncapi, constructors

    python = models.model_files() | constructors.constructor_files()
    generated = {f"src/attest_contracts/{path}": text for path, text in python.items()}
    generated["asyncapi/asyncapi.yaml"] = asyncapi.source()
    generated["policy/roles.golden.csv"] = policy.golden_csv()
    return generated


def differences(root: Path, wanted: dict[str, str]) -> list[str]:
    """One line for every file below ``root`` that is not as wanted; empty when all are in step."""
    found = []
    for path, text in wanted.items():
        file = root / path
        if not file.exists():
            found.append(f"{path}: missing")
        elif file.read_text(encoding="utf-8") != text:
            found.append(f"{path}: not in step with its sources")
    found += [f"{path}: has no source any more" for path in _orphans(root, wanted)]
    return found


def write(root: Path, wanted: dict[str, str]) -> list[str]:
    """Write what differs and remove what has no source; gives the paths that changed."""
    changed = []
    for path, text in wanted.items():
        file = root / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(path)
    for path in _orphans(root, wanted):
        (root / path).unlink()
        changed.append(path)
    return changed


def _orphans(root: Path, wanted: dict[str, str]) -> list[str]:
    present = (
        str(file.relative_to(root))
        for folder in WHOLLY_GENERATED
        for file in (root / folder).glob("*.*")
        if file.suffix in (".py", ".yaml")
    )
    return sorted(path for path in present if path not in wanted)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="attest_contracts.tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    options = parser.parse_args(arguments)
    root = files.source_root()
    if options.check:
        found = differences(root, expected())
        for line in found:
            print(line, file=sys.stderr)
        return 1 if found else 0
    for path in write(root, expected()):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
