"""How straight paths are, and what carrying the states along them costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeviz.analysis.diagnostics.subject import FINE, number, subject_of
from odeviz.tasks.chart import Chart, Curve, Picture, frozen
from odeviz.tasks.numerals import percent, with_error
from odeviz.tasks.scene import Scene

_PATHS, _BINS = 512, 40
#: Intervals of Simpson's rule; even.
_INTERVALS = 64
#: A shorter path is none.
_RESTS = 1e-9
#: The histogram's end, as a quantile of the ratios.
_MOST = 0.99


@dataclass(frozen=True, slots=True)
class Transport:
    """``[batch]`` each."""

    #: Length of the path, and distance between its ends.
    length: Tensor
    chord: Tensor
    #: Integral of |f|² over time; never below chord²/T, which straight paths of constant speed reach.
    energy: Tensor


def transport(scene: Scene) -> Transport | None:
    """Of the paths from many starts, in float64; None where the solve did not arrive."""
    subject = subject_of(scene)
    starts = subject.starts(_PATHS)
    times = np.linspace(0.0, subject.t1, _INTERVALS + 1)
    solution = subject.solve(scene, subject.exact, starts, times.tolist(), FINE)
    if not solution.ok:
        return None
    speeds = []
    with torch.no_grad():
        for t, states in zip(times.tolist(), solution.y, strict=True):
            scene.check()
            speeds.append(subject.exact.field(t, states).norm(dim=1))
    speed = torch.stack(speeds)
    weights = torch.tensor([1.0, *(4.0, 2.0) * (_INTERVALS // 2)], dtype=torch.float64)
    weights[-1] = 1.0
    weights *= subject.t1 / _INTERVALS / 3.0
    return Transport(weights @ speed, (solution.y1 - starts).norm(dim=1), weights @ speed.square())


def straightness(scene: Scene) -> Picture:
    """See the view."""
    found: Transport | None = scene.remember("transport", lambda: transport(scene))
    title, axes = "Straightness", ("path length / chord", "share of paths")
    if found is None:
        return Chart(title, *axes, (), note="The flow did not arrive: there are no paths.")
    moved = found.length > _RESTS
    if not bool(moved.any()):
        return Chart(title, *axes, (), note="No state moves.")
    ratio = (found.length / found.chord.clamp_min(_RESTS))[moved]
    most = max(float(ratio.quantile(_MOST)), 1.02)
    counts, edges = np.histogram(ratio.numpy(), bins=_BINS, range=(min(1.0, float(ratio.min())), most))
    share = float((ratio > 1.05).double().mean())
    squared, energy = found.chord.square().mean(), found.energy.mean() * subject_of(scene).t1
    return Chart(
        title,
        *axes,
        (Curve("paths", frozen((edges[1:] + edges[:-1]) / 2), frozen(counts / len(ratio)), style="bars"),),
        note=f"Mean {with_error(float(ratio.mean()), float(ratio.std()) / math.sqrt(len(ratio)))}, "
        f"{percent(share)} of the "
        f"paths over 1.05. Transport cost: mean squared distance {number(float(squared))}; T ∫|f|² dt is "
        f"{number(float(energy))}, {number(float(energy / squared))} times as much (1 for straight paths of constant "
        "speed).",
    )


VIEWS: dict[str, Callable[[Scene], Picture]] = {"straightness": straightness}
