"""Where the contract files are: inside the package in a wheel, beside it in the source tree."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


@cache
def root() -> Traversable:
    """The folder that holds ``topics``, ``schemas``, ``examples``, ``asyncapi`` and ``policy``."""
    packaged = files("attest_contracts") / "_files"
    if packaged.is_dir():
        return packaged
    return source_root()


def source_root() -> Path:
    """The ``contracts`` folder of the source tree; raises FileNotFoundError in an installed wheel."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / "topics").is_dir():
        raise FileNotFoundError(f"no contract files in {folder}")
    return folder


def read(*path: str) -> str:
    """Text of one file below the root, e.g. ``read("schemas", "envelope.v1.schema.json")``."""
    return root().joinpath(*path).read_text(encoding="utf-8")


def names(folder: str, suffix: str) -> list[str]:
    """Sorted names of the files of one folder that end in ``suffix``."""
    return sorted(entry.name for entry in root().joinpath(folder).iterdir() if entry.name.endswith(suffix))
