"""The 1-D flip y = −x, which no flow of the line can make (Dupont et al., 2019). No torch; see ``learning``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.classes import Classes
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import layer_shapes, mlp_shapes
from odeviz.tasks.task import Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment


@dataclass(frozen=True, slots=True)
class FlipOptions:
    """Whether the field sees more than the state."""

    controlled: bool = setting(
        False,
        "Data-controlled",
        "The field sees the input too: f(z, t, x). Each input then has a field of its own, and paths may cross.",
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.FlowMap`."""
    field = experiment.field
    hidden, dim = (field.width,) * field.depth, 1 + field.extra_dims
    if experiment.options.controlled:
        return layer_shapes("field", (dim + 1, *hidden, dim), field.time)
    return mlp_shapes("field", dim, hidden, field.time)


#: Trajectories of the flow view at most.
STARTS = 60


def inputs(n: int) -> NDArray[np.float64]:
    """The ``n`` points x, from -1 to 1 at equal distances; each is to be taken to -x."""
    return np.linspace(-1.0, 1.0, n)


def floor(experiment: Experiment) -> float | None:
    """The MSE that no flow of the line goes below.

    A flow of the line increases, -x decreases: the best is the constant 0, the mean, and its error the mean of x^2.
    """
    if experiment.field.extra_dims or experiment.options.controlled:
        return None
    return float(np.mean(inputs(experiment.data.samples) ** 2))


def sketch(experiment: Experiment) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The line y = −x, its two halves in two colours."""
    x = inputs(160)
    return np.stack([x, -x], axis=1), (x > 0).astype(np.int64)


TASK = Task(
    name="flip",
    title="The 1-D flip",
    sentence="Each x of a line is to be carried to -x, where paths of a flow cannot cross.",
    options=FlipOptions,
    data=("flip",),
    figures=(Figure("mse", "MSE"), Figure("above_floor", "MSE above the floor of 1-D flows")),
    loss=Figure("loss", "MSE"),
    shapes=shapes,
    unused=("data.noise", "solver.learn_t1", "training.batch"),
    defaults={
        "data.samples": 100,
        "field.width": 32,
        "training.lr": 1e-2,
        "training.iterations": 500,
    },
    bound=floor,
    bound_name="floor",
    bound_about="the MSE that no flow of the line goes below",
    measured_on="all inputs, solved as in training",
    final_on="all inputs, solved at tolerance 1e-6",
    classes=lambda experiment, data: Classes("input", ("x < 0", "x > 0")),
    views=(
        View(
            "paths",
            "Paths z(t)",
            "Each input's path through the flow's time. In one dimension paths never cross: they can only be squeezed "
            "together; with another dimension or the input in view they pass each other.",
        ),
        View(
            "map",
            "Output against input",
            "What the flow makes of each x, over the line y = −x. A flow of the line can only increase: the least bad "
            "is a constant.",
        ),
    ),
    sketch=sketch,
)
