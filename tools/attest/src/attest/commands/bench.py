"""`attest bench`: ratios measured in one run on this machine, written to build/bench.json.

A figure is compared with a baseline of the same run: raw sending of the same bytes, a bare health request at the same
rate. Targets are not gates; what is not reached is written as it is.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from attest.benching import bus, engine, plant, platform
from attest.benching.figures import Figure

PARTS = ("relay", "engine", "plant", "platform")


@click.command()
@click.option("--rows", type=int, default=100_000, help="events of the relay's drain")
@click.option(
    "--people", type=int, default=50_000, help="people of the larger revision; the smaller has a fifth"
)
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="measure this alone (repeatable)")
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/bench.json"))
def bench(rows: int, people: int, only: tuple[str, ...], out: Path) -> int:
    """Measure ratios on this machine, into build/bench.json; exit code 0 whatever the figures are."""
    parts: Mapping[str, Callable[[], Iterable[Figure]]] = {
        "relay": lambda: bus.relay(rows),
        "engine": engine.engine,
        "plant": plant.plant,
        "platform": lambda: platform.figures(people),
    }
    found: list[Figure] = []
    # As a service does at its start: what is measured in this process is not the collector's walk through it.
    gc.collect()
    gc.freeze()
    out.parent.mkdir(parents=True, exist_ok=True)
    for name in only or PARTS:
        for one in parts[name]():
            print(one.told(), flush=True)
            found.append(one)
            # Written as they come, so that a run that is cut short has told what it knew.
            out.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    print(f"written to {out}")
    return 0
