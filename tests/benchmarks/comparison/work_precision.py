"""Time to reach an error: every adaptive method of odeviz, torchdiffeq's dopri5, diffrax's Dopri5 and Tsit5.

A forward solve at tolerances 1e-2 to 1e-8, in float64 so that the tolerance and not the dtype is what limits it.
From the (error, time) pairs of a solver the time to reach an error is interpolated between their logarithms.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import torch

from comparison.jax_peer import SOLVERS, diffrax_contenders, double_precision
from comparison.problem import FORWARD, Absent, Case, Contender, exact, make_case, relative_error
from comparison.timing import in_turns
from comparison.torch_peers import our_contenders, torchdiffeq_contenders
from odeviz.engine import METHODS

TOLERANCES = tuple(10.0**-k for k in range(2, 9))
TARGETS = tuple(10.0**-k for k in range(3, 9))
REFERENCE = 1e-12
#: Seconds: a solver that took longer is not asked for a tighter tolerance.
_PATIENCE = 0.5


@dataclass(frozen=True)
class Row:
    """One solver at one tolerance: milliseconds, relative error at the end, evaluations."""

    solver: str
    tolerance: float
    milliseconds: float
    error: float
    nfe: str


def contenders(case: Case, tired: Collection[str]) -> list[Contender]:
    """Who solves the case, less the tired; a method that cannot is named on stderr and left out."""
    everybody: list[Contender | Absent] = []
    for name, method in METHODS.items():
        if getattr(method, "adaptive", False):
            everybody += [
                replace(each, name=f"odeviz {name}")
                for each in our_contenders(replace(case, method=name))
                if isinstance(each, Contender)
            ]
    everybody += torchdiffeq_contenders(case)
    for name in SOLVERS:
        everybody += [
            replace(each, name=f"diffrax {SOLVERS[name]}") if isinstance(each, Contender) else each
            for each in diffrax_contenders(replace(case, method=name))
        ]
    present = []
    for each in everybody:
        if each.name in tired:
            continue
        try:
            if isinstance(each, Contender):
                each.read(each.call())
                present.append(each)
            else:
                print(f"{each.name} is absent: {each.reason}", file=sys.stderr)
        except Exception as trouble:  # a field may be beyond a method, which the others need not suffer from
            print(f"{each.name} at {case.tolerance:g}: {trouble}", file=sys.stderr)
    return present


def measure(
    tolerance: float, batch: int, scale: float, seconds: float, tired: Collection[str] = ()
) -> list[Row]:
    case = replace(make_case(FORWARD, batch, scale, torch.float64), tolerance=tolerance)
    answer = exact(case, REFERENCE)
    present = contenders(case, tired)
    timings = in_turns({each.name: each.call for each in present}, seconds, least=3)
    rows = []
    for each in present:
        outcome = each.read(timings[each.name].last)
        error = math.nan if answer is None else relative_error(outcome.parts, answer)
        rows.append(Row(each.name, tolerance, 1e3 * timings[each.name].median, error, outcome.nfe))
    return rows


def time_to_reach(error: float, rows: Sequence[Row]) -> float | None:
    """Milliseconds, between the two rows that enclose the error; None where none do."""
    points = sorted((row.error, row.milliseconds) for row in rows if row.error > 0)
    for (e0, t0), (e1, t1) in pairwise(points):
        if e0 <= error <= e1 and e0 < e1:
            share = (math.log(error) - math.log(e0)) / (math.log(e1) - math.log(e0))
            return math.exp(math.log(t0) + share * (math.log(t1) - math.log(t0)))
    return None


def work_precision(batch: int, scale: float, quick: bool) -> tuple[str, dict[str, Any]]:
    """Both tables as Markdown, and their rows."""
    rows: list[Row] = []
    with double_precision():
        for tolerance in TOLERANCES[::2] if quick else TOLERANCES:
            print(f"tolerance {tolerance:g} ...", file=sys.stderr, flush=True)
            tired = {row.solver for row in rows if row.milliseconds > 1e3 * _PATIENCE}
            rows += measure(tolerance, batch, scale, 2.0 if quick else 5.0, tired)
    by_solver: dict[str, list[Row]] = {}
    for row in rows:
        by_solver.setdefault(row.solver, []).append(row)
    reached = {
        name: {f"{error:g}": time_to_reach(error, of_one) for error in TARGETS}
        for name, of_one in by_solver.items()
    }
    text = f"Batch {batch}, float64.\n\n{_reached_table(reached)}\n\n{_measured_table(by_solver)}"
    return text, {"rows": [asdict(row) for row in rows], "milliseconds_to_reach": reached}


def _reached_table(reached: dict[str, dict[str, float | None]]) -> str:
    names = [f"{error:.0e}" for error in TARGETS]
    lines = [f"| milliseconds to reach | {' | '.join(names)} |", "| --- |" + " ---: |" * len(names)]
    for solver, times in reached.items():
        cells = ("–" if time is None else f"{time:.2f}" for time in times.values())
        lines.append(f"| {solver} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measured_table(by_solver: dict[str, list[Row]]) -> str:
    lines = [
        "| solver | tolerance | median ms | relative error | NFE |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, rows in by_solver.items():
        lines += [
            f"| {name} | {row.tolerance:.0e} | {row.milliseconds:.2f} | {row.error:.1e} | {row.nfe} |"
            for row in rows
        ]
    return "\n".join(lines)
