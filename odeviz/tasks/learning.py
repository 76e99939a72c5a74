"""What training and the views need of a task, and what its module ``learning`` must define. Imports torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.engine.integrate import CancelToken
from odeviz.models import FlowModel, SolverOptions
from odeviz.tasks.classes import Classes
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.numerals import coordinates
from odeviz.tasks.own_time import FLOW_TIME, OwnTime
from odeviz.tasks.plane import Plane, TimePlane
from odeviz.tasks.registry import task_of

#: What a session learns from besides the experiment: a person's own data, by name.
Data = Mapping[str, NDArray[Any]]
NO_DATA: Data = MappingProxyType({})

#: Independent streams of one seed, so that changing one leaves the others' points as they are.
TRAINING_STREAM, HELD_OUT_STREAM = 101, 102

#: Attempted steps after which a solve in training gives up: a field that needs more has gone astray, and the
#: run should say so soon.
_MAX_STEPS = 1000


class Learning(ABC):
    """Data, loss and metrics of one experiment, on one device, and how they are shown in the plane.

    A task's module ``learning`` has a subclass of this name.
    """

    def __init__(self, experiment: Experiment, device: torch.device, data: Data = NO_DATA) -> None:
        self.experiment, self.device, self.data = experiment, device, data
        self.dtype: torch.dtype = getattr(torch, experiment.dtype)

    @staticmethod
    @abstractmethod
    def build(experiment: Experiment, data: Data = NO_DATA) -> FlowModel:
        """A new model in torch's default precision; its first weights come from torch's generator."""

    @abstractmethod
    def batch(self, rng: np.random.Generator, progress: float) -> Any:
        """What one iteration learns from, all its chance taken from ``rng``; ``progress`` in [0, 1] of the run."""

    @abstractmethod
    def loss(self, model: Any, batch: Any) -> Tensor:
        """The loss, a scalar; NaN when the model's solve failed."""

    @abstractmethod
    def metrics(self, model: Any, full: bool) -> dict[str, float]:
        """The task's figures on data that training never sees, the same at every call.

        Without ``full``, a quick estimate of the first figure by the model's own solver.
        """

    # How it is shown.

    @abstractmethod
    def extent(self, model: Any) -> tuple[float, float, float, float]:
        """The rectangle x0, x1, y0, y1 of the plane that shows the data."""

    @abstractmethod
    def shown(self, model: Any, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Up to ``n`` points of the data ``[n, 2]`` in the plane, with labels (-1 for none); always the same ones."""

    @abstractmethod
    def starts(self, model: Any, n: int, seed: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        """Where ``n`` trajectories begin: points of the plane ``[n, 2]`` or wider states, and labels."""

    def plane(self, model: Any) -> Plane | TimePlane:
        """The plane; by default the first two dimensions of the state.

        Where it, the extent or the points shown depend on the weights, the task's ``scene_follows_model`` is set.
        """
        return Plane.of_axes(model.state_dim, like=next(model.parameters()))

    def shown_states(self, model: Any, n: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
        """The points of :meth:`shown` as states ``[n, dim]``, and labels; by default as the plane embeds them."""
        points, labels = self.shown(model, n)
        plane = self.plane(model)
        states = plane.states(torch.as_tensor(points).to(next(model.parameters())))
        return states.detach().cpu().numpy(), labels

    @property
    def classes(self) -> Classes:
        """What the labels of its data and trajectories are called."""
        return task_of(self.experiment).classes(self.experiment, self.data)

    @property
    def own_clock(self) -> OwnTime:
        """The time of a person's own data, in which the flow's times are told."""
        return FLOW_TIME

    def axes(self, model: Any) -> tuple[str, ...]:
        """What the coordinates of a state are called."""
        return coordinates(model.state_dim)

    def border(
        self, model: Any, times: list[float], cancel: CancelToken | None = None
    ) -> NDArray[np.float64] | None:
        """The decision boundary at each time, one curve ``[times, n, 2]`` run back by the flow; None without one.

        The task's ``runs_back`` says which experiments have one.
        """
        return None

    def stream(self, stream: int) -> np.random.Generator:
        """One of the seed's independent streams of chance."""
        return np.random.default_rng([self.experiment.seed, stream])

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array on the experiment's device, in its precision."""
        return torch.as_tensor(array, device=self.device).to(self.dtype)


def _module(experiment: Experiment) -> type[Learning]:
    learning: type[Learning] = import_module(f"{task_of(experiment).package}.learning").Learning
    return learning


def build_model(experiment: Experiment, data: Data = NO_DATA) -> FlowModel:
    """The experiment's model on the CPU, its first weights fixed by the seed. Leaves torch's generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(experiment.seed)
        model = _module(experiment).build(experiment, data)
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


def task_for(experiment: Experiment, device: torch.device | str = "cpu", data: Data = NO_DATA) -> Learning:
    """The experiment's task, its data on ``device``. Raises ``ValueError`` when ``data`` is not what it learns from."""
    task_of(experiment).check_data(experiment, data)
    return _module(experiment)(experiment, torch.device(device), data)


def hidden_layers(experiment: Experiment) -> tuple[int, ...]:
    """Widths of the field's hidden layers."""
    return (experiment.field.width,) * experiment.field.depth


__all__ = [
    "HELD_OUT_STREAM", "NO_DATA", "TRAINING_STREAM", "Data", "Learning", "build_model", "hidden_layers",
    "solver_options", "task_for",
]  # fmt: skip
