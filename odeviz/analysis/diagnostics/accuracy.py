"""Error against tolerance, against NFE and against step size, for many methods on one model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from odeviz.analysis.diagnostics.ladders import (
    TOLERANCES,
    Ladder,
    Solve,
    Yardstick,
    climb,
    finest_slope,
    settled_slope,
)
from odeviz.analysis.diagnostics.subject import TRAJECTORIES, number, setting_text
from odeviz.engine import METHODS
from odeviz.models import SolverOptions
from odeviz.tasks.chart import Chart, Curve, Picture, Role, frozen
from odeviz.tasks.numerals import thousands
from odeviz.tasks.scene import Scene

_EXPLICIT_ADAPTIVE = ("heun", "bosh3", "dopri5", "tsit5", "dop853")
_FIXED = ("euler", "midpoint", "ralston", "rk4")
#: Methods whose steps are ordinary tensor operations: slower by far, so that they are not asked for tight solves.
_SLOW = ("asynchronous-leapfrog", "adams", "esdirk4")
#: Methods whose order is measured: explicit ones of a fixed order.
_ORDERED = (*_FIXED, *_EXPLICIT_ADAPTIVE, "asynchronous-leapfrog")
#: Evaluations after which a method is not tried at tighter tolerances or with smaller steps.
_MOST, _MOST_SLOW, _MOST_ORDERED = 1000, 200, 1200
#: What is solved: other paths than those on show, which share other steps, so that errors and NFE differ from theirs.
_THESE = f"{TRAJECTORIES} paths of its own"
_LARGEST = "largest error at t₁"
#: Methods whose slopes are told in a sentence; the legend has them all.
_TOLD = ("euler", "rk4", "dopri5", "dop853")
#: What a solve's error is drawn over; a step's size from the number of steps and the end time.
_ALONG: dict[str, Callable[[Solve, float], float]] = {
    "tolerance": lambda one, t1: one.at,
    "nfe": lambda one, t1: float(one.nfe),
    "step": lambda one, t1: t1 / one.at,
}
#: Every method looks the same in all views.
_LOOKS: dict[str, tuple[Role, Literal["line", "dashed"]]] = {
    "dopri5": ("class0", "line"), "tsit5": ("class1", "line"), "dop853": ("class2", "line"),
    "bosh3": ("class3", "line"), "heun": ("class4", "line"), "rk4": ("class0", "dashed"),
    "euler": ("class1", "dashed"), "midpoint": ("class2", "dashed"), "ralston": ("class3", "dashed"),
    "asynchronous-leapfrog": ("class4", "dashed"), "adams": ("muted", "dashed"), "esdirk4": ("muted", "line"),
}  # fmt: skip


def tolerance(scene: Scene) -> Picture:
    """See the view."""
    yardstick = Yardstick.of(scene)
    ladders = _ladders(scene, _EXPLICIT_ADAPTIVE)
    share = climb(scene, yardstick, ladders)
    slopes = {one.method: _slope(one, yardstick, "tolerance") for one in ladders}
    curves = [_curve(scene, one, slopes[one.method], "tolerance") for one in ladders]
    ends = np.array([TOLERANCES[-1], TOLERANCES[0]])
    curves.append(Curve("error = tolerance", frozen(ends), frozen(ends), "muted", "dashed"))
    curves += _pinned(scene, yardstick, "tolerance", _adaptive)
    now, note = _now(scene, yardstick, _adaptive)
    if now is not None:
        lowest = min((one.error for ladder in ladders for one in ladder.solves), default=now.error)
        x = frozen([scene.solver.rtol] * 2)
        curves.append(Curve("", x, frozen([lowest, now.error]), "truth", "dashed"))
        curves.append(Curve("now", frozen([scene.solver.rtol]), frozen([now.error]), "truth", "points"))
    return Chart(
        "Error against tolerance",
        "tolerance (rtol = atol)",
        _LARGEST,
        tuple(curves),
        x_log=True,
        y_log=True,
        note=f"{note}The error falls as the tolerance to the power {_listed(slopes)}.",
        progress=share,
    )


def work_precision(scene: Scene) -> Picture:
    """See the view."""
    yardstick = Yardstick.of(scene)
    ladders = _ladders(scene, tuple(_LOOKS))
    share = climb(scene, yardstick, ladders)
    slopes = {one.method: _slope(one, yardstick, "nfe") for one in ladders}
    curves = [_curve(scene, one, slopes[one.method], "nfe") for one in ladders]
    curves += _pinned(scene, yardstick, "nfe", lambda options: True)
    now, note = _now(scene, yardstick, lambda options: True)
    if now is not None:
        curves.append(Curve("now", frozen([float(now.nfe)]), frozen([now.error]), "truth", "points"))
        best = _cheapest(ladders, now.error)
        if best is not None and share == 1.0:
            note += f"The fewest for that error: about {thousands(best[1])}, with {best[0]}. "
    shown = {m: slopes[m] for m in _TOLD}
    return Chart(
        "Error against NFE",
        "evaluations of the field (NFE)",
        _LARGEST,
        tuple(curves),
        x_log=True,
        y_log=True,
        note=f"{note}Slopes: {_listed(shown)}.",
        progress=share,
    )


def order(scene: Scene) -> Picture:
    """See the view."""
    yardstick = Yardstick.of(scene, 32)
    known: list[Ladder] = scene.remember(
        "by steps", lambda: [Ladder(m, _MOST_ORDERED, by_steps=True) for m in _ORDERED]
    )
    share = climb(scene, yardstick, known)
    slopes = {one.method: finest_slope(one.solves, yardstick.size) for one in known}
    curves = [_curve(scene, one, slopes[one.method], "step", t1=yardstick.subject.t1) for one in known]
    texts = [f"{m} {slopes[m]:.2f} (order {METHODS[m].order})" for m in _TOLD if math.isfinite(slopes[m])]
    told = ", ".join(texts) or "unknown"
    return Chart(
        "Order of every method",
        "step size h",
        "typical error at t₁",
        tuple(curves),
        x_log=True,
        y_log=True,
        note=f"Slopes at the smallest steps above rounding: {told}. Steeper: the steps are still too large for the "
        "leading error to stand alone. Flatter: the field has kinks, as of relu and ELU.",
        progress=share,
    )


def _ladders(scene: Scene, methods: tuple[str, ...]) -> list[Ladder]:
    """Those of the methods, which two views share; the method of the solver on show comes first."""

    def fresh() -> dict[str, Ladder]:
        most = dict.fromkeys(_SLOW, _MOST_SLOW)
        return {m: Ladder(m, most.get(m, _MOST), by_steps=m in _FIXED) for m in _LOOKS}

    ladders: dict[str, Ladder] = scene.remember("ladders", fresh)
    return sorted((ladders[m] for m in methods), key=lambda one: one.method != scene.solver.method)


def _slope(ladder: Ladder, yardstick: Yardstick, along: str) -> float:
    """Of one that is known to its end: before, it would still change."""
    if not ladder.done:
        return math.nan
    x = [_ALONG[along](one, 1.0) for one in ladder.solves]
    return settled_slope(x, [one.error for one in ladder.solves], yardstick.size)


def _adaptive(options: SolverOptions) -> bool:
    return METHODS[options.method].adaptive


def _now(
    scene: Scene, yardstick: Yardstick, shown: Callable[[SolverOptions], bool]
) -> tuple[Solve | None, str]:
    """The solver's present setting in the model's own precision, with a sentence; None where it has no place."""
    if not shown(scene.solver):
        return None, f"{setting_text(scene.solver)} has no tolerance. "
    now, message = _placed(scene, yardstick, scene.solver)
    if now is None:
        return None, f"Now {setting_text(scene.solver)}, with {_THESE}: {message} "
    precision = str(next(yardstick.subject.model.parameters()).dtype).removeprefix("torch.")
    where = f"in {precision}, " if precision == "float32" else ""
    told = f"error {number(now.error)}, {where}NFE {thousands(now.nfe)}"
    return now, f"Now {setting_text(scene.solver)}, with {_THESE}: {told}. "


def _placed(scene: Scene, yardstick: Yardstick, options: SolverOptions) -> tuple[Solve | None, str]:
    """A setting's solve in the model's own precision, or why there is none."""
    subject = yardstick.subject
    starts = subject.own(yardstick.starts)
    solution = subject.solve(scene, subject.model, starts, (0.0, subject.t1), options)
    if not solution.ok:
        return None, solution.message
    distance = (solution.y1.cpu().double() - yardstick.ends).norm(dim=1)
    return Solve(options.rtol, solution.stats.nfe_forward, float(distance.max()), math.nan), ""


def _pinned(
    scene: Scene, yardstick: Yardstick, along: str, shown: Callable[[SolverOptions], bool]
) -> list[Curve]:
    """The mark of the setting that is pinned, if one is and it has a place."""
    options = scene.pinned
    if options is None or not shown(options):
        return []
    one, _ = scene.remember(f"pinned {options}", lambda: _placed(scene, yardstick, options))
    if one is None:
        return []
    return [Curve("pinned", frozen([_ALONG[along](one, 1.0)]), frozen([one.error]), "baseline", "points")]


def _cheapest(ladders: list[Ladder], error: float) -> tuple[str, float] | None:
    """The method that reaches an error with the fewest evaluations, and how many."""
    found = {}
    for ladder in ladders:
        reached = [one.nfe for one in ladder.solves if one.error <= error]
        if reached:
            found[ladder.method] = min(reached)
    return min(found.items(), key=lambda item: item[1]) if found else None


def _curve(scene: Scene, ladder: Ladder, measured: float, along: str, t1: float = 1.0) -> Curve:
    """A ladder's errors, the very same object until there are more of them."""
    method, solves = ladder.method, ladder.solves
    # Of twelve methods the slopes would crowd the legend.
    told = ladder.done and math.isfinite(measured) and along != "nfe"

    def drawn() -> Curve:
        y = [one.typical if along == "step" else one.error for one in solves]
        label = f"{method} {number(round(measured, 1))}" if told else method
        return Curve(label, frozen([_ALONG[along](one, t1) for one in solves]), frozen(y), *_LOOKS[method])

    curve: Curve = scene.remember(f"{along} of {method}, {len(solves)}, {ladder.done}", drawn)
    return curve


def _listed(slopes: dict[str, float]) -> str:
    told = [f"{number(one)} ({method})" for method, one in slopes.items() if math.isfinite(one)]
    return ", ".join(told) or "unknown"


VIEWS: dict[str, Callable[[Scene], Picture]] = {
    "tolerance": tolerance,
    "work-precision": work_precision,
    "order": order,
}
