"""How straight a flow is and how close its samples come. Imports torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from odeviz.models import FlowModel, SolverOptions

#: The solver of figures, whose tolerance they name.
SCORING = SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5)
#: Points in a block of the energy distance.
BLOCK = 512
#: Pieces of a path whose length is measured.
_PIECES = 64


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error."""

    mean: float
    se: float

    @classmethod
    def of(cls, values: Tensor) -> Estimate:
        """From independent values ``[n]``."""
        values = values.double()
        return cls(values.mean().item(), values.std().item() / math.sqrt(len(values)))


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of some samples, ``[batch]`` each, and their ends ``[batch, dim]``; NaN where the solve failed."""

    end: Tensor
    length: Tensor
    chord: Tensor
    #: Evaluations of the field, each of all samples at once.
    nfe: int

    @property
    def ratio(self) -> Tensor:
        """Length over chord, ``[batch]``: 1 where the path is straight."""
        return self.length / self.chord


def paths(model: FlowModel, start: Tensor, solver: SolverOptions | None = None) -> Paths:
    """Carry ``start [batch, dim]`` from 0 to t1; lengths are those of polylines of 64 pieces of equal duration."""
    solution = model.flow(start, np.linspace(0.0, model.t1, _PIECES + 1).tolist(), solver)
    length = solution.y.diff(dim=0).norm(dim=2).sum(dim=0)
    end = solution.y1
    return Paths(end, length, (end - start).norm(dim=1), solution.stats.nfe_forward)


def euler(model: FlowModel, start: Tensor, steps: int) -> Tensor:
    """``start [batch, dim]`` carried from 0 to t1 by equal steps of Euler's method."""
    return model.flow(start, (0.0, model.t1), SolverOptions(method="euler", steps=steps)).y1


def energy_distance(x: Tensor, y: Tensor, block: int = BLOCK) -> Estimate:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of two samples ``[n, dim]``: 0 where the distributions are equal.

    Székely & Rizzo (2013). Unbiased, so that it may be negative: the mean over independent blocks of points, whose
    scatter tells its standard error. Points beyond the last whole block are left out; two blocks at least.
    """
    blocks = len(x) // block
    a, b = (s[: blocks * block].reshape(blocks, block, -1).double() for s in (x, y))
    pairs = block * (block - 1)
    within = (_distances(a, a).sum(dim=(1, 2)) + _distances(b, b).sum(dim=(1, 2))) / pairs
    return Estimate.of(2.0 * _distances(a, b).mean(dim=(1, 2)) - within)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """``[blocks, n, m]``. From differences: the fast way through products loses the small ones."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
