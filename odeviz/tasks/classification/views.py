"""Classifiers: the boundary run back, a residual net as Euler's method, and what is taken for what."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.engine import solve
from odeviz.fields import BlockField
from odeviz.models import Classifier, SolverOptions
from odeviz.tasks.chart import Chart, Charts, Curve, Map, Maps, Picture, Role, frozen
from odeviz.tasks.classification import CLASSES
from odeviz.tasks.classification.boundary import boundary
from odeviz.tasks.confusion import confusion, counted
from odeviz.tasks.numerals import AXES, figure, percent, thousands
from odeviz.tasks.scene import Scene

#: Points of the data over which a boundary is drawn.
_DRAWN = 400
#: Paths that are drawn, and moments of each; paths whose error is measured; blocks of an adaptive solver's net.
_PATHS, _MOMENTS, _MEASURED, _BLOCKS = 10, 61, 40, 4
#: How often the number of blocks is doubled, and how far the flow's own error is below theirs.
_DOUBLINGS, _TIGHT = 10, 1e-7
#: Cells a side of a map, and of a first look; bits of entropy below which a decision is sure.
_CELLS, _GLANCE, _SURE = 80, 40, 0.1
_ROLES: tuple[Role, ...] = ("class0", "class1")


def draw(key: str, scene: Scene) -> Picture:
    """One of the views."""
    views: dict[str, Callable[[Scene], Picture]] = {
        "boundary": _boundary,
        "euler": _euler,
        "probability": _probability,
        "confusion": _confusion,
    }
    return views[key](scene)


def _solver(scene: Scene) -> SolverOptions:
    return dataclasses.replace(scene.solver, first_step=None)


def _boundary(scene: Scene) -> Chart:
    model, learning = scene.model, scene.learning
    points, labels = learning.shown(model, _DRAWN)
    extent, plane = learning.extent(model), learning.plane(model)
    found = boundary(model, extent, plane, _solver(scene), scene.cancel)
    scene.check()
    curves = [
        Curve(
            learning.classes.told(k),
            frozen(points[labels == k, 0]),
            frozen(points[labels == k, 1]),
            role,
            "points",
            faint=True,
        )
        for k, role in enumerate(_ROLES)
    ]
    if found.curves:
        gap = np.full((1, 2), np.nan)
        x, y = np.concatenate([part for curve in found.curves for part in (curve, gap)]).T
        curves.append(Curve("boundary", frozen(x), frozen(y), role="truth"))
    if found.run_back:
        what = (
            f"One open line, bent to a length of {found.length:.1f} in the picture, which it crosses in "
            + ("one piece." if len(found.curves) == 1 else f"{len(found.curves)} pieces.")
        )
    else:
        what = (
            f"Found on a grid, as no flow of the plane makes it: {len(found.curves)} "
            f"curve{'s' * (len(found.curves) != 1)}, {found.closed} closed."
        )
    return Chart("Boundary", *AXES, tuple(curves), equal=True, at=0.0, note=what)


def _euler(scene: Scene) -> Charts:
    model = copy.deepcopy(scene.model).cpu().double()
    points, labels = scene.learning.starts(model, _MEASURED, 0)
    start, blocks = model.lift(torch.from_numpy(points).double()), _own_blocks(model)
    drawn = blocks or (_BLOCKS if scene.solver.adaptive else min(scene.solver.steps, 64))
    flow = _continuous(model, start)
    scene.check()
    lines = _by_euler(model, start[:_PATHS], drawn)
    paths = []
    for k in range(_PATHS):
        role = _ROLES[int(labels[k])]
        paths.append(Curve("", frozen(flow[:, k, 0]), frozen(flow[:, k, 1]), role, faint=True))
        paths.append(Curve("", frozen(lines[:, k, 0]), frozen(lines[:, k, 1]), role))
    counts = (blocks or 1) * 2 ** np.arange(_DOUBLINGS if blocks is None else _DOUBLINGS - 4)
    errors = []
    for count in counts:
        scene.check()
        distance = np.linalg.norm(_by_euler(model, start, int(count))[-1] - flow[-1], axis=1)
        # The worst path reaches the slope only with thousands of blocks; the typical one, by geometric mean, sooner.
        errors.append(np.exp(np.log(np.maximum(distance, 1e-17)).mean()))
    halves, slope = errors[-2] / errors[-1], np.log(errors[-1] / errors[-2]) / np.log(2.0)
    x = frozen(counts.astype(np.float64))
    errors_of = (
        Curve("Euler", x, frozen(errors), style="points"),
        Curve("slope −1", x, frozen(errors[-1] * counts[-1] / counts), role="muted", style="dashed"),
    )
    return Charts(
        "A residual net is Euler's method",
        (
            Chart(f"{drawn} blocks over the flow", *AXES, tuple(paths), equal=True, at="playhead"),
            Chart("Distance at t₁", "blocks", "distance", errors_of, x_log=True, y_log=True),
        ),
        columns=2,
        note=f"Lines are the blocks, faint curves the continuous flow. From {thousands(counts[-2])} blocks "
        f"to {thousands(counts[-1])} the "
        f"typical distance falls {halves:.2f} times, a slope of {slope:.2f}.{_projected(model)}".replace(
            "-", "−"
        ),
    )


def _projected(model: Classifier) -> str:
    """A sentence that states of more than two dimensions are seen from the side."""
    return "" if model.state_dim <= 2 else f" A projection of {model.state_dim} dimensions."


def _own_blocks(model: Classifier) -> int | None:
    """The number of blocks of a residual net; None for a continuous flow."""
    return getattr(model, "blocks", None)


def _continuous(model: Classifier, start: Tensor) -> NDArray[np.float64]:
    """The flow of the field itself ``[times, batch, dim]``, to its end; of blocks of their own, one after the other."""
    parts = list(model.field.blocks) if isinstance(model.field, BlockField) else [model.field]
    span, moments = model.t1 / len(parts), max(_MOMENTS // len(parts), 4)
    states, here = [start[None]], start
    for k, part in enumerate(parts):
        times = np.linspace(k * span, (k + 1) * span, moments).tolist()
        states.append(solve(part, here, times, rtol=_TIGHT, atol=_TIGHT).y[1:])
        here = states[-1][-1]
    whole: NDArray[np.float64] = torch.cat(states).numpy()
    return whole


def _by_euler(model: Classifier, start: Tensor, blocks: int) -> NDArray[np.float64]:
    """The states between ``blocks`` Euler steps ``[blocks + 1, batch, dim]``."""
    times: list[float] = np.linspace(0.0, model.t1, blocks + 1).tolist()
    solution: Any = solve(model.field, start, times, method="euler", grid=times)
    states: NDArray[np.float64] = solution.y.numpy()
    return states


def _probability(scene: Scene) -> Maps:
    """Of class 0, and the entropy of the decision, over states at the scene's time."""
    model, learning = scene.model, scene.learning
    extent, plane, n = learning.extent(model), learning.plane(model), _GLANCE if scene.glance else _CELLS
    x, y = (low + (high - low) * (np.arange(n) + 0.5) / n for low, high in (extent[:2], extent[2:]))
    cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    states = plane.states(torch.as_tensor(cells).to(next(model.parameters())))
    with torch.no_grad():
        scores = model.classify_from(states, scene.t, _solver(scene), cancel=scene.cancel)
        p = scores.double().softmax(dim=1).cpu().numpy().reshape(n, n, -1)
    scene.check()
    entropy = -(p * np.log2(np.maximum(p, 1e-300))).sum(axis=-1)
    points = frozen(_data_at(scene, scene.t))
    maps = (
        Map(f"p({learning.classes.told(0)})", extent, frozen(p[..., 0]), points, at=scene.t),
        Map("entropy, bits", extent, frozen(entropy), points, at=scene.t),
    )
    share = float((entropy < _SURE).mean())
    sure = f"the model is sure (entropy below {_SURE} bits) of {percent(share)} of the plane"
    note = f"At t = {figure(scene.t)} of {figure(model.t1)} {sure}."
    return Maps("Probability", maps, columns=2, shared=True, scale="p, bits", axes=plane.labels, note=note)


def _data_at(scene: Scene, t: float) -> NDArray[np.float64]:
    """Points of the data carried from the start to a time, in the plane."""
    model, learning = scene.model, scene.learning
    points, _ = learning.starts(model, _DRAWN, 0)
    states = model.lift(torch.as_tensor(points).to(next(model.parameters())))
    if t > 0.0:
        states = model.flow(states, (0.0, t), _solver(scene), cancel=scene.cancel).y1.detach()
        scene.check()
    carried: NDArray[np.float64] = (
        learning.plane(model).points(states, states.new_tensor(t)).cpu().double().numpy()
    )
    return carried


def _confusion(scene: Scene) -> Maps:
    model, (x, labels) = scene.model, scene.learning.test
    scores = model.classify_from(model.lift(x), 0.0, _solver(scene), cancel=scene.cancel)
    scene.check()
    counts = counted(labels.cpu().numpy(), scores.argmax(1).cpu().numpy(), CLASSES)
    right = float(np.trace(counts) / counts.sum())
    note = f"{percent(right, 2)} of {thousands(len(labels))} fresh points are right."
    return confusion(counts, scene.learning.classes, "points", note)
