"""KL(q‖p) of a flow's samples to a density that is known up to its scale."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.fields import PlanarField
from odeviz.models import CNF, DensityModel, PlanarNF
from odeviz.tasks import learning
from odeviz.tasks.density.learning import SCORING, mass
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, Data
from odeviz.tasks.plane import Plane
from odeviz.tasks.variational import GLANCED, PLANE, SCORED
from odeviz.tasks.variational.potentials import HALF, POTENTIALS

#: Samples that are solved together.
_ROWS = 2000
#: How steep the wall around the square is at the beginning and at the end of a run: the distance that costs a nat.
_WALL = (0.3, 0.02)
#: Height of the potential that annealing begins with.
_LOWEST = 0.01


class Batch(NamedTuple):
    """What one iteration learns from."""

    z0: Tensor
    #: Factor of the potential.
    height: float
    #: Distance outside the square that costs a nat.
    wall: float


class Learning(learning.Learning):
    """See the module.

    The loss is E_q[log q + h U] + log Z_h, which at the potential's full height, h = 1, is KL(q‖p) while q stays in
    the square; what leaves it climbs a wall. The figure ``kl`` is exact: the divergence from p of q given that it is in
    the square; ``outside`` is the rest.
    """

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self.potential = POTENTIALS[experiment.data.name]

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> DensityModel:
        units, solver = experiment.options.units, experiment.solver
        if experiment.options.model == "planar-nf":
            return PlanarNF(PLANE, units)
        return CNF(
            dim=PLANE,
            field=PlanarField(PLANE, units),
            t1=solver.t1,
            learn_t1=solver.learn_t1,
            solver=learning.solver_options(experiment),
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        share = self.experiment.options.anneal
        height = min(1.0, _LOWEST + progress / share) if share else 1.0
        first, last = _WALL
        wall = first * (last / first) ** min(progress, 1.0)
        return Batch(self._base(self.experiment.training.batch, rng), height, wall)

    def loss(self, model: DensityModel, batch: Batch) -> Tensor:
        x, log_q = model.carry(batch.z0)
        energy = batch.height * self.potential.energy(x, torch) + _outside(x) / batch.wall
        loss: Tensor = (log_q + energy).mean() + self.potential.log_z_at(batch.height)
        return loss

    @torch.no_grad()
    def metrics(self, model: DensityModel, full: bool) -> dict[str, float]:
        rng = self.stream(HELD_OUT_STREAM)
        if not full:
            return {"kl": self._divergence(*model.carry(self._base(GLANCED, rng)))["kl"]}
        parts = [model.carry(z0, SCORING) for z0 in torch.split(self._base(SCORED, rng), _ROWS)]
        solution = model.last_solution
        x, log_q = (torch.cat(each) for each in zip(*parts, strict=True))
        figures = self._divergence(x, log_q)
        nfe = model.t1 if solution is None else float(solution.stats.nfe_forward)
        wide = mass(model, Plane.of_axes(PLANE, like=x), self.extent(model), SCORING)
        return figures | {"mass": wide, "nfe": nfe}

    def _divergence(self, x: Tensor, log_q: Tensor) -> dict[str, float]:
        """KL of q, given the square, from p, with its standard error, and the share of q outside."""
        inside = (x.abs() <= HALF).all(1)
        surplus = (log_q + self.potential.energy(x, torch))[inside].cpu().double() + self.potential.log_z
        n, share = len(surplus), len(surplus) / len(x)
        if n < 2 or not bool(torch.isfinite(log_q).all()):
            return dict.fromkeys(("kl", "kl_se", "kl_in_se", "outside"), math.nan)
        kl = surplus.mean().item() - math.log(share)
        se = math.sqrt(surplus.var().item() / n + (1.0 - share) / n)
        return {"kl": kl, "kl_se": se, "kl_in_se": kl / se, "outside": 1.0 - share}

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        return (-HALF, HALF, -HALF, HALF)

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        points = self.potential.sample(n, np.random.default_rng(self.experiment.seed))
        return points, np.full(n, -1, dtype=np.int64)

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rng = np.random.default_rng(seed)
        return rng.standard_normal((n, PLANE), dtype=np.float32), np.full(n, -1, dtype=np.int64)

    def _base(self, n: int, rng: np.random.Generator) -> Tensor:
        return self.tensor(rng.standard_normal((n, PLANE), dtype=np.float32))


def _outside(x: Tensor) -> Tensor:
    """How far points are outside the square, along both axes together, ``[batch]``."""
    return (x.abs() - HALF).clamp_min(0.0).sum(1)
