"""Negative log-likelihood of a continuous normalizing flow on fresh points at every iteration."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.fields import PlanarField
from odeviz.models import CNF, DensityModel, SolverOptions
from odeviz.tasks import learning
from odeviz.tasks.density import GLANCED, PLANE, SCORED, entropy
from odeviz.tasks.density.source import source_of
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, TRAINING_STREAM, Data
from odeviz.tasks.plane import Plane

#: The solver of the final figures.
SCORING = SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5)
#: The mass is summed over the data's rectangle, so many times as large.
_WIDER = 1.5


class Batch(NamedTuple):
    """What one iteration learns from."""

    x: Tensor
    #: Hutchinson's noise ``[batch, 2]``; None for the exact trace.
    noise: Tensor | None
    #: Factor of the end time.
    stretch: float


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self._source = source_of(experiment, data, self.stream(TRAINING_STREAM))
        #: What the data's own units add to -log p of standard ones.
        self._log_unit = float(np.log(self._source.unit.astype(np.float64)).sum())
        self._quick = self._held_out(GLANCED)

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> CNF:
        field = experiment.field
        return CNF(
            dim=PLANE,
            hidden=learning.hidden_layers(experiment),
            activation=field.activation,
            time=field.time,
            field=PlanarField(PLANE, field.width) if experiment.options.field == "planar" else None,
            t1=experiment.solver.t1,
            learn_t1=experiment.solver.learn_t1,
            solver=learning.solver_options(experiment),
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        options = self.experiment.options
        x = self._source.draw(self.experiment.training.batch, rng)
        noise = draw_noise(options.trace, x.shape, rng)
        stretch = 1.0 + rng.uniform(-options.steer, options.steer) if options.steer else 1.0
        return Batch(self.tensor(x), None if noise is None else self.tensor(noise), stretch)

    def loss(self, model: CNF, batch: Batch) -> Tensor:
        options = self.experiment.options
        if not options.kinetic and not options.jacobian:
            log_prob = model.log_prob(batch.x, noise=batch.noise, stretch=batch.stretch)
            return self._log_unit - log_prob.mean()
        parts = model.regularized_log_prob(batch.x, noise=batch.noise, stretch=batch.stretch)
        energy = options.kinetic * parts.kinetic + options.jacobian * parts.jacobian
        loss: Tensor = self._log_unit - (parts.log_prob - energy).mean()
        return loss

    @torch.no_grad()
    def metrics(self, model: CNF, full: bool) -> dict[str, float]:
        if not full:
            return {"nll": self._log_unit - model.log_prob(self._quick).mean().item()}
        surprise = self._log_unit - in_chunks(model, self._held_out(SCORED), SCORING)
        nll, se = surprise.mean().item(), surprise.std().item() / math.sqrt(len(surprise))
        assert model.last_solution is not None
        nfe = float(model.last_solution.stats.nfe_forward)
        wide = mass(model, self.plane(model), self.extent(model), SCORING)
        figures = {"nll": nll, "nll_se": se, "mass": wide, "nfe": nfe}
        bound = entropy(self.experiment)
        if bound is None:
            return figures
        return figures | {"entropy": bound, "gap": nll - bound, "gap_in_se": (nll - bound) / se}

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        return self._source.extent()

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        points = self._source.shown(n, self.experiment.seed)
        return points, np.full(len(points), -1, dtype=np.int64)

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rng = np.random.default_rng(seed)
        base = rng.standard_normal((n, PLANE), dtype=np.float32)
        return self._source.centre + self._source.unit * base, np.full(n, -1, dtype=np.int64)

    def plane(self, model: Any) -> Plane:
        plain = Plane.of_axes(PLANE, like=next(model.parameters()))
        like = plain.origin
        centre, unit = (like.new_tensor(array) for array in (self._source.centre, self._source.unit))
        if bool((unit == 1).all()) and not bool(centre.any()):
            return plain
        return Plane(-centre / unit, plain.basis * unit, plain.basis / unit, plain.labels, self._source.equal)

    def _held_out(self, n: int) -> Tensor:
        return self.tensor(self._source.held_out(n, self.stream(HELD_OUT_STREAM)))


def draw_noise(trace: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32] | None:
    """Hutchinson's noise of a kind, of mean 0 and covariance I; None for the exact trace."""
    if trace == "exact":
        return None
    normal = rng.standard_normal(shape, dtype=np.float32)
    return normal if trace == "hutchinson-gaussian" else np.copysign(np.float32(1.0), normal)


def mass(
    model: DensityModel,
    plane: Plane,
    extent: tuple[float, float, float, float],
    solver: SolverOptions,
    n: int = 256,
) -> float:
    """Integral of the density at t1 over a rectangle of the plane made wider, by the midpoint rule on n x n cells."""
    like = next(model.parameters())
    axes = []
    for low, high in (extent[:2], extent[2:]):
        middle, half = 0.5 * (low + high), 0.5 * _WIDER * (high - low)
        cells = (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) / n
        axes.append(middle + half * (2.0 * cells - 1.0))
    cell = math.prod(_WIDER * (high - low) / n for low, high in (extent[:2], extent[2:]))
    log_density = in_chunks(model, plane.states(torch.cartesian_prod(*axes)), solver) - plane.log_scale
    return log_density.exp().sum().item() * cell


def in_chunks(model: DensityModel, x: Tensor, solver: SolverOptions, rows: int = 2048) -> Tensor:
    """log p(x) ``[n]`` in float64, on the CPU: not every device has float64."""
    parts = [model.log_prob_at(part, model.t1, solver).cpu() for part in torch.split(x, rows)]
    return torch.cat(parts).double()
