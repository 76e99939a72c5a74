"""Handwritten digits told apart by an ODE-Net, a residual net or an RK-Net: Table 1 of Chen et al. (2018). No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.classes import Classes
from odeviz.tasks.digits.images import CLASSES, PIXELS, SIDE, split
from odeviz.tasks.settings import setting
from odeviz.tasks.shapes import block_shapes, linear_shapes, mlp_shapes
from odeviz.tasks.task import Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

MODELS = ("ode-net", "residual-net", "rk-net")


@dataclass(frozen=True, slots=True)
class DigitsOptions:
    """Which of Table 1's models it is."""

    model: str = setting(
        "ode-net",
        "Model",
        "ode-net: the flow of one field. residual-net: blocks of their own, one after the other. rk-net: the ODE-Net, "
        "its gradient taken through every operation of the solver.",
        choices=MODELS,
    )
    state_dim: int = setting(
        32, "State", "Numbers of the state that a digit's 64 pixels are mapped to.", symbol="d", lo=3, hi=256
    )
    blocks: int = setting(
        6,
        "Blocks",
        "Residual blocks, each with weights of its own.",
        symbol="N",
        lo=1,
        hi=64,
        when={"options.model": ("residual-net",)},
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of the model's entries: encoder, field and readout."""
    field, options = experiment.field, experiment.options
    hidden = (field.width,) * field.depth
    dim = options.state_dim + field.extra_dims
    if options.model == "residual-net":
        network = block_shapes("field", dim, hidden, options.blocks)
    else:
        network = mlp_shapes("field", dim, hidden, field.time)
    ends = linear_shapes("readout", dim, CLASSES) | linear_shapes("encoder", PIXELS, options.state_dim)
    return network | ends


def unused_by(experiment: Experiment) -> tuple[str, ...]:
    """Settings that the chosen model has no use for."""
    if experiment.options.model == "residual-net":
        solver = ("method", "rtol", "atol", "steps", "adjoint")
        return ("field.time", *(f"solver.{name}" for name in solver))
    return ("solver.adjoint",) if experiment.options.model == "rk-net" else ()


def sketch(experiment: Experiment) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Nine digits in dots."""
    images = split()[1]
    points, labels = [], []
    for place in range(9):
        digit = int(np.flatnonzero(images.labels == place + 1)[0])
        row, column = np.nonzero(images.pixels[digit].reshape(SIDE, SIDE) > 0.4)
        corner = np.array([place % 3, 2 - place // 3]) * (SIDE + 1.5)
        points.append(corner + np.stack([column, SIDE - 1 - row], axis=1))
        labels.append(np.full(len(row), place + 1))
    return np.concatenate(points), np.concatenate(labels)


TASK = Task(
    name="digits",
    title="Handwritten digits",
    sentence="Digits of 8 x 8 pixels are carried to where planes part them: the paper's Table 1 in small.",
    options=DigitsOptions,
    data=("digits",),
    figures=(
        Figure("error", "test error", percent=True),
        Figure("parameters", "parameters"),
        Figure("bytes_kept", "kept for backward", "bytes"),
        Figure("nfe", "NFE forward"),
        Figure("nfe_backward", "NFE backward"),
        Figure("tolerance_shift", "change of the error from tolerance 1e-4 to 1", percent=True),
    ),
    loss=Figure("loss", "cross-entropy", "nats"),
    measured_on="the test digits",
    shapes=shapes,
    scene_follows_model=True,
    unused=("data.samples", "data.noise", "solver.learn_t1"),
    unused_by=unused_by,
    defaults={
        "field.width": 64,
        "field.depth": 1,
        "training.lr": 3e-3,
        "training.iterations": 850,
        "training.batch": 64,
        "training.weight_decay": 1e-4,
    },
    views=(
        View(
            "table1",
            "Table 1",
            "Test error, size, memory and work of the three models that odeviz ships, and of the one on show. "
            "An ODE-Net does with a quarter of the residual net's parameters.",
        ),
        View(
            "tolerance",
            "Precision for speed",
            "Test error and evaluations against the tolerance of the solver. A trained model may be solved "
            "coarsely: the error hardly moves while the work falls.",
        ),
        View("confusion", "Confusion", "Which digits are taken for which. Look for 8, 1 and 9."),
        View(
            "mistakes", "Mistakes", "Test digits that the model gets wrong, the surest of its mistakes first."
        ),
    ),
    sketch=sketch,
    classes=lambda experiment, data: Classes("digit", tuple(map(str, range(CLASSES)))),
)
