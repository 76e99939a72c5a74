"""Classification of points in the plane by an ODE-Net. No torch; see ``learning``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odeviz.tasks.datasets import offered
from odeviz.tasks.shapes import linear_shapes, mlp_shapes
from odeviz.tasks.task import Figure, Shapes, Task

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: State dimensions of the data, and classes.
PLANE, CLASSES = 2, 2


@dataclass(frozen=True, slots=True)
class ClassificationOptions:
    """A classifier has no settings of its own."""


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.ODENet`."""
    field = experiment.field
    dim = PLANE + field.extra_dims
    network = mlp_shapes("field", dim, (field.width,) * field.depth, field.time)
    return network | linear_shapes("readout", dim, CLASSES)


TASK = Task(
    name="classification",
    title="Classifiers",
    sentence="Points of two classes are carried to where one line parts them.",
    options=ClassificationOptions,
    data=offered("classification"),
    figures=(Figure("accuracy", "accuracy", percent=True),),
    loss=Figure("loss", "cross-entropy", "nats"),
    shapes=shapes,
    background="decision",
    unused=("solver.learn_t1",),
    defaults={"data.samples": 1024},
)
