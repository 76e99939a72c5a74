"""Gravity, restitution and the floor's level of a bouncing ball, learnt from its height. No torch; see ``learning``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from odeviz.tasks.classes import Classes
from odeviz.tasks.datasets import Labels, Points
from odeviz.tasks.settings import setting
from odeviz.tasks.task import Figure, Shapes, Task, View

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: The true constants: m/s², a share, m.
GRAVITY, RESTITUTION, LEVEL = 10.0, 0.8, 0.0
#: A ball that would leave the floor slower than this stays down, in m/s.
SLOWEST = 0.5


@dataclass(frozen=True, slots=True)
class BouncingBallOptions:
    """How balls are dropped, and how their paths are fitted."""

    balls: int = setting(
        4, "Balls", "Number of training balls, dropped from 4 to 10 m; they share the points.", lo=1, hi=64
    )
    grow: bool = setting(
        True,
        "Growing horizon",
        "Fit the first 25 % of the time at first, then 50 %, 75 % and all: a bounce is learnt from those before it.",
        hot=True,
    )


def shapes(experiment: Experiment) -> Shapes:
    """Shapes of an :class:`odeviz.models.BouncingBall`: three numbers."""
    return {"field.log_gravity": (), "field.logit_restitution": (), "field.level": ()}


def check(experiment: Experiment) -> None:
    """``ValueError`` unless each ball is seen a few times."""
    points = experiment.data.samples // experiment.options.balls
    if points < 16:
        raise ValueError(
            f"data.samples must be at least 16 for each of the {experiment.options.balls} options.balls, not {points}"
        )


def frames(experiment: Experiment) -> int:
    """As many as show each arc smoothly; where paths turn round they have corners besides."""
    return math.ceil(40.0 * experiment.solver.t1) + 1


def sketch(experiment: Experiment) -> tuple[Points, Labels]:
    """A ball that bounces on, in height and velocity: arcs of parabolas, each lower than the one before."""
    share = np.linspace(1.0, -1.0, 120)
    speeds = np.sqrt(2.0 * GRAVITY * 10.0) * RESTITUTION ** np.arange(6)
    velocity = speeds[:, None] * share
    height = LEVEL + (speeds[:, None] ** 2 - velocity**2) / (2.0 * GRAVITY)
    points = np.stack([height, velocity], -1).reshape(-1, 2)
    return points, np.full(len(points), -1, dtype=np.int64)


TASK = Task(
    name="bouncing-ball",
    title="Events",
    sentence="The constants of a bouncing ball are learnt through its impacts.",
    options=BouncingBallOptions,
    data=("ball",),
    figures=(
        #: Mean |height - true height| over balls without noise that training never sees.
        Figure("height_error", "height error", "m"),
        #: Largest error among the first five impacts of a ball dropped from 10 m.
        Figure("impact_error", "impact error", "s"),
        Figure("gravity_error", "gravity error", "m/s²"),
        Figure("restitution_error", "restitution error"),
        Figure("level_error", "floor level error", "m"),
    ),
    loss=Figure("loss", "height error", "m"),
    measured_on="held-out balls, solved as in training",
    final_on="held-out balls, solved at a tight tolerance",
    shapes=shapes,
    unused=(
        "field.width", "field.depth", "field.activation", "field.time", "field.extra_dims", "solver.learn_t1",
        "training.batch",
    ),
    defaults={
        "data.samples": 400,
        "data.noise": 0.0,
        "solver.t1": 9.0,
        "training.lr": 0.1,
        "training.iterations": 200,
    },
    crowd=6,
    frames=frames,
    check=check,
    sketch=sketch,
    jumps=True,
    classes=lambda experiment, data: Classes(
        "ball", tuple(str(k + 1) for k in range(experiment.options.balls))
    ),
    views=(
        View(
            "height",
            "Height in time",
            "A ball dropped from 10 m, true and learnt, with its impacts. An impact that is late makes all later ones "
            "later.",
        ),
        View("impacts", "Impacts", "The times of the first five impacts of a ball dropped from 10 m."),
        View("constants", "Constants", "Gravity, restitution and the level of the floor: true and learnt."),
    ),
)  # fmt: skip
