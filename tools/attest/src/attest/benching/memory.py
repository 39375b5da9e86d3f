"""Memory of a running platform, from the process tables: shared pages are counted once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def megabytes(programs: dict[str, int]) -> dict[str, float]:
    """programs: name -> process id. The proportional set size of each with its descendants, in MB."""
    children = _children()
    return {name: sum(map(_pss, _tree(pid, children))) / 1024 for name, pid in programs.items()}


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name of a program may hold anything, brackets included.
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        found[parent].append(int(entry.name))
    return found


def _tree(pid: int, children: dict[int, list[int]]) -> Iterable[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _tree(child, children)


def _pss(pid: int) -> int:
    """In kB; 0 for a process that has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
