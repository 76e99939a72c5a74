"""Negative log-likelihood of a continuous normalizing flow on fresh points at every iteration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import CNF, SolverOptions
from odeviz.tasks import learning
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.density import PLANE, entropy
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, Data

#: Points of the final score, and the solver that makes it; points of a quick look.
_SCORED, _SCORING, _GLANCED = 8000, SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5), 512


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self._dataset = DATASETS[experiment.data.name]
        self._quick = self._draw(_GLANCED, self.stream(HELD_OUT_STREAM))

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> CNF:
        return CNF(
            dim=PLANE,
            hidden=learning.hidden_layers(experiment),
            activation=experiment.field.activation,
            time=experiment.field.time,
            t1=experiment.solver.t1,
            learn_t1=experiment.solver.learn_t1,
            solver=learning.solver_options(experiment),
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Tensor:
        return self._draw(self.experiment.training.batch, rng)

    def loss(self, model: CNF, batch: Tensor) -> Tensor:
        return -model.log_prob(batch).mean()

    @torch.no_grad()
    def metrics(self, model: CNF, full: bool) -> dict[str, float]:
        if not full:
            return {"nll": -model.log_prob(self._quick).mean().item()}
        x = self._draw(_SCORED, self.stream(HELD_OUT_STREAM))
        surprise = -in_chunks(model, x, _SCORING)
        nll, se = surprise.mean().item(), surprise.std().item() / math.sqrt(len(surprise))
        figures = {"nll": nll, "nll_se": se, "mass": mass(model, 1.5 * self._dataset.extent, _SCORING)}
        bound = entropy(self.experiment)
        if bound is None:
            return figures
        return figures | {"entropy": bound, "gap": nll - bound, "gap_in_se": (nll - bound) / se}

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        half = self._dataset.extent
        return (-half, half, -half, half)

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rng = np.random.default_rng(self.experiment.seed)
        return self._dataset.sample(n, self.experiment.data.noise, rng, "density")

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rng = np.random.default_rng(seed)
        return rng.standard_normal((n, PLANE), dtype=np.float32), np.full(n, -1, dtype=np.int64)

    def _draw(self, n: int, rng: np.random.Generator) -> Tensor:
        return self.tensor(self._dataset.sample(n, self.experiment.data.noise, rng, "density")[0])


def mass(model: CNF, half: float, solver: SolverOptions, n: int = 256) -> float:
    """Integral of the density at t1 over the square [-half, half]^2, by the midpoint rule on n x n cells."""
    h = 2.0 * half / n
    like = next(model.parameters())
    axis = -half + h * (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5)
    return in_chunks(model, torch.cartesian_prod(axis, axis), solver).exp().sum().item() * h * h


def in_chunks(model: CNF, x: Tensor, solver: SolverOptions, rows: int = 2048) -> Tensor:
    """log p(x) ``[n]`` in float64, on the CPU: not every device has float64."""
    parts = [model.log_prob_at(part, model.t1, solver).cpu() for part in torch.split(x, rows)]
    return torch.cat(parts).double()
