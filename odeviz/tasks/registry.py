"""The tasks there are. Adding one is adding its package and a line here."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from odeviz.tasks.bouncing_ball import TASK as BOUNCING_BALL
from odeviz.tasks.classification import TASK as CLASSIFICATION
from odeviz.tasks.density import TASK as DENSITY
from odeviz.tasks.digits import TASK as DIGITS
from odeviz.tasks.dynamics import TASK as DYNAMICS
from odeviz.tasks.flip import TASK as FLIP
from odeviz.tasks.flow_matching import TASK as FLOW_MATCHING
from odeviz.tasks.latent import TASK as LATENT
from odeviz.tasks.poisson import TASK as POISSON
from odeviz.tasks.task import Arrays, Shapes, Task
from odeviz.tasks.variational import TASK as VARIATIONAL

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: By name, in the order of the gallery.
TASKS: MappingProxyType[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            DENSITY,
            VARIATIONAL,
            FLOW_MATCHING,
            CLASSIFICATION,
            DIGITS,
            FLIP,
            LATENT,
            POISSON,
            DYNAMICS,
            BOUNCING_BALL,
        )
    }
)


def same_loss(one: Experiment, other: Experiment) -> bool:
    """Whether losses and figures of two experiments can be compared."""
    mine, theirs = task_of(one), task_of(other)
    return mine.loss == theirs.loss and mine.headline == theirs.headline


def task_of(experiment: Experiment) -> Task:
    """The experiment's task."""
    return TASKS[experiment.task]


def expected_shapes(experiment: Experiment, data: Arrays = MappingProxyType({})) -> Shapes:
    """Name and shape of every entry of the ``state_dict`` of the experiment's model, which is not built for it."""
    task = task_of(experiment)
    if data and task.own_shapes is not None:
        return task.own_shapes(experiment, data)
    return task.shapes(experiment)
