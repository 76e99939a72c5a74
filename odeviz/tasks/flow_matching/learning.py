"""Regression of a field on the velocities of straight paths between pairs of points; no ODE is solved for it.

A person's own points are learnt in standard units, in which all distances are told; the plane and the likelihood are in
their own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import DensityModel, FlowModel, MixtureCNF, Transport
from odeviz.tasks import learning
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.flow_matching import FEW_STEPS, GLANCED, PLANE, SCORED
from odeviz.tasks.flow_matching.coupling import coupled
from odeviz.tasks.flow_matching.distributions import BASES, distribution, source
from odeviz.tasks.flow_matching.measures import SCORING, Estimate, energy_distance, euler, paths
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, Data
from odeviz.tasks.own_data import OWN
from odeviz.tasks.plane import Plane

#: Times [batch, 1], points on the paths [batch, 2], the paths' velocities [batch, 2].
Batch = tuple[Tensor, Tensor, Tensor]
#: Points whose likelihood is scored.
_LIKELY = 4096
_SOURCE_STREAM = 104


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self._options = experiment.options
        self.source = source(self._options.source)
        self.target = distribution(experiment.data.name, experiment.data.noise, data)

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> FlowModel:
        more: dict[str, Any] = {
            "hidden": learning.hidden_layers(experiment),
            "activation": experiment.field.activation,
            "time": experiment.field.time,
            "solver": learning.solver_options(experiment),
        }
        base = BASES.get(experiment.options.source)
        if base is None:
            return Transport(PLANE, **more)
        return MixtureCNF(torch.tensor(base.centres, dtype=torch.get_default_dtype()), base.std, **more)

    def batch(self, rng: np.random.Generator, progress: float) -> Batch:
        size = self.experiment.training.batch
        x0, x1 = self.source.sample(size, rng), self.target.sample(size, rng)
        return self._regression(x0, coupled(x0, x1, self._options.coupling), rng)

    def _regression(self, x0: NDArray[Any], x1: NDArray[Any], rng: np.random.Generator) -> Batch:
        """A moment of each pair's path, and the velocity there."""
        t = rng.random((len(x0), 1))
        noise = self._options.sigma * rng.standard_normal(x0.shape)
        return self.tensor(t), self.tensor((1.0 - t) * x0 + t * x1 + noise), self.tensor(x1 - x0)

    def loss(self, model: FlowModel, batch: Batch) -> Tensor:
        # Nothing is solved: what a look at the held-out points cost is no cost of training.
        model.last_solution = None
        t, x, velocity = batch
        error: Tensor = model.field(t, x) - velocity
        return error.square().sum(dim=1).mean()

    @torch.no_grad()
    def metrics(self, model: FlowModel, full: bool) -> dict[str, float]:
        if not full:
            return {"chord_ratio": Estimate.of(paths(model, self.held_out_source(GLANCED)).ratio).mean}
        start, data = self.held_out_source(SCORED), self.held_out(SCORED)
        pushed = paths(model, start, SCORING)
        ratio, energy = Estimate.of(pushed.ratio), energy_distance(pushed.end, data)
        few = {f"energy_{k}": energy_distance(euler(model, start, k), data).mean for k in FEW_STEPS}
        return {
            "chord_ratio": ratio.mean,
            "chord_ratio_se": ratio.se,
            "nfe": float(pushed.nfe),
            "matching_loss": self._held_out_loss(model),
            "cost": pushed.chord.square().mean().item(),
            "energy": energy.mean,
            "energy_se": energy.se,
            **few,
            **self._likelihood(model, data[:_LIKELY]),
        }

    def _held_out_loss(self, model: FlowModel) -> float:
        """The loss on 16 batches of 256 pairs that are always the same."""
        rng = self.stream(HELD_OUT_STREAM)
        batches = []
        for _ in range(16):
            x0, x1 = self.source.test(256, rng), self.target.test(256, rng)
            batches.append(self._regression(x0, coupled(x0, x1, self._options.coupling), rng))
        t, x, velocity = (torch.cat(parts) for parts in zip(*batches, strict=True))
        return self.loss(model, (t, x, velocity)).item()

    def _likelihood(self, model: FlowModel, x: Tensor) -> dict[str, float]:
        """NLL of held-out points, where the density is known; nothing elsewhere."""
        if not isinstance(model, DensityModel):
            return {}
        # In the data's own units, of which a plane's unit holds the square of one.
        per_area = PLANE * math.log(self.target.unit)
        nll = Estimate.of(per_area - model.log_prob_at(x, model.t1, SCORING).cpu())
        figures = {"nll": nll.mean, "nll_se": nll.se}
        data = self.experiment.data
        entropy = None if data.name == OWN else DATASETS[data.name].entropy_at(data.noise)
        if entropy is None:
            return figures
        return figures | {"gap": nll.mean - entropy, "gap_in_se": (nll.mean - entropy) / nll.se}

    def held_out_source(self, n: int) -> Tensor:
        """Points of the source ``[n, 2]``, always the same."""
        return self.tensor(self.source.test(n, self.stream(_SOURCE_STREAM)))

    def held_out(self, n: int) -> Tensor:
        """Points of the data ``[n, 2]`` that training never sees, always the same."""
        return self.tensor(self.target.test(n, self.stream(HELD_OUT_STREAM)))

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        half = self.target.unit * max(self.source.extent, self.target.extent)
        x, y = self.target.centre.tolist()
        return (x - half, x + half, y - half, y + half)

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        points = self.target.sample(n, np.random.default_rng(self.experiment.seed))
        return self.target.own(points), _unlabelled(n)

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        # Points of the plane, which is in the data's own units.
        return self.target.own(self.source.sample(n, np.random.default_rng(seed))), _unlabelled(n)

    def plane(self, model: Any) -> Plane:
        """The plane in the data's own units."""
        plain = Plane.of_axes(PLANE, like=next(model.parameters()))
        if self.target.unit == 1.0 and not self.target.centre.any():
            return plain
        centre = plain.origin.new_tensor(self.target.centre)
        unit = self.target.unit
        return Plane(-centre / unit, plain.basis * unit, plain.basis / unit, plain.labels)


def _unlabelled(n: int) -> NDArray[np.int64]:
    return np.full(n, -1, dtype=np.int64)
