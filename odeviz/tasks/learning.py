"""What training needs of a task: the model, batches, the loss and the figures it is judged by."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from odeviz.models import CNF, ODENet, SolverOptions
from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment

#: (points [n, 2], labels [n]; labels are -1 where there are none)
Batch = tuple[Tensor, Tensor]

Model = ODENet | CNF

#: Independent streams of one seed, so that changing one leaves the others' points as they are.
_TRAINING_STREAM, _HELD_OUT_STREAM = 101, 102

#: Attempted steps after which a solve in training gives up: a field that needs more has gone astray, and the
#: run should say so soon.
_MAX_STEPS = 1000


class Task(Protocol):
    """Data, loss and metrics of one experiment, on one device."""

    #: The figure that is tracked while training: a key of ``metrics``.
    headline: str

    def batch(self, rng: np.random.Generator) -> Batch:
        """Points for one iteration."""
        ...

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The loss, a scalar; NaN when the model's solve failed."""
        ...

    def metrics(self, model: Model, full: bool) -> dict[str, float]:
        """Figures on fresh points that training never sees, the same ones at every call.

        Without ``full``, a quick estimate of the headline by the model's own solver.
        """
        ...


def build_model(experiment: Experiment) -> Model:
    """The experiment's model on the CPU, its first weights fixed by the seed. Leaves torch's generator as it was."""
    field = experiment.field
    hidden = (field.width,) * field.depth
    options = solver_options(experiment)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        model: Model
        if experiment.task == "density":
            model = CNF(
                dim=2,
                hidden=hidden,
                activation=field.activation,
                time=field.time,
                t1=experiment.solver.t1,
                learn_t1=experiment.solver.learn_t1,
                solver=options,
            )
        else:
            model = ODENet(
                dim=2,
                classes=2,
                hidden=hidden,
                activation=field.activation,
                time=field.time,
                extra_dims=field.extra_dims,
                t1=experiment.solver.t1,
                solver=options,
            )
    return model.to(getattr(torch, experiment.dtype))


def solver_options(experiment: Experiment) -> SolverOptions:
    """The solver that training uses."""
    s = experiment.solver
    return SolverOptions(
        method=s.method,
        rtol=s.rtol,
        atol=s.atol,
        steps=s.steps,
        adjoint=s.adjoint,
        max_steps=max(_MAX_STEPS, s.steps),
    )


def task_for(experiment: Experiment, device: torch.device | str = "cpu") -> Task:
    """The experiment's task, its data on ``device``."""
    return _TASKS[experiment.task](experiment, torch.device(device))


def training_points(experiment: Experiment) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The points ``[samples, 2]`` and labels ``[samples]`` a classifier is trained on: fixed by the seed."""
    data = experiment.data
    rng = np.random.default_rng([experiment.seed, _TRAINING_STREAM])
    return DATASETS[data.name].sample(data.samples, data.noise, rng, experiment.task)


class _Points:
    """The experiment's distribution, drawn as tensors."""

    def __init__(self, experiment: Experiment, device: torch.device) -> None:
        self.dataset = DATASETS[experiment.data.name]
        self.noise, self.task, self.seed = experiment.data.noise, experiment.task, experiment.seed
        self.device, self.dtype = device, getattr(torch, experiment.dtype)

    def draw(self, n: int, rng: np.random.Generator) -> Batch:
        points, labels = self.dataset.sample(n, self.noise, rng, self.task)
        return torch.from_numpy(points).to(self.device, self.dtype), torch.from_numpy(labels).to(self.device)

    def stream(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])


class Classification:
    """Cross-entropy of an ODE-Net on a fixed set of points; accuracy on 2,000 fresh ones."""

    headline = "accuracy"

    def __init__(self, experiment: Experiment, device: torch.device) -> None:
        source = _Points(experiment, device)
        self._x, self._labels = source.draw(experiment.data.samples, source.stream(_TRAINING_STREAM))
        self._test = source.draw(2000, source.stream(_HELD_OUT_STREAM))
        self._size = min(experiment.training.batch, experiment.data.samples)

    def batch(self, rng: np.random.Generator) -> Batch:
        chosen = torch.from_numpy(rng.choice(len(self._x), self._size, replace=False)).to(self._x.device)
        return self._x[chosen], self._labels[chosen]

    def loss(self, model: Model, batch: Batch) -> Tensor:
        x, labels = batch
        return nn.functional.cross_entropy(model(x), labels)

    @torch.no_grad()
    def metrics(self, model: Model, full: bool) -> dict[str, float]:
        assert isinstance(model, ODENet)
        x, labels = (part if full else part[:500] for part in self._test)
        logits = model(x)
        if not bool(torch.isfinite(logits).all()):
            return {"accuracy": math.nan}
        return {"accuracy": (logits.argmax(1) == labels).cpu().double().mean().item()}


class Density:
    """Negative log-likelihood of a continuous normalizing flow on fresh points at every iteration."""

    headline = "nll"

    #: Points of the final score, and the solver that makes it.
    _SCORED = 8000
    _SCORING = SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5)

    def __init__(self, experiment: Experiment, device: torch.device) -> None:
        self._source = _Points(experiment, device)
        self._size = experiment.training.batch
        self._quick, _ = self._source.draw(512, self._source.stream(_HELD_OUT_STREAM))

    def batch(self, rng: np.random.Generator) -> Batch:
        return self._source.draw(self._size, rng)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        assert isinstance(model, CNF)
        return -model.log_prob(batch[0]).mean()

    @torch.no_grad()
    def metrics(self, model: Model, full: bool) -> dict[str, float]:
        assert isinstance(model, CNF)
        if not full:
            return {"nll": -model.log_prob(self._quick).mean().item()}
        x, _ = self._source.draw(self._SCORED, self._source.stream(_HELD_OUT_STREAM))
        surprise = -_in_chunks(model, x, self._SCORING)
        figures = {
            "nll": surprise.mean().item(),
            "nll_se": surprise.std().item() / math.sqrt(len(surprise)),
            "mass": self._mass(model),
        }
        entropy = self._source.dataset.entropy_at(self._source.noise)
        return figures if entropy is None else figures | {"entropy": entropy}

    def _mass(self, model: CNF) -> float:
        """Integral of the density by the midpoint rule over a square half as wide again as the view."""
        half, n = 1.5 * self._source.dataset.extent, 256
        h = 2.0 * half / n
        axis = -half + h * (torch.arange(n, device=self._source.device, dtype=self._source.dtype) + 0.5)
        grid = torch.cartesian_prod(axis, axis)
        return _in_chunks(model, grid, self._SCORING).exp().sum().item() * h * h


def _in_chunks(model: CNF, x: Tensor, solver: SolverOptions, rows: int = 2048) -> Tensor:
    """log p(x) ``[n]`` in float64, on the CPU: not every device has float64."""
    parts = [model.log_prob_at(part, model.t1, solver).cpu() for part in torch.split(x, rows)]
    return torch.cat(parts).double()


_TASKS: dict[str, type[Classification] | type[Density]] = {
    "classification": Classification,
    "density": Density,
}
