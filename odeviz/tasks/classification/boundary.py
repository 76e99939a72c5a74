"""The decision boundary of a classifier, as curves: run back from the end of the flow, or found on a grid."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import contourpy
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.engine.integrate import CancelToken
from odeviz.models import Classifier, ResidualNet, SolverOptions

Floats = NDArray[np.float64]
#: Points of the line to begin with, and at most; rounds in which gaps are filled; where a gap begins, as a share of the
#: extent's side.
_FIRST, _MOST, _ROUNDS, _GAP = 240, 2400, 7, 1 / 120
#: How much of the line is run back, in half widths of what the flow makes of the extent.
_REACH = 3.0
_SOLVER = SolverOptions(rtol=1e-5, atol=1e-5)
#: Cells a side of the grid on which a boundary is found that cannot be run back.
_CELLS = 80


@dataclass(frozen=True, slots=True)
class Boundary:
    """Curves in the plane of the data, ``[n, 2]`` each, and whether they are one line run back by the flow."""

    curves: tuple[Floats, ...]
    run_back: bool

    @property
    def length(self) -> float:
        """Of all curves together."""
        return float(sum(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum() for curve in self.curves))

    @property
    def closed(self) -> int:
        """How many curves end where they begin."""
        return sum(len(curve) > 2 and bool(np.array_equal(curve[0], curve[-1])) for curve in self.curves)


def can_run_back(model: Classifier) -> bool:
    """Whether the flow is one of the data's plane, and can be run back exactly."""
    return model.state_dim == 2 and not isinstance(model, ResidualNet)


def boundary(
    model: Classifier,
    extent: tuple[float, float, float, float],
    plane: Any,
    solver: SolverOptions,
    cancel: CancelToken | None = None,
) -> Boundary:
    """Where the two classes of ``model`` are equally likely, within ``extent`` of the plane."""
    if can_run_back(model):
        return _run_back(model, extent, cancel)
    return _on_grid(model, extent, plane, solver, cancel)


def _run_back(
    model: Classifier, extent: tuple[float, float, float, float], cancel: CancelToken | None
) -> Boundary:
    """The line of the readout, carried from t1 to 0; points are added where the flow draws it out."""
    _, curve = _line_and_image(copy.deepcopy(model).cpu().double(), extent, cancel)
    return Boundary(tuple(_pieces(curve, extent)), run_back=True)


def boundary_at(
    model: Classifier,
    extent: tuple[float, float, float, float],
    times: list[float],
    cancel: CancelToken | None = None,
) -> Floats:
    """The line of the readout carried back from t1 to each of the ascending ``times``: ``[times, n, 2]``.

    NaN where it has left the extent by more than half its size; the same points of the line at every time.
    """
    precise = copy.deepcopy(model).cpu().double()
    line, _ = _line_and_image(precise, extent, cancel)
    back = sorted({precise.t1, *times}, reverse=True)
    solved = precise.flow(line, back, _SOLVER, cancel=cancel).y.numpy()
    curves: Floats = solved[[back.index(t) for t in times]]
    curves[~_within(curves.reshape(-1, 2), extent, margin=0.5).reshape(curves.shape[:-1])] = np.nan
    return curves


def _line_and_image(
    precise: Classifier, extent: tuple[float, float, float, float], cancel: CancelToken | None
) -> tuple[Tensor, Floats]:
    """Points of the readout's line at t1, dense where the flow draws it out, and their places at 0; ``[n, 2]`` each."""
    start, direction = _line(precise)

    def placed(s: Floats) -> Tensor:
        return start + torch.from_numpy(s)[:, None] * direction

    def carry(s: Floats) -> Floats:
        back: Floats = precise.flow(placed(s), (precise.t1, 0.0), _SOLVER, cancel=cancel).y1.numpy()
        return back

    x0, x1, y0, y1 = extent
    edge = torch.cartesian_prod(torch.linspace(x0, x1, 9), torch.linspace(y0, y1, 9)).double()
    along = ((precise.flow(edge, (0.0, precise.t1), _SOLVER, cancel=cancel).y1 - start) @ direction).numpy()
    middle, reach = float(np.median(along)), _REACH * float(np.ptp(along))
    s = np.linspace(middle - reach, middle + reach, _FIRST)
    s, curve = _refined(s, carry, extent)
    return placed(s), curve


