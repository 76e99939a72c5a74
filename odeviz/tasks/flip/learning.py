"""Mean squared error of a flow that is to carry x to -x, on one fixed set of points."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import FlowMap, SolverOptions
from odeviz.tasks import learning
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.flip import STARTS, floor, inputs
from odeviz.tasks.learning import NO_DATA, Data
from odeviz.tasks.numerals import STATE
from odeviz.tasks.plane import Plane, TimePlane

#: How the final score is solved: a coarse solve is no flow, and may go below the floor.
_SCORING = SolverOptions(rtol=1e-6, atol=1e-6)


class Learning(learning.Learning):
    """See the module.

    The task is one function on one set of points, about which the claim is: there are no others to score on.
    """

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        self.x = self.tensor(inputs(experiment.data.samples)[:, None])

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> FlowMap:
        return FlowMap(
            dim=1,
            hidden=learning.hidden_layers(experiment),
            activation=experiment.field.activation,
            time=experiment.field.time,
            extra_dims=experiment.field.extra_dims,
            controlled=experiment.options.controlled,
            t1=experiment.solver.t1,
            solver=learning.solver_options(experiment),
        )

    def batch(self, rng: np.random.Generator, progress: float) -> Tensor:
        return self.x

    def loss(self, model: FlowMap, batch: Tensor) -> Tensor:
        return (model.map(batch) + batch).square().mean()

    @torch.no_grad()
    def metrics(self, model: FlowMap, full: bool) -> dict[str, float]:
        if not full:
            return {"mse": self.loss(model, self.x).item()}
        mse = (model.map(self.x, _SCORING) + self.x).double().square().mean().item()
        least = floor(self.experiment)
        return {"mse": mse} | ({} if least is None else {"above_floor": mse - least})

    def plane(self, model: FlowMap) -> Plane | TimePlane:
        """Time and the state; the state and its first extra dimension; or the input that is seen and the state."""
        if model.state_dim == 1:
            return TimePlane()
        like = next(model.parameters())
        if model.controlled:
            return Plane.of_axes(model.state_dim, model.state_dim - 1, 0, like, ("x", STATE))
        return Plane.of_axes(model.state_dim, 0, 1, like, (STATE, "a"))

    def extent(self, model: FlowMap) -> tuple[float, float, float, float]:
        return (0.0, model.t1, -1.2, 1.2) if model.state_dim == 1 else (-2.0, 2.0, -2.0, 2.0)

    def shown(self, model: FlowMap, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Where each of the inputs is to be taken, in the colour of the half that it comes from."""
        x = inputs(min(n, self.experiment.data.samples))
        if model.state_dim == 1:
            targets = np.stack([np.full_like(x, model.t1), -x], axis=1)
        elif model.controlled:
            targets = np.stack([x, -x], axis=1)
        else:
            targets = np.stack([-x, np.zeros_like(x)], axis=1)
        return targets.astype(np.float32), _halves(x)

    @torch.no_grad()
    def starts(
        self, model: FlowMap, n: int, seed: int
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        x = inputs(min(n, STARTS))
        states = model.lift(self.tensor(x[:, None]))
        if model.state_dim == 2:
            # Of as many numbers as a point: told apart by their width, points are meant.
            states = self.plane(model).points(states, states.new_tensor(0.0))
        starts: NDArray[np.floating[Any]] = states.cpu().numpy()
        return starts, _halves(x)


def _halves(x: NDArray[np.float64]) -> NDArray[np.int64]:
    return (x > 0).astype(np.int64)
