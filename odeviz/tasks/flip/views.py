"""The flip: paths through the flow's time, and output against input."""

from __future__ import annotations

import dataclasses

import numpy as np

from odeviz.tasks.chart import Chart, Curve, frozen
from odeviz.tasks.flip import STARTS, floor, inputs
from odeviz.tasks.numerals import STATE, figure, percent
from odeviz.tasks.scene import Scene

#: Moments of each path.
_MOMENTS = 61


def draw(key: str, scene: Scene) -> Chart:
    """One of the views."""
    return {"paths": _paths, "map": _map}[key](scene)


def _paths(scene: Scene) -> Chart:
    """The flow view's own trajectories, so that each can be pointed at in both."""
    model, x = scene.model, inputs(STARTS)
    times = np.linspace(0.0, model.t1, _MOMENTS)
    solver = dataclasses.replace(scene.solver, first_step=None)
    start = model.lift(scene.learning.tensor(x[:, None]))
    h = model.flow(start, times.tolist(), solver, cancel=scene.cancel).y[..., 0].cpu().numpy()
    scene.check()
    labels, known = (x > 0).astype(int).tolist(), scene.learning.classes
    # The outermost path of each side is named, for all of them.
    named = {0: known.name(labels[0]), len(x) - 1: known.name(labels[-1])}
    curves = tuple(
        Curve(
            named.get(k, ""), frozen(times), frozen(h[:, k]),
            role="class1" if label else "class0", faint=k not in named, of=k,
        )
        for k, label in enumerate(labels)
    )  # fmt: skip
    crossed = float(np.mean(np.diff(h[-1]) < 0))
    return Chart(
        f"Paths {STATE}(t)",
        "t",
        STATE,
        curves,
        over_time=True,
        note=f"{percent(crossed)} of neighbouring paths have changed places at the end; a flip needs all of them to.",
    )


def _map(scene: Scene) -> Chart:
    model, x = scene.model, inputs(scene.learning.experiment.data.samples)
    solver = dataclasses.replace(scene.solver, first_step=None)
    y = model.map(scene.learning.tensor(x[:, None]), solver)[:, 0].cpu().numpy()
    scene.check()
    mse = float(np.mean((y + x) ** 2))
    least = floor(scene.learning.experiment)
    bound = "" if least is None else f" No flow of the line gets below {least:.4f} on them."
    return Chart(
        "Output against input",
        "x",
        f"{STATE}(t₁)",
        (
            Curve("y = −x", frozen(x), frozen(-x), role="truth", style="dashed"),
            Curve("flow", frozen(x), frozen(y), role="model"),
        ),
        equal=True,
        note=f"Mean squared error {figure(mse, 4)} on {len(x)} points.{bound}",
    )
