"""Time against NFE (Chen et al., 2018, Fig. 3b), and backward against forward NFE (Fig. 3c), as measured here."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from odeviz.analysis.diagnostics.subject import Subject, number, subject_of
from odeviz.engine import METHODS, solve
from odeviz.models import SolverOptions
from odeviz.tasks.chart import Chart, Charts, Curve, Picture, Role, frozen
from odeviz.tasks.scene import Cancelled, Scene

_TIMED = ("dopri5", "tsit5", "bosh3")
_TIMED_ROLES: dict[str, Role] = {"dopri5": "class0", "tsit5": "class1", "bosh3": "class2"}
#: float32 resolves no tighter ones.
_TOLERANCES = tuple(10.0 ** (-k / 2) for k in range(2, 12))
#: Each solve is timed so often, and the shortest counts: what is longer, something else has taken.
_REPEATS = 6
#: The thread's own time, which other threads do not lengthen; on Windows it ticks too coarsely.
_clock = time.perf_counter if sys.platform == "win32" else time.thread_time
#: Solves with more evaluations would take the others' time; and attempted steps of a differentiated solve.
_MOST, _MOST_DIFFERENTIATED = 500, 100
#: Gradient modes with the method each is shown with, and their colours; the differentiated tolerances.
MODES: dict[str, str] = {
    "discrete": "dopri5", "backprop": "dopri5", "interpolating": "dopri5", "backsolve": "dopri5",
    "reversible": "asynchronous-leapfrog",
}  # fmt: skip
_MODE_ROLES: dict[str, Role] = {
    "discrete": "class0", "backprop": "class1", "interpolating": "class2", "backsolve": "class3",
    "reversible": "class4",
}  # fmt: skip
_DIFFERENTIATED = (1e-1, 1e-2, 1e-3, 1e-4)


@dataclass(frozen=True, slots=True)
class Timed:
    """A solve's method, evaluations and time in ms."""

    method: str
    nfe: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Line:
    """``y = at_zero + slope x`` by least squares, with the share R² of the variance it explains."""

    at_zero: float
    slope: float
    r2: float

    @classmethod
    def through(cls, x: np.ndarray, y: np.ndarray) -> Line:
        if len(x) < 3 or np.ptp(x) == 0:
            return cls(math.nan, math.nan, math.nan)
        b, a = np.polyfit(x, y, 1)
        left = float(np.square(y - a - b * x).sum())
        return cls(float(a), float(b), 1.0 - left / max(float(np.square(y - y.mean()).sum()), 1e-300))


def timed_solves(scene: Scene) -> list[Timed]:
    """Solves of every method and tolerance, each repeated in turn so that a busy moment meets all alike."""
    subject = subject_of(scene)
    starts = subject.own(subject.starts())
    best: dict[tuple[str, float], Timed] = {}
    for _ in range(_REPEATS):
        for method in _TIMED:
            for tolerance in _TOLERANCES:
                key = method, tolerance
                if key in best and best[key].nfe > _MOST:
                    continue
                options = SolverOptions(method, tolerance, tolerance, max_steps=_MOST)
                began = _clock()
                solution = subject.solve(scene, subject.model, starts, (0.0, subject.t1), options)
                spent = 1000 * (_clock() - began)
                if solution.ok and (key not in best or spent < best[key].milliseconds):
                    best[key] = Timed(method, solution.stats.nfe_forward, spent)
    return list(best.values())


def backward_nfe(scene: Scene, subject: Subject, mode: str) -> list[tuple[int, int]]:
    """Forward and backward evaluations of the field at several tolerances, the loss being |z(t1)|²/2."""
    pairs = []
    model = copy.deepcopy(subject.exact).requires_grad_(True)
    for tolerance in _DIFFERENTIATED if mode != "reversible" else _DIFFERENTIATED[:3]:
        if scene.cancel is not None and scene.cancel.is_set():
            raise Cancelled
        with torch.enable_grad():
            solution = solve(
                model.field,
                subject.starts(),
                (0.0, subject.t1),
                method=MODES[mode],
                rtol=tolerance,
                atol=tolerance,
                adjoint=mode,
                max_steps=_MOST_DIFFERENTIATED,
                cancel=scene.cancel,
            )
            if not solution.ok:
                break
            torch.autograd.backward(solution.y1.square().sum())
        pairs.append((solution.stats.nfe_forward, solution.stats.nfe_backward))
    return pairs


def cost(scene: Scene) -> Picture:
    """See the view."""
    subject = subject_of(scene)
    pairs: dict[str, list[tuple[int, int]]] = scene.remember(
        "backward", lambda: {mode: backward_nfe(scene, subject, mode) for mode in MODES}
    )
    timed: list[Timed] = scene.remember("timed", lambda: timed_solves(scene))
    return Charts(
        "Time and backward NFE",
        (_time_chart(timed), _backward_chart(pairs)),
        columns=2,
        note=_note(timed, pairs),
    )


def _time_chart(timed: list[Timed]) -> Chart:
    curves = []
    for method in _TIMED:
        mine = [one for one in timed if one.method == method]
        x, y = [float(one.nfe) for one in mine], [one.milliseconds for one in mine]
        curves.append(Curve(method, frozen(x), frozen(y), _TIMED_ROLES[method], "points"))
    line = fitted(timed)
    ends = np.array([0.0, max((one.nfe for one in timed), default=1)])
    curves.append(
        Curve(f"R² {line.r2:.3f}", frozen(ends), frozen(line.at_zero + line.slope * ends), "muted", "dashed")
    )
    return Chart("Time", "NFE", "ms", tuple(curves))


def fitted(timed: list[Timed]) -> Line:
    """The line of time against NFE through all solves."""
    return Line.through(
        np.array([float(one.nfe) for one in timed]), np.array([one.milliseconds for one in timed])
    )


def _backward_chart(pairs: dict[str, list[tuple[int, int]]]) -> Chart:
    curves = []
    for mode, solves in pairs.items():
        x, y = np.array(solves, dtype=np.float64).reshape(-1, 2).T
        curves.append(Curve(mode, frozen(x), frozen(y), _MODE_ROLES[mode]))
    most = max((forward for solves in pairs.values() for forward, _ in solves), default=1)
    curves.append(Curve("1 : 1", frozen([0.0, most]), frozen([0.0, most]), "muted", "dashed"))
    return Chart("Backward NFE", "forward NFE", "backward NFE", tuple(curves))


def ratio(solves: list[tuple[int, int]]) -> float:
    """Backward evaluations over forward ones, of all solves together."""
    forward = sum(pair[0] for pair in solves)
    return sum(pair[1] for pair in solves) / forward if forward else math.nan


def _note(timed: list[Timed], pairs: dict[str, list[tuple[int, int]]]) -> str:
    line = fitted(timed)
    ratios = ", ".join(f"{ratio(solves):.2f} ({mode})" for mode, solves in pairs.items())
    other = METHODS["asynchronous-leapfrog"].name
    return (
        f"{number(1000 * line.slope)} µs an evaluation for 64 states, R² = {line.r2:.3f} over {len(timed)} solves. "
        f"Backward over forward NFE: {ratios}; all with dopri5, but reversible with {other}."
    )


VIEWS: dict[str, Callable[[Scene], Picture]] = {"cost": cost}