def _line(model: Classifier) -> tuple[Tensor, Tensor]:
    """The line at t1 on which both classes have the same score: the point nearest to 0, and a unit vector along it."""
    weight = model.readout.weight[0] - model.readout.weight[1]
    bias = model.readout.bias[0] - model.readout.bias[1]
    square = (weight @ weight).clamp_min(1e-300)
    return -bias * weight / square, torch.stack([-weight[1], weight[0]]) / square.sqrt()


def _refined(
    s: Floats, carry: Callable[[Floats], Floats], extent: tuple[float, float, float, float]
) -> tuple[Floats, Floats]:
    """More places ``s`` along the line until their images leave no gaps within the extent, or there are too many."""
    curve = carry(s)
    x0, x1, y0, y1 = extent
    gap = _GAP * max(x1 - x0, y1 - y0)
    for _ in range(_ROUNDS):
        near = _within(curve, extent, margin=0.25)
        length = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        wanted = np.where(
            (near[:-1] | near[1:]) & (length > gap), np.minimum(np.ceil(length / gap), 8.0), 1.0
        )
        room = _MOST - len(s)
        # The widest gaps first, as many as there is room for.
        order = np.argsort(-length * (wanted > 1), kind="stable")
        chosen = order[: int(np.searchsorted(np.cumsum(wanted[order] - 1), room, side="right"))]
        chosen = chosen[wanted[chosen] > 1]
        if not len(chosen):
            break
        new = np.concatenate([np.linspace(s[k], s[k + 1], int(wanted[k]) + 1)[1:-1] for k in chosen])
        places = np.concatenate([s, new])
        order = np.argsort(places, kind="stable")
        s, curve = places[order], np.concatenate([curve, carry(new)])[order]
    return s, curve


def _within(curve: Floats, extent: tuple[float, float, float, float], margin: float) -> NDArray[np.bool_]:
    """Which points lie in the extent, grown by a share of its sides."""
    x0, x1, y0, y1 = extent
    w, h = margin * (x1 - x0), margin * (y1 - y0)
    x, y = curve.T
    inside: NDArray[np.bool_] = (x0 - w <= x) & (x <= x1 + w) & (y0 - h <= y) & (y <= y1 + h)
    return inside


def _pieces(curve: Floats, extent: tuple[float, float, float, float]) -> list[Floats]:
    """The parts of a curve within the extent, each with one point beyond its ends."""
    inside = np.concatenate([[False], _within(curve, extent, margin=0.02), [False]])
    changes = np.flatnonzero(np.diff(inside.astype(np.int8)))
    return [
        curve[max(begin - 1, 0) : end + 1] for begin, end in zip(changes[::2], changes[1::2], strict=True)
    ]


def _on_grid(
    model: Classifier,
    extent: tuple[float, float, float, float],
    plane: Any,
    solver: SolverOptions,
    cancel: CancelToken | None,
) -> Boundary:
    """Contours of the scores' difference between the nodes of a grid."""
    x0, x1, y0, y1 = extent
    x, y = np.linspace(x0, x1, _CELLS + 1), np.linspace(y0, y1, _CELLS + 1)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    states = plane.states(torch.from_numpy(points).to(next(model.parameters())))
    scores = model.classify_from(states, 0.0, solver, cancel=cancel)
    lead = (scores[:, 0] - scores[:, 1]).cpu().double().numpy().reshape(len(y), len(x))
    if not np.isfinite(lead).all():
        return Boundary((), run_back=False)
    # Flattened where it is steep: between two nodes a contour is drawn as if the values changed evenly.
    lines = contourpy.contour_generator(x, y, np.arcsinh(lead)).lines(0.0)
    return Boundary(tuple(np.asarray(line) for line in lines), run_back=False)
