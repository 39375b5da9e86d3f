"""`attest bench`: ratios measured in one run on this machine, written to build/bench.json.

A figure is compared with a baseline of the same run: raw sending of the same bytes, a bare health request at the same
rate. Targets are not gates; what is not reached is written as it is.
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from attest.benching import bus, engine, plant, platform
from attest.benching.figures import Figure

PARTS = ("relay", "engine", "plant", "platform")


def add_bench(parser: argparse.ArgumentParser) -> None:
    """Arguments of `attest bench`."""
    parser.add_argument("--rows", type=int, default=100_000, help="events of the relay's drain")
    parser.add_argument(
        "--people", type=int, default=50_000, help="people of the larger revision; the smaller has a fifth"
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this alone (repeatable)")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))


def bench(args: argparse.Namespace) -> int:
    """Measures and writes; exit code 0 whatever the figures are."""
    parts: Mapping[str, Callable[[], Iterable[Figure]]] = {
        "relay": lambda: bus.relay(args.rows),
        "engine": engine.engine,
        "plant": plant.plant,
        "platform": lambda: platform.figures(args.people),
    }
    found: list[Figure] = []
    # As a service does at its start: what is measured in this process is not the collector's walk through it.
    gc.collect()
    gc.freeze()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for name in args.only or PARTS:
        for one in parts[name]():
            print(one.told(), flush=True)
            found.append(one)
            # Written as they come, so that a run that is cut short has told what it knew.
            args.out.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    print(f"written to {args.out}")
    return 0
