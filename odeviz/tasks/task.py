"""What a task says of itself before torch is there: its settings, data sets, figures and views. No torch, no Qt.

A task is a package of ``odeviz.tasks`` with three or four modules: ``__init__`` holds its :class:`Task`, ``presets``
its ``PRESETS``, ``learning`` its ``Learning`` (with torch), and ``views``, where it has views of its own, a function
``draw(key, scene)``. It is listed in ``odeviz.tasks.registry``; nothing else knows it by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.classes import NUMBERED, Classes
from odeviz.tasks.datasets import DATASETS, Labels, Points
from odeviz.tasks.numerals import percent, short
from odeviz.tasks.own_data import check_own
from odeviz.tasks.viewpoint import Control, Followed

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

Shapes = dict[str, tuple[int, ...]]
#: A person's own data, by name.
Arrays = Mapping[str, NDArray[Any]]
#: Points of a preset's card.
_SKETCHED = 500


@dataclass(frozen=True, slots=True)
class Figure:
    """A number a run is judged by, as :meth:`odeviz.tasks.learning.Learning.metrics` reports it."""

    #: Its key among the metrics.
    name: str
    #: How it is called in the window.
    label: str
    unit: str = ""
    #: Shown as a percentage.
    percent: bool = False

    def text(self, value: float) -> str:
        """The value as it is shown, without its unit."""
        if self.percent:
            return percent(value, 1)
        return short(value)


def _always(experiment: Experiment) -> bool:
    return True


def _never(experiment: Experiment) -> bool:
    return False


def _no_controls(experiment: Experiment) -> tuple[Control, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class View:
    """A chart, maps or a table; a task's own are drawn by its module ``views``."""

    key: str
    title: str
    #: One or two sentences: what is seen, and what to look for.
    about: str
    #: Whether there is something to see with an experiment's settings.
    applies: Callable[[Experiment], bool] = _always
    #: It takes so long that it is not drawn again and again while training.
    heavy: bool = False
    #: What it follows, so that it is drawn again when that changes.
    follows: tuple[Followed, ...] = ()
    #: Numbers of its own that a person can set.
    controls: Callable[[Experiment], tuple[Control, ...]] = _no_controls
    #: A first look at it is so quick that it follows the solver's slider while that is dragged.
    live: bool = False


def _no_bound(experiment: Experiment) -> float | None:
    return None


def _two(experiment: Experiment) -> int:
    return 2


def _nothing(experiment: Experiment) -> None:
    return None


def _sample(experiment: Experiment) -> tuple[Points, Labels]:
    data = experiment.data
    if data.name not in DATASETS:
        return np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
    return DATASETS[data.name].sample(_SKETCHED, data.noise, np.random.default_rng(0), experiment.task)


def _any_data(experiment: Experiment, data: Arrays) -> None:
    return None


def _numbered(experiment: Experiment, data: Arrays) -> Classes:
    return NUMBERED


def _none_unused(experiment: Experiment) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Task:
    """The description of a task."""

    name: str
    #: Heading of its presets in the gallery, in the plural.
    title: str
    sentence: str
    #: Dataclass of the settings that only this task has; each field is made by ``settings.setting``.
    options: type[Any]
    #: Names of the data sets or systems it is offered with; the first is its default.
    data: tuple[str, ...]
    #: What ``metrics`` reports when asked for everything; the first is tracked while training.
    figures: tuple[Figure, ...]
    #: The loss: what it is called on an axis.
    loss: Figure
    #: Name and shape of every entry of the model's ``state_dict``, known without building it.
    shapes: Callable[[Experiment], Shapes]
    #: The same for a person's own data, where the shapes depend on it.
    own_shapes: Callable[[Experiment, Arrays], Shapes] | None = None
    #: What the plane shows behind the flow: ``density``, ``decision`` or nothing.
    background: str = ""
    #: Whether an experiment's model has that background at all.
    has_background: Callable[[Experiment], bool] = _always
    #: Whether a decision boundary of an experiment's model is a line at t1 that its flow can carry back.
    runs_back: Callable[[Experiment], bool] = _never
    #: The plane, its extent or the points shown in it depend on the model's weights.
    scene_follows_model: bool = False
    #: The most trajectories that the plane shows at once: of long ones, more would hide each other.
    crowd: int = 1000
    #: The fewest equal times at which an experiment's trajectories look smooth.
    frames: Callable[[Experiment], int] = _two
    #: Settings of the common sections that mean nothing to it, by dotted path.
    unused: tuple[str, ...] = ()
    #: The same under an experiment's other settings, such as a choice among its models.
    unused_by: Callable[[Experiment], tuple[str, ...]] = _none_unused
    #: Settings in which its default experiment differs from the common defaults.
    defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    #: The value that no honest model's first figure goes below, where it is known.
    bound: Callable[[Experiment], float | None] = _no_bound
    #: What that value is called beside a curve, and what it is.
    bound_name: str = "H"
    bound_about: str = "the data's entropy, which no honest model goes below"
    #: On what the first figure is measured now and then while training, and at its end; "" where it is the same.
    measured_on: str = "held-out data"
    final_on: str = ""
    #: Raises ``ValueError`` naming the setting that does not go with another one.
    check: Callable[[Experiment], None] = _nothing
    #: The kind of a person's own data that it takes (see ``own_data``), offered as the data set "own"; "" for none.
    own: str = ""
    #: Raises ``ValueError`` for data of its kind from which it cannot learn nevertheless.
    learnable: Callable[[Experiment, Arrays], None] = _any_data
    #: It tells classes apart: a person's own points must carry their labels.
    needs_labels: bool = False
    #: What the labels of its data and trajectories are called, with an experiment and a person's own data.
    classes: Callable[[Experiment, Arrays], Classes] = _numbered
    #: The state jumps on its way, so that what is said of any flow does not hold for it.
    jumps: bool = False
    views: tuple[View, ...] = ()
    #: The picture on a preset's card: points ``[n, 2]`` and labels ``[n]``; by default those of its data set.
    sketch: Callable[[Experiment], tuple[Points, Labels]] = _sample

    @property
    def headline(self) -> Figure:
        """The figure that is tracked while training."""
        return self.figures[0]

    @property
    def shares_axis(self) -> bool:
        """Whether the loss and the first figure are the same quantity, on other data."""
        return self.loss.label == self.headline.label

    def behind(self, experiment: Experiment) -> str:
        """What the plane shows behind the flow of this experiment's model: see ``background``."""
        return self.background if self.has_background(experiment) else ""

    def views_of(self, experiment: Experiment) -> tuple[View, ...]:
        """The views that have something to show of an experiment."""
        return tuple(view for view in self.views if view.applies(experiment))

    def check_data(self, experiment: Experiment, data: Arrays) -> None:
        """Raises ``ValueError`` unless a person's own data, by name, is what the experiment learns from."""
        check_own(self.own, experiment, data)
        if data:
            self.learnable(experiment, data)

    @property
    def package(self) -> str:
        """Where its modules are."""
        return f"odeviz.tasks.{self.name.replace('-', '_')}"
