"""Error against tolerance, against NFE and against step size, for many methods on one model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from odeviz.analysis.diagnostics.subject import Subject, number, setting_text, slope, subject_of, typical
from odeviz.engine import METHODS
from odeviz.models import SolverOptions
from odeviz.tasks.chart import Chart, Curve, Picture, Role, frozen
from odeviz.tasks.scene import Scene

_EXPLICIT_ADAPTIVE = ("heun", "bosh3", "dopri5", "tsit5", "dop853")
_FIXED = ("euler", "midpoint", "ralston", "rk4")
#: Methods whose steps are ordinary tensor operations: slower by far, so that they are not asked for tight solves.
_SLOW = ("asynchronous-leapfrog", "adams", "esdirk4")
#: Methods whose order is measured: explicit ones of a fixed order.
_ORDERED = (*_FIXED, *_EXPLICIT_ADAPTIVE, "asynchronous-leapfrog")
#: Evaluations after which a method is not tried at tighter tolerances or with smaller steps.
_MOST, _MOST_SLOW, _MOST_ORDERED = 1000, 200, 1200
_TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(2, 19))
#: Methods whose slopes are told in a sentence; the legend has them all.
_TOLD = ("euler", "rk4", "dopri5", "dop853")
#: Slopes are fitted where errors are below this share of the states' size, and above float64's rounding.
_LARGE, _ROUNDING = 0.1, 2e-13
#: Every method looks the same in all views.
_LOOKS: dict[str, tuple[Role, Literal["line", "dashed"]]] = {
    "dopri5": ("class0", "line"), "tsit5": ("class1", "line"), "dop853": ("class2", "line"),
    "bosh3": ("class3", "line"), "heun": ("class4", "line"), "rk4": ("class0", "dashed"),
    "euler": ("class1", "dashed"), "midpoint": ("class2", "dashed"), "ralston": ("class3", "dashed"),
    "asynchronous-leapfrog": ("class4", "dashed"), "adams": ("truth", "dashed"), "esdirk4": ("muted", "line"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Solve:
    """One solve: its tolerance or its number of steps, what it cost and how far from the truth it ended."""

    at: float
    nfe: int
    #: The largest distance at t1, and the geometric mean of all.
    error: float
    typical: float


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Errors of solves from the subject's starts, in float64."""

    scene: Scene
    subject: Subject
    starts: Tensor
    ends: Tensor

    @classmethod
    def of(cls, scene: Scene, trajectories: int | None = None) -> Yardstick:
        subject = subject_of(scene)
        ends = subject.ends(scene)[:trajectories]
        return cls(scene, subject, subject.starts()[:trajectories], ends)

    @property
    def size(self) -> float:
        """Root mean square of the states."""
        return float(self.ends.square().sum(1).mean().sqrt())

    def solve(self, options: SolverOptions, at: float, steps: int | None = None) -> Solve | None:
        """None where the solve did not arrive."""
        solution = self.subject.solve(
            self.scene, self.subject.exact, self.starts, (0.0, self.subject.t1), options, steps
        )
        if not solution.ok:
            return None
        distance = (solution.y1 - self.ends).norm(dim=1)
        return Solve(at, solution.stats.nfe_forward, float(distance.max()), typical(distance))

    def by_tolerance(self, method: str, most: int) -> list[Solve]:
        """Solves at tighter and tighter tolerances, until they cost too much or reach the yardstick's own error."""
        solves = []
        for tolerance in _TOLERANCES:
            one = self.solve(SolverOptions(method, tolerance, tolerance, max_steps=most), tolerance)
            if one is not None:
                solves.append(one)
            if one is None or one.nfe > most or one.error < _ROUNDING * self.size:
                break
        return solves

    def by_steps(self, method: str, most: int) -> list[Solve]:
        """Solves with 2, 4, 8 ... equal steps, until they cost too much or no smaller error is possible."""
        solves, n = [], 2
        while n * METHODS[method].stages <= 1.5 * most:
            one = self.solve(SolverOptions(method), float(n), n)
            if one is not None and math.isfinite(one.error):
                solves.append(one)
                if one.typical < _ROUNDING * self.size:
                    break
            n *= 2
        return solves


def settled_slope(x: list[float], y: list[float], size: float) -> float:
    """Slope of log y against log x where errors are neither large nor rounding."""
    fit = [(a, b) for a, b in zip(x, y, strict=True) if 1e-11 * size < b < _LARGE * size]
    return slope([a for a, _ in fit], [b for _, b in fit])


def finest_slope(solves: list[Solve], size: float) -> float:
    """Slope of the typical error against the step size, between the two smallest steps above rounding."""
    above = [one for one in solves if one.typical > _ROUNDING * size][-2:]
    return slope([1.0 / one.at for one in above], [one.typical for one in above])


def tolerance(scene: Scene) -> Picture:
    """See the view."""
    yardstick = Yardstick.of(scene)
    known: dict[str, list[Solve]] = scene.remember(
        "by tolerance", lambda: {m: yardstick.by_tolerance(m, _MOST) for m in _EXPLICIT_ADAPTIVE}
    )
    curves, slopes = [], {}
    for method, solves in known.items():
        tolerances, errors = [one.at for one in solves], [one.error for one in solves]
        slopes[method] = settled_slope(tolerances, errors, yardstick.size)
        curves.append(_curve(method, slopes[method], tolerances, errors))
    ends = np.array([_TOLERANCES[-1], _TOLERANCES[0]])
    curves.append(Curve("error = tolerance", frozen(ends), frozen(ends), "muted", "dashed"))
    now, note = _now(scene, yardstick, _adaptive)
    if now is not None:
        lowest = min((one.error for solves in known.values() for one in solves), default=now.error)
        x = frozen([scene.solver.rtol] * 2)
        curves.append(Curve("", x, frozen([lowest, now.error]), "truth", "dashed"))
        curves.append(Curve("now", frozen([scene.solver.rtol]), frozen([now.error]), "truth", "points"))
    return Chart(
        "Error against tolerance",
        "tolerance (rtol = atol)",
        "largest error at t₁",
        tuple(curves),
        x_log=True,
        y_log=True,
        note=f"{note}The error falls as the tolerance to the power {_listed(slopes)}.",
    )


