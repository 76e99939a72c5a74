"""A dropped ball in time, its impacts, and the constants that make them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from odeviz.tasks.bouncing_ball import LEVEL, truth
from odeviz.tasks.bouncing_ball.learning import DROPPED, IMPACTS, Learning
from odeviz.tasks.chart import Chart, Curve, Floats, Picture, Table, frozen
from odeviz.tasks.numerals import figure
from odeviz.tasks.scene import Scene

_FINE = 401


def draw(key: str, scene: Scene) -> Picture:
    """The view of that key."""
    scene.check()
    return _VIEWS[key](scene, scene.learning)


def _height(scene: Scene, learning: Learning) -> Chart:
    times = np.linspace(0.0, scene.model.t1, _FINE)
    start = np.array([[DROPPED, 0.0]])
    true = truth.paths(start, times)[0, :, 0]
    with torch.no_grad():
        solution = scene.model.flow(learning.tensor(start), times.tolist(), scene.solver)
    learnt = solution.y[:, 0, 0].double().cpu().numpy()
    when = np.array([t for t, _ in truth.impacts(DROPPED, 0.0, scene.model.t1)])
    record = solution.events[0]
    at, floor = record.t.double().cpu().numpy(), record.y[:, 0].double().cpu().numpy()
    curves = (
        Curve("learnt", *_with(times, learnt, at, floor), "model"),
        Curve("true", *_with(times, true, when, np.full_like(when, LEVEL)), "truth", "dashed"),
        Curve("true impacts", frozen(when), frozen(np.full_like(when, LEVEL)), "truth", "points"),
        Curve("learnt impacts", frozen(at), frozen(floor), "second", "points"),
    )
    apart = figure(float(np.abs(learnt - true).mean()), 2)
    note = f"Dropped from {DROPPED:g} m; the heights differ by {apart} m on average."
    return Chart("Height in time", "t in s", "height in m", curves, over_time=True, note=note)


def _with(t: Floats, height: Floats, impacts: Floats, floor: Floats) -> tuple[Floats, Floats]:
    """A path ``[n]`` with its corners."""
    times = np.concatenate([t, impacts])
    order = np.argsort(times, kind="stable")
    return frozen(times[order]), frozen(np.concatenate([height, floor])[order])


def _impacts(scene: Scene, learning: Learning) -> Table:
    learnt = learning.impacts(scene.model, scene.solver)
    true = [t for t, _ in truth.impacts(DROPPED, 0.0, 1e3)[:IMPACTS]]
    rows = tuple((str(k + 1), a, b, b - a) for k, (a, b) in enumerate(zip(true, learnt, strict=True)))
    worst = max(abs(row[3]) for row in rows)
    note = f"The largest error is {figure(worst, 2)} s."
    return Table("Impacts", ("impact", "true in s", "learnt in s", "error in s"), rows, note=note)


def _constants(scene: Scene, learning: Learning) -> Table:
    rows = tuple(
        (f"{name} in {unit}" if unit else name, true, learnt, learnt - true)
        for name, true, learnt, unit in learning.constants(scene.model)
    )
    return Table("Constants", ("constant", "true", "learnt", "error"), rows)


_VIEWS: dict[str, Callable[[Scene, Learning], Picture]] = {
    "height": _height,
    "impacts": _impacts,
    "constants": _constants,
}
