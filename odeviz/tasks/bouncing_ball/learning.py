"""Fits the heights of dropped balls through the events and jumps of the solve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import SolverOptions
from odeviz.models.bouncing_ball import BallField, BouncingBall
from odeviz.tasks import learning
from odeviz.tasks.bouncing_ball import GRAVITY, LEVEL, RESTITUTION, SLOWEST, truth
from odeviz.tasks.chart import Floats
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.learning import HELD_OUT_STREAM, NO_DATA, TRAINING_STREAM, Data
from odeviz.tasks.plane import Plane

#: Balls that figures are measured on; the solver that measures.
_HELD_OUT = 8
SCORING = SolverOptions(method="dopri5", rtol=1e-6, atol=1e-6)
#: The ball whose first impacts are compared: dropped from this height in m.
DROPPED, IMPACTS = 10.0, 5
#: Shares of the time that a growing horizon reaches in turn.
GROWTH = (0.25, 0.5, 0.75, 1.0)
#: Where a search that knows nothing begins: gravity, restitution, level, uniform between these.
_UNKNOWN = ((5.0, 20.0), (0.5, 0.95), (-0.5, 0.5))


@dataclass(frozen=True, slots=True)
class Drops:
    """Balls at t = 0 ``[balls, 2]``, and their heights ``[times - 1, balls]`` at the later ``times``."""

    times: tuple[float, ...]
    first: Tensor
    heights: Tensor


class Learning(learning.Learning):
    """See the module."""

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        super().__init__(experiment, device, data)
        balls = experiment.options.balls
        #: Times ``[points]`` at which balls are seen.
        self.times: Floats = np.linspace(0.0, experiment.solver.t1, experiment.data.samples // balls)
        rng = self.stream(TRAINING_STREAM)
        self.truth = truth.paths(_dropped(balls, rng), self.times)
        noise = experiment.data.noise * rng.standard_normal(self.truth.shape)
        noise[:, 0] = 0.0
        #: What is seen of them ``[balls, points, 2]``; from where they are dropped is known.
        self.observed = (self.truth + noise).astype(np.float32)
        self.held_out = truth.paths(_dropped(_HELD_OUT, self.stream(HELD_OUT_STREAM)), self.times)
        self._seen = self._drops(self.observed)
        self._unseen = self._drops(self.held_out)

    @staticmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> BouncingBall:
        gravity, restitution, level = (low + (high - low) * float(torch.rand(())) for low, high in _UNKNOWN)
        field = BallField(gravity, restitution, level)
        return BouncingBall(field, experiment.solver.t1, learning.solver_options(experiment), SLOWEST)

    def batch(self, rng: np.random.Generator, progress: float) -> Drops:
        share = (
            GROWTH[min(int(progress * len(GROWTH)), len(GROWTH) - 1)] if self.experiment.options.grow else 1.0
        )
        n = max(2, math.ceil(share * len(self.times)))
        return Drops(self._seen.times[:n], self._seen.first, self._seen.heights[: n - 1])

    def loss(self, model: BouncingBall, batch: Drops) -> Tensor:
        return _height_error(model, batch)

    @torch.no_grad()
    def metrics(self, model: BouncingBall, full: bool) -> dict[str, float]:
        if not full:
            return {"height_error": _height_error(model, self._unseen).item()}
        apart = np.abs(
            np.array(self.impacts(model)) - [t for t, _ in truth.impacts(DROPPED, 0.0, math.inf)[:IMPACTS]]
        )
        errors = {name: abs(learnt - true) for name, true, learnt, _ in self.constants(model)}
        return {
            "height_error": _height_error(model, self._unseen, SCORING).item(),
            "impact_error": float(apart.max()),
            **{f"{name}_error": error for name, error in errors.items()},
        }

    def extent(self, model: Any) -> tuple[float, float, float, float]:
        return (-1.0, 11.0, -15.0, 15.0)

    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        points = self.observed.reshape(-1, 2)
        chosen = np.linspace(0, len(points) - 1, min(n, len(points))).round().astype(np.int64)
        return points[chosen], chosen // self.observed.shape[1]

    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        """The training balls, labelled by ball, and more of the same kind when there are too few, without a label."""
        more = _dropped(n, np.random.default_rng(seed))
        states = np.concatenate([self.truth[:, 0], more])[:n].astype(np.float32)
        labels = np.arange(n, dtype=np.int64)
        return states, np.where(labels < len(self.truth), labels, -1)

    def plane(self, model: Any) -> Plane:
        labels = ("height in m", "velocity in m/s")
        return Plane.of_axes(2, like=next(model.parameters()), labels=labels, equal=False)

    # What the views ask as well.

    def constants(self, model: BouncingBall) -> list[tuple[str, float, float, str]]:
        """Name, true value, learnt value and unit of each constant."""
        field = model.field
        return [
            ("gravity", GRAVITY, field.gravity.item(), "m/s²"),
            ("restitution", RESTITUTION, field.restitution.item(), ""),
            ("level", LEVEL, field.level.item(), "m"),
        ]

    @torch.no_grad()
    def impacts(self, model: BouncingBall, solver: SolverOptions = SCORING) -> list[float]:
        """Times of the first five impacts of a ball dropped from 10 m; infinite where it does not come to them."""
        ball = self.tensor(np.array([[DROPPED, 0.0]]))
        late = 1.5 * truth.impacts(DROPPED, 0.0, math.inf)[IMPACTS - 1][0]
        found = model.flow(ball, (0.0, late), solver).events[0].t.double().tolist()
        return (found + [math.inf] * IMPACTS)[:IMPACTS]

    def _drops(self, paths: NDArray[np.floating[Any]]) -> Drops:
        states = self.tensor(paths)
        return Drops(tuple(self.times.tolist()), states[:, 0], states[:, 1:, 0].T)


def _dropped(n: int, rng: np.random.Generator) -> Floats:
    """Balls at 4 to 10 m, thrown at up to 2 m/s upwards or downwards ``[n, 2]``."""
    return np.stack([rng.uniform(4.0, 10.0, n), rng.uniform(-2.0, 2.0, n)], -1)


def _height_error(model: BouncingBall, drops: Drops, solver: SolverOptions | None = None) -> Tensor:
    solution = model.flow(drops.first, drops.times, solver)
    return (solution.y[1:, :, 0] - drops.heights).abs().mean()