def work_precision(scene: Scene) -> Picture:
    """See the view."""
    yardstick = Yardstick.of(scene)
    known: dict[str, list[Solve]] = scene.remember("work and precision", lambda: _every_method(yardstick))
    curves, slopes = [], {}
    for method, solves in known.items():
        nfe, errors = [float(one.nfe) for one in solves], [one.error for one in solves]
        slopes[method] = settled_slope(nfe, errors, yardstick.size)
        curves.append(_curve(method, slopes[method], nfe, errors))
    now, note = _now(scene, yardstick, lambda options: True)
    if now is not None:
        curves.append(Curve("now", frozen([float(now.nfe)]), frozen([now.error]), "truth", "points"))
        best = _cheapest(known, now.error)
        if best is not None:
            note += f"The fewest evaluations for that error: about {best[1]:.0f}, with {best[0]}. "
    shown = {m: slopes[m] for m in _TOLD}
    return Chart(
        "Error against NFE",
        "evaluations of the field (NFE)",
        "largest error at t₁",
        tuple(curves),
        x_log=True,
        y_log=True,
        note=f"{note}Slopes: {_listed(shown)}.",
    )


def order(scene: Scene) -> Picture:
    """See the view."""
    yardstick = Yardstick.of(scene, 32)
    known: dict[str, list[Solve]] = scene.remember(
        "by steps", lambda: {m: yardstick.by_steps(m, _MOST_ORDERED) for m in _ORDERED}
    )
    curves, slopes = [], {}
    for method, solves in known.items():
        slopes[method] = finest_slope(solves, yardstick.size)
        sizes = [yardstick.subject.t1 / one.at for one in solves]
        curves.append(_curve(method, slopes[method], sizes, [one.typical for one in solves]))
    texts = [f"{m} {slopes[m]:.2f} (order {METHODS[m].order})" for m in _TOLD if math.isfinite(slopes[m])]
    told = ", ".join(texts) or "unknown"
    return Chart(
        "Order of every method",
        "step size h",
        "typical error at t₁",
        tuple(curves),
        x_log=True,
        y_log=True,
        note=f"Slopes at the smallest steps above rounding: {told}. Above the order, the steps are still too large for "
        "the leading error to stand alone; below it, the field has kinks, as those of relu and ELU.",
    )


def _every_method(yardstick: Yardstick) -> dict[str, list[Solve]]:
    fixed = {m: yardstick.by_steps(m, _MOST) for m in _FIXED}
    adaptive = {m: yardstick.by_tolerance(m, _MOST) for m in _EXPLICIT_ADAPTIVE}
    return fixed | adaptive | {m: yardstick.by_tolerance(m, _MOST_SLOW) for m in _SLOW}


def _adaptive(options: SolverOptions) -> bool:
    return METHODS[options.method].adaptive


def _now(
    scene: Scene, yardstick: Yardstick, shown: Callable[[SolverOptions], bool]
) -> tuple[Solve | None, str]:
    """The solver's present setting in the model's own precision, with a sentence; None where it has no place."""
    if not shown(scene.solver):
        return None, f"{setting_text(scene.solver)} has no tolerance. "
    subject = yardstick.subject
    starts = subject.own(yardstick.starts)
    solution = subject.solve(scene, subject.model, starts, (0.0, subject.t1), scene.solver)
    if not solution.ok:
        return None, f"Now {setting_text(scene.solver)}: {solution.message} "
    distance = (solution.y1.cpu().double() - yardstick.ends).norm(dim=1)
    now = Solve(scene.solver.rtol, solution.stats.nfe_forward, float(distance.max()), math.nan)
    precision = str(solution.y1.dtype).removeprefix("torch.")
    where = f"in {precision}, " if solution.y1.dtype == torch.float32 else ""
    return now, f"Now {setting_text(scene.solver)}: error {number(now.error)}, {where}NFE {now.nfe}. "


def _cheapest(known: dict[str, list[Solve]], error: float) -> tuple[str, float] | None:
    """The method that reaches an error with the fewest evaluations, and how many."""
    found = {}
    for method, solves in known.items():
        reached = [one.nfe for one in solves if one.error <= error]
        if reached:
            found[method] = min(reached)
    return min(found.items(), key=lambda item: item[1]) if found else None


def _curve(method: str, measured: float, x: list[float], y: list[float]) -> Curve:
    label = method if math.isnan(measured) else f"{method} {number(round(measured, 1))}"
    return Curve(label, frozen(x), frozen(y), *_LOOKS[method])


def _listed(slopes: dict[str, float]) -> str:
    told = [f"{number(one)} ({method})" for method, one in slopes.items() if math.isfinite(one)]
    return ", ".join(told) or "unknown"


VIEWS: dict[str, Callable[[Scene], Picture]] = {
    "tolerance": tolerance,
    "work-precision": work_precision,
    "order": order,
}
