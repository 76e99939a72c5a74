"""What a classifier makes of the states of a plane, cell by cell. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from odeviz.analysis import grid
from odeviz.analysis.mapping import Answered, answered
from odeviz.analysis.results import DecisionResult, Extent, frozen
from odeviz.engine.integrate import CancelToken
from odeviz.models import Classifier, SolverOptions

#: Cells that one becomes, along each side.
_FINER = 2

#: Points of the plane ``[n, 2]`` as states ``[n, dim]``.
Lift = Callable[[NDArray[Any]], Tensor]


def decided(
    model: Classifier,
    lift: Lift,
    t: float,
    extent: Extent,
    n: int,
    options: SolverOptions,
    cancel: CancelToken | None,
    finer: bool,
) -> DecisionResult | None:
    """Class probabilities on about n x n cells of the extent at time t; None when cancelled.

    ``finer`` makes the cells half as large: those beside a boundary are solved for, the others lie between their
    neighbours.
    """
    ask = partial(_answered, model, lift, t, options, cancel)
    nx, ny = grid.counts(extent, n)
    answer = ask(grid.cell_centres(extent, nx, ny))
    if answer is None:
        return None
    probability = _probability(answer.values).reshape(-1, ny, nx)
    found = DecisionResult(t, extent, frozen(probability), -1, answer.status, answer.message)
    return _refined(found, ask) if finer and answer.status == "success" else found


def _answered(
    model: Classifier,
    lift: Lift,
    t: float,
    options: SolverOptions,
    cancel: CancelToken | None,
    points: NDArray[Any],
) -> Answered | None:
    def ask(states: Tensor, options: SolverOptions) -> Tensor:
        return model.classify_from(states, t, options, cancel=cancel)

    return answered(model, lift(points), ask, options, solves=t < model.t1)


def _probability(scores: Tensor) -> NDArray[Any]:
    """Of scores ``[n, classes]``, class by class: ``[classes, n]``."""
    shares: NDArray[Any] = scores.softmax(dim=1).T.contiguous().cpu().numpy()
    return shares


def _refined(coarse: DecisionResult, ask: Callable[[NDArray[Any]], Answered | None]) -> DecisionResult | None:
    scores = coarse.log_probability
    down, across = (_spline(count) for count in scores.shape[1:])
    shares = np.exp(down @ scores @ across.T)
    shares /= shares.sum(axis=0)
    open_cells = np.repeat(np.repeat(_beside_boundary(coarse.probability), _FINER, 0), _FINER, 1)
    if open_cells.any():
        points = grid.cell_centres(coarse.extent, open_cells.shape[1], open_cells.shape[0])
        answer = ask(points[open_cells.ravel()])
        if answer is None:
            return None
        if answer.status != "success":
            return coarse
        shares[:, open_cells] = _probability(answer.values)
    return replace(coarse, probability=frozen(shares.astype(coarse.probability.dtype)))


def _beside_boundary(probability: NDArray[Any]) -> NDArray[np.bool_]:
    """The cells ``[ny, nx]`` one of whose eight neighbours is taken for another class."""
    best = np.pad(probability.argmax(axis=0), 1, mode="edge")
    ny, nx = best.shape[0] - 2, best.shape[1] - 2
    around = np.stack([best[i : i + ny, k : k + nx] for i in range(3) for k in range(3)])
    beside: NDArray[np.bool_] = (around != best[1:-1, 1:-1]).any(axis=0)
    return beside


def _spline(count: int) -> NDArray[np.float64]:
    """What ``count`` cells' values weigh in those of the finer cells ``[fine, count]``: Catmull and Rom's spline."""
    fine = count * _FINER
    first, share = np.divmod((np.arange(fine) + 0.5) / _FINER - 0.5, 1.0)
    basis = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
    parts = (share[:, None] ** np.arange(4)) @ basis
    weights = np.zeros((fine, count))
    for k in range(4):
        # Beyond its edge the plane goes on as it is there.
        places = np.clip(first.astype(int) + k - 1, 0, count - 1)
        np.add.at(weights, (np.arange(fine), places), parts[:, k])
    return weights
