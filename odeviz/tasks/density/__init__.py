"""Densities of points in the plane, learnt by a continuous normalizing flow. No torch; see ``learning``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odeviz.tasks.datasets import DATASETS, offered
from odeviz.tasks.shapes import mlp_shapes
from odeviz.tasks.task import Figure, Shapes, Task

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

PLANE = 2


@dataclass(frozen=True, slots=True)
class DensityOptions:
    """Settings of density estimation."""


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.CNF`."""
    field = experiment.field
    network = mlp_shapes("field", PLANE, (field.width,) * field.depth, field.time)
    return network | ({"log_t1": ()} if experiment.solver.learn_t1 else {})


def entropy(experiment: Experiment) -> float | None:
    """The data's entropy in nats, which no honest model's NLL goes below, where it is known."""
    data = experiment.data
    return DATASETS[data.name].entropy_at(data.noise)


TASK = Task(
    name="density",
    title="Densities",
    sentence="A normal distribution flows into the density of the data.",
    options=DensityOptions,
    data=offered("density"),
    figures=(
        Figure("nll", "NLL", "nats"),
        Figure("nll_se", "its standard error", "nats"),
        Figure("entropy", "entropy of the data", "nats"),
        Figure("gap", "NLL - H", "nats"),
        Figure("gap_in_se", "(NLL - H) / SE"),
        Figure("mass", "mass"),
    ),
    loss=Figure("loss", "NLL", "nats"),
    shapes=shapes,
    background="density",
    unused=("data.samples", "field.extra_dims"),
    defaults={
        "field.width": 48,
        "field.time": "concatsquash",
        "solver.learn_t1": True,
        "training.lr": 1e-2,
        "training.iterations": 2000,
    },
    bound=entropy,
)
