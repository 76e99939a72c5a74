"""Pairs, straightness, few-step quality and samples, as charts. Imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from odeviz.tasks.chart import Chart, Curve, frozen
from odeviz.tasks.flow_matching.coupling import coupled
from odeviz.tasks.flow_matching.learning import Learning
from odeviz.tasks.flow_matching.measures import Estimate, Paths, energy_distance, euler, paths
from odeviz.tasks.numerals import AXES, figure, percent, thousands, with_error
from odeviz.tasks.scene import Scene

#: Pairs that are drawn, samples that are carried, and those of a first look.
_PAIRS, _SAMPLES, _GLANCED = 128, 2048, 1024
#: Samples whose energy distances are told: as many as the figures have.
_SCORED = 8192
#: Points in a block of the energy distance here: with few samples, more blocks tell their scatter better.
_BLOCK = 256
_EULER = (1, 2, 3, 4, 6, 8, 12, 16, 32)
_COUPLINGS = {"independent": "I-CFM", "optimal-transport": "OT-CFM"}
#: The histogram's end, as a quantile of the ratios.
_MOST = 0.99


def draw(key: str, scene: Scene) -> Chart:
    """One of the task's views."""
    views: dict[str, Callable[[Scene], Chart]] = {
        "coupling": _coupling,
        "straightness": _straightness,
        "few-steps": _few_steps,
        "samples": _samples,
    }
    return views[key](scene)


def _coupling(scene: Scene) -> Chart:
    """Pairs of points that a batch of the training's size may hold, joined."""
    learning: Learning = scene.learning
    rng = np.random.default_rng(learning.experiment.seed)
    size = learning.experiment.training.batch
    x0, x1 = learning.source.sample(size, rng), learning.target.sample(size, rng)
    coupling = learning.experiment.options.coupling
    x1 = coupled(x0, x1, coupling)
    cost = np.square(x1 - x0).sum(axis=1).mean()
    x0, x1 = learning.target.own(x0), learning.target.own(x1)
    # A row of NaN after each pair leaves a gap between the lines.
    lines = np.stack([x0, x1, np.full_like(x0, np.nan)], axis=1)[:_PAIRS].reshape(-1, 2)
    return Chart(
        "Pairs",
        *AXES,
        (
            Curve("pairs", frozen(lines[:, 0]), frozen(lines[:, 1]), "muted", faint=True),
            _points("source", x0[:_PAIRS], "second"),
            _points("data", x1[:_PAIRS], "data"),
        ),
        equal=True,
        note=f"{_COUPLINGS[coupling]}: {min(_PAIRS, size)} of the {size} pairs of a batch, mean squared distance "
        f"{figure(cost)}.",
    )


def _straightness(scene: Scene) -> Chart:
    ratio = _pushed(scene).ratio.cpu().double()
    if not bool(torch.isfinite(ratio).all()):
        return _nothing("Straightness", "path length / chord")
    mean = Estimate.of(ratio)
    most = max(float(ratio.quantile(_MOST)), 1.02)
    counts, edges = np.histogram(ratio.numpy(), bins=40, range=(1.0, most))
    bent, beyond = (float((ratio > limit).double().mean()) for limit in (1.05, most))
    name = _COUPLINGS[scene.learning.experiment.options.coupling]
    return Chart(
        "Straightness",
        "path length / chord",
        "share of samples",
        (Curve(name, frozen((edges[1:] + edges[:-1]) / 2), frozen(counts / len(ratio)), style="bars"),),
        note=f"{name}: mean {with_error(mean.mean, mean.se)}; {percent(bent)} of the paths are more than 5 % "
        "longer than "
        f"their chord, {percent(beyond, 1)} lie beyond the right edge.",
    )


def _few_steps(scene: Scene) -> Chart:
    learning: Learning = scene.learning
    count = _SAMPLES if scene.glance else _SCORED
    start, data = learning.held_out_source(count), learning.held_out(count)
    end = scene.model.flow(start, (0.0, scene.model.t1), scene.solver, cancel=scene.cancel).y1
    scene.check()
    exact = energy_distance(end, data, _BLOCK)
    if not math.isfinite(exact.mean):
        return _nothing("Few steps", "Euler's steps")
    energy = []
    for k in _EULER:
        scene.check()
        energy.append(energy_distance(euler(scene.model, start, k), data, _BLOCK))
    steps = np.array(_EULER, dtype=np.float64)
    mean, se = (np.array([getattr(each, what) for each in energy]) for what in ("mean", "se"))
    # The estimate is unbiased and so may be negative, which a logarithm cannot show.
    floor = max(min(exact.se, float(se.min())), 1e-9)
    name = _COUPLINGS[learning.experiment.options.coupling]
    one, whole = (with_error(each.mean, each.se) for each in (energy[0], exact))
    return Chart(
        "Few steps",
        "Euler's steps",
        "energy distance to the data",
        (
            Curve(
                name,
                frozen(steps),
                frozen(np.maximum(mean, floor)),
                low=frozen(np.maximum(mean - se, floor)),
                high=frozen(np.maximum(mean + se, floor)),
            ),
            Curve(
                "exact flow",
                frozen(steps[[0, -1]]),
                frozen(np.full(2, max(exact.mean, floor))),
                "truth",
                "dashed",
            ),
        ),
        x_log=True,
        y_log=True,
        note=f"{name}: {one} in one step, {whole} with the exact flow; "
        f"{thousands(count)} samples, ± and the band are one standard error. Nothing is drawn below {floor:.1g}.",
    )


def _samples(scene: Scene) -> Chart:
    learning: Learning = scene.learning
    drawn, data, where = _samples_then(scene)
    energy = energy_distance(drawn, data, _BLOCK)
    return Chart(
        "Samples",
        *AXES,
        tuple(
            _points(label, learning.target.own(_array(points)), role)
            for label, points, role in ((where, data, "data"), ("samples", drawn, "model"))
        ),
        equal=True,
        at=scene.t,
        note=(
            f"At t = {figure(scene.t)}. Energy distance {with_error(energy.mean, energy.se)}: 0 where the "
            "distributions are equal."
        ),
    )


def _samples_then(scene: Scene) -> tuple[Tensor, Tensor, str]:
    """Source samples and data at the scene's time, carried there by the flow, and what to call the data."""
    learning, t, t1 = scene.learning, scene.t, scene.model.t1
    if scene.at_end:
        return _pushed(scene).end, learning.held_out(_SAMPLES), "data"
    count = _GLANCED if scene.glance else _SAMPLES
    drawn, data = learning.held_out_source(_SAMPLES)[:count], learning.held_out(_SAMPLES)[:count]
    if t > 0.0:
        drawn = scene.model.flow(drawn, (0.0, t), scene.solver, cancel=scene.cancel).y1
        scene.check()
    data = scene.model.flow(data, (t1, t), scene.solver, cancel=scene.cancel).y1
    scene.check()
    return drawn, data, "data, carried back"


def _pushed(scene: Scene) -> Paths:
    """Held-out source samples carried to the end by the solver of the window."""
    pushed = paths(scene.model, scene.learning.held_out_source(_SAMPLES), scene.solver)
    scene.check()
    return pushed


def _points(label: str, points: np.ndarray, role: str) -> Curve:
    return Curve(label, frozen(points[:, 0]), frozen(points[:, 1]), role, "points")  # type: ignore[arg-type]


def _array(points: Tensor) -> np.ndarray:
    return points.cpu().numpy()


def _nothing(title: str, axis: str) -> Chart:
    return Chart(title, axis, "", (), note="The flow did not arrive, so that there is nothing to show.")
