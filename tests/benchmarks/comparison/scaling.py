"""Does time grow faster than the work? One quantity at a time: batch, width, dimension, tolerance, output times.

The work is what a solve must do at least: floating-point operations of its evaluations, two for each weight and
sample and ``ACTIVATION`` for each unit and sample, and ``OUTPUT`` for each number it returns. Time for a unit of
work is compared from one row to the next. While a call's fixed cost dominates it falls; once it no longer does it
should stay, until the working set leaves a cache. A row is flagged where it rises by more than ``ALLOWED``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import torch

from comparison.problem import make_field, squared_length
from comparison.timing import in_turns
from odeviz.engine import solve

ACTIVATION = 10
OUTPUT = 10
ALLOWED = 1.25


@dataclass(frozen=True)
class Size:
    """One solve: everything that is varied."""

    batch: int = 512
    width: int = 64
    dim: int = 2
    tolerance: float = 1e-5
    outputs: int = 2


@dataclass(frozen=True)
class Row:
    """Milliseconds and evaluations of a solve without and with its gradient, and operations of the former.

    ``growth``: time for a unit of work against the row before, forward and with gradient; None in a first row.
    """

    varied: str
    value: float
    forward: float
    gradient: float
    nfe: str
    work: float
    growth: tuple[float, float] | None

    @property
    def flagged(self) -> bool:
        return self.growth is not None and max(self.growth) > ALLOWED


SWEEPS: dict[str, tuple[float, ...]] = {
    "batch": (1, 4, 16, 64, 256, 1024, 4096, 16384),
    "width": (16, 32, 64, 128, 256),
    "dim": (2, 4, 8, 16, 32, 64),
    "tolerance": tuple(10.0**-k for k in range(2, 10)),
    "outputs": (2, 10, 100, 1000),
}
QUICK: dict[str, tuple[float, ...]] = {
    "batch": (1, 64, 1024, 16384),
    "width": (16, 64, 256),
    "dim": (2, 16, 64),
    "tolerance": (1e-2, 1e-5, 1e-9),
    "outputs": (2, 100, 1000),
}


def measure(varied: str, sizes: Sequence[Size], scale: float, seconds: float) -> Iterator[Row]:
    """Rows of one sweep. Its sizes take turns, so that they are compared under the same load."""
    # Below float32's resolution no step is accepted: tolerances are swept in float64.
    dtype = torch.float64 if varied == "tolerance" else torch.float32
    calls, stats = {}, {}
    for size in sizes:
        for differentiates in (False, True):
            calls[size, differentiates] = _call(size, scale, dtype, differentiates, stats)
    timings = in_turns(calls, seconds, least=3)
    before: tuple[float, float] | None = None
    for size in sizes:
        taken = timings[size, False].median, timings[size, True].median
        forward, both = stats[size, False], stats[size, True]
        work = _operations(size, forward.nfe_forward)
        works = work, _operations(size, both.nfe_forward) * (1 + 2 * both.nfe_backward / both.nfe_forward)
        unit = taken[0] / works[0], taken[1] / works[1]
        growth = None if before is None else (unit[0] / before[0], unit[1] / before[1])
        nfe = f"{both.nfe_forward} + {both.nfe_backward}"
        yield Row(varied, getattr(size, varied), 1e3 * taken[0], 1e3 * taken[1], nfe, work, growth)
        before = unit


def _call(size: Size, scale: float, dtype: torch.dtype, differentiates: bool, stats: dict):
    # More dimensions would make a stiffer field of the same first weights, and so another number of steps.
    field = make_field(dtype, scale, size.dim, (size.width, size.width))
    torch.manual_seed(1)
    y0 = torch.randn(size.batch, size.dim, dtype=dtype)
    times = torch.linspace(0, 1, size.outputs, dtype=torch.float64).tolist()

    def call() -> None:
        field.zero_grad()
        with torch.set_grad_enabled(differentiates):
            solution = solve(field, y0, times, rtol=size.tolerance, atol=size.tolerance)
        if not solution.ok:
            raise RuntimeError(f"{size}: {solution.message}")
        if differentiates:
            # Every output takes part, or their gradients would be left out of the time.
            squared_length(solution.y.mean(0)).backward()
        stats[size, differentiates] = solution.stats

    return call


def _operations(size: Size, nfe: int) -> float:
    weights = 2 * size.dim * size.width + size.width**2
    evaluation = 2 * weights + ACTIVATION * 2 * size.width
    return size.batch * (nfe * evaluation + OUTPUT * size.outputs * size.dim)


def scaling(scale: float, quick: bool) -> tuple[str, dict[str, Any]]:
    """The table as Markdown, and its rows."""
    rows: list[Row] = []
    for varied, values in (QUICK if quick else SWEEPS).items():
        print(f"{varied} ...", file=sys.stderr, flush=True)
        sizes = [replace(Size(), **{varied: value}) for value in values]
        rows += measure(varied, sizes, scale, 3.0 if quick else 10.0)
    lines = [
        "| varied | | forward ms | with gradient ms | NFE | work, MFLOP | GFLOP/s | time per work against "
        "the row before | with gradient | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [_line(row) for row in rows]
    flagged = [row for row in rows if row.flagged]
    return "\n".join(lines) + f"\n\n{_summary(rows, flagged)}", {"rows": [asdict(row) for row in rows]}


def _line(row: Row) -> str:
    growth = ("", "") if row.growth is None else tuple(f"{each:.2f}" for each in row.growth)
    flag = "grows faster than its work" if row.flagged else ""
    rate = row.work / (1e6 * row.forward)
    return (
        f"| {row.varied} | {row.value:g} | {row.forward:.2f} | {row.gradient:.2f} | {row.nfe} "
        f"| {row.work / 1e6:.1f} | {rate:.1f} | {growth[0]} | {growth[1]} | {flag} |"
    )


def _summary(rows: Sequence[Row], flagged: Sequence[Row]) -> str:
    if not flagged:
        return f"Nowhere does time for a unit of work rise by more than {ALLOWED - 1:.0%} from a row to the next."
    worst = ", ".join(
        f"{after.varied} {before.value:g} to {after.value:g} ({max(after.growth or (0, 0)):.2f})"
        for before, after in pairwise(rows)
        if after in flagged
    )
    return f"Time for a unit of work rises by more than {ALLOWED - 1:.0%} at: {worst}."
