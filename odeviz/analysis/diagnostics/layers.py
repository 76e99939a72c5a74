"""A residual net of tied blocks as Euler's method: its polylines over the continuous flow (the paper's eqs 1 and 2)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from odeviz.analysis.diagnostics.subject import FINE, Subject, array, number, slope, subject_of, typical
from odeviz.models import SolverOptions
from odeviz.tasks.chart import Chart, Charts, Curve, Picture, Role, frozen
from odeviz.tasks.scene import Scene

_ROLES: tuple[Role, ...] = ("class1", "class3", "class2", "class0")
#: Blocks of the nets whose paths are drawn, and of those whose error is.
_DRAWN = (2, 4, 8, 16)
MEASURED = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_PATHS, _FRAMES = 5, 241
_PLACES = tuple(MEASURED.index(n) for n in _DRAWN)
#: The slope is fitted to this many of the deepest nets; so far from -1 it is not Euler's order yet.
_FITTED, _FIRST = 3, 0.25
#: A net is shown whole as long as it keeps so near to the flow, and room around all, in sizes of the flow.
_NEAR, _MARGIN = 1.0, 0.06


def residual(scene: Scene) -> Picture:
    """See the view."""
    subject = subject_of(scene)
    few = subject.starts()[:_PATHS]
    times = np.linspace(0.0, subject.t1, _FRAMES)
    smooth = subject.solve(scene, subject.exact, few, times.tolist(), FINE)
    curves = [_paths(subject, "flow", times, smooth.y, "truth")]
    for blocks, role in zip(_DRAWN, _ROLES, strict=True):
        knots = np.linspace(0.0, subject.t1, blocks + 1)
        net = subject.solve(scene, subject.exact, few, knots.tolist(), SolverOptions("euler", steps=blocks))
        curves.append(_paths(subject, f"N = {blocks}", knots, net.y, role))
    flow, *nets = curves
    frame, leaving = _framed(flow, nets)
    # The deepest net, which is nearest, and the flow itself lie on top.
    paths = Chart(
        "Paths",
        *subject.plane.labels,
        (*nets, flow),
        equal=not subject.plane.over_time,
        at="playhead",
        frame=frame,
    )
    errors: list[float] = scene.remember("errors of layers", lambda: layer_errors(scene))
    return Charts(
        "Residual net over the flow",
        (paths, _error_chart(errors)),
        columns=2,
        note=_note(errors, leaving),
    )


def _framed(flow: Curve, nets: list[Curve]) -> tuple[tuple[float, float, float, float] | None, list[str]]:
    """What the axes show, None for all of it, and the nets that leave it: those far away do not make the flow small."""
    edges: list[float] = []
    leaving = set()
    for name in ("x", "y"):
        known = getattr(flow, name)[np.isfinite(getattr(flow, name))]
        low, high = float(known.min()), float(known.max())
        span = max(high - low, 1e-9)
        reach = [low, high]
        for net in nets:
            values = getattr(net, name)
            values = values[np.isfinite(values)]
            if len(values) and max(low - values.min(), values.max() - high) > _NEAR * span:
                leaving.add(net.label)
            elif len(values):
                reach += [float(values.min()), float(values.max())]
        edges += [min(reach) - _MARGIN * span, max(reach) + _MARGIN * span]
    x0, x1, y0, y1 = edges
    return (x0, x1, y0, y1) if leaving else None, [net.label for net in nets if net.label in leaving]


def _note(errors: list[float], leaving: list[str]) -> str:
    """What the nets are off by, which of their paths cannot be seen whole, and how it falls."""
    *some, last = (number(e) if math.isfinite(e) else "overflow" for e in map(errors.__getitem__, _PLACES))
    which = "All paths" if len(leaving) == len(_DRAWN) else f"Those of {', '.join(leaving)}"
    away = f" {which} leave the picture." if leaving else ""
    measured = slope(MEASURED[-_FITTED:], errors[-_FITTED:])
    range_of = f"from {MEASURED[-_FITTED]} to {MEASURED[-1]} blocks"
    if not math.isfinite(measured) or measured > 0.0:
        falls = f"It does not fall yet {range_of}."
    elif abs(measured + 1.0) > _FIRST:
        falls = f"It is not yet 1/N: {range_of} it falls as N to the power {number(measured)}."
    else:
        falls = f"{range_of.capitalize()} it falls as N to the power {number(measured)}."
    return f"Typical error at t₁ with 2, 4, 8 and 16 blocks: {', '.join(some)} and {last}.{away} {falls}"


def layer_errors(scene: Scene) -> list[float]:
    """The typical (geometric mean) distance at t1 between nets of each number of blocks and the flow."""
    subject = subject_of(scene)
    starts, ends = subject.starts()[:32], subject.ends(scene)[:32]
    errors = []
    for blocks in MEASURED:
        net = subject.solve(
            scene, subject.exact, starts, (0.0, subject.t1), SolverOptions("euler", steps=blocks)
        )
        distance = (net.y1 - ends).norm(dim=1)
        errors.append(typical(distance) if net.ok else math.nan)
    return errors


def _error_chart(errors: list[float]) -> Chart:
    blocks = np.array(MEASURED, dtype=np.float64)
    known = np.array(errors)
    guide = known[-1] * blocks[-1] / blocks
    return Chart(
        "Error at t₁",
        "blocks N",
        "typical error",
        (
            Curve("net", frozen(blocks), frozen(known), "class1"),
            Curve("1/N", frozen(blocks), frozen(guide), "muted", "dashed"),
        ),
        x_log=True,
        y_log=True,
    )


def _paths(subject: Subject, label: str, times: np.ndarray, states: Tensor, role: Role) -> Curve:
    """All trajectories ``[T, batch, dim]`` as one curve with gaps."""
    points = subject.plane.points(states, torch.as_tensor(times)).transpose(0, 1)
    gap = points.new_full((len(points), 1, 2), math.nan)
    x, y = torch.cat([points, gap], dim=1).reshape(-1, 2).T
    return Curve(label, array(x), array(y), role)


VIEWS: dict[str, Callable[[Scene], Picture]] = {"residual": residual}
