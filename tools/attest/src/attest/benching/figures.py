"""A figure, and how it is told."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of build/bench.json. ratio = value / baseline; met: whether the target holds, None without one."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None

    def told(self) -> str:
        """One line for a person."""
        ratio = "" if self.ratio is None else f", {self.ratio:.2f} x {self.baseline_name}"
        met = "" if self.met is None else (" (met)" if self.met else f" (target: {self.target})")
        return f"{self.name}: {self.value:.4g} {self.unit}{ratio}{met}"


def figure(
    name: str,
    value: float,
    unit: str,
    *,
    beside: tuple[str, float] | None = None,
    most: float | None = None,
    least_ratio: float | None = None,
    most_ratio: float | None = None,
) -> Figure:
    """beside: name and value of the baseline. most: target of the value; least_ratio, most_ratio: of the ratio."""
    baseline_name, baseline = beside or ("", None)
    ratio = value / baseline if baseline else None
    targets: list[str] = []
    met: list[bool] = []
    if most is not None:
        targets.append(f"{most:g} {unit} or less")
        met.append(value <= most)
    if least_ratio is not None and ratio is not None:
        targets.append(f"{least_ratio:g} x {baseline_name} or more")
        met.append(ratio >= least_ratio)
    if most_ratio is not None and ratio is not None:
        targets.append(f"{most_ratio:g} x {baseline_name} or less")
        met.append(ratio <= most_ratio)
    return Figure(
        name, value, unit, baseline, baseline_name, ratio, ", ".join(targets), all(met) if met else None
    )


def percentile(values: Sequence[float], share: int) -> float:
    """The share-th percentile, interpolated."""
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
