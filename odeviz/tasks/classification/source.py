"""Where the points of two classes come from: a generator without end, or a person's own points. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from odeviz.tasks.datasets import DATASETS, Labels, Points
from odeviz.tasks.own_data import OWN, classes_of
from odeviz.tasks.task import Arrays

if TYPE_CHECKING:
    from odeviz.tasks.experiment import Experiment

#: Points ``[n, 2]`` and their classes ``[n]``, counted from 0.
Labelled = tuple[Points, Labels]
#: Share of a person's own points that training never sees, and the most of them.
_HELD_OUT_SHARE, _MOST_HELD_OUT = 0.2, 2000
#: Own points are taken as they are if their spread is within these bounds and their mean within so many spreads of 0;
#: others are moved and scaled to spread 1, because a field begins with weights for numbers of that size.
_SPREAD, _ASIDE = (0.25, 4.0), 2.0
#: Room around a person's own points, as a share of their range.
_MARGIN = 0.3


class Source(Protocol):
    """Points of two classes, in the units in which they are learnt and shown."""

    #: Those that training sees.
    learnt: Labelled
    #: The square that shows them: x0, x1, y0, y1.
    extent: tuple[float, float, float, float]

    def held_out(self, n: int, rng: np.random.Generator) -> Labelled:
        """Up to ``n`` points that training never sees."""
        ...

    def draw(self, n: int, rng: np.random.Generator) -> Labelled:
        """``n`` points where trajectories begin."""
        ...


class Generated:
    """One of the data sets: as many points as are wanted."""

    def __init__(self, experiment: Experiment, rng: np.random.Generator) -> None:
        self._dataset, self._noise = DATASETS[experiment.data.name], experiment.data.noise
        half = self._dataset.extent
        self.extent = (-half, half, -half, half)
        self.learnt = self.draw(experiment.data.samples, rng)

    def draw(self, n: int, rng: np.random.Generator) -> Labelled:
        return self._dataset.sample(n, self._noise, rng, "classification")

    held_out = draw


class Own:
    """A person's own labelled points, parted into those that are learnt and those held out."""

    def __init__(self, points: Points, labels: Labels, split: np.random.Generator) -> None:
        near = _of_usual_size(points.astype(np.float64)).astype(np.float32)
        classes: Labels = np.searchsorted(classes_of(labels), labels).astype(np.int64)
        order = split.permutation(len(near))
        held = min(max(int(_HELD_OUT_SHARE * len(near)), 1), _MOST_HELD_OUT)
        self._held = near[order[:held]], classes[order[:held]]
        self.learnt = near[order[held:]], classes[order[held:]]
        low, high = near.min(0).astype(float), near.max(0).astype(float)
        x, y = (low + high) / 2
        half = float((0.5 + _MARGIN) * (high - low).max())
        self.extent = (x - half, x + half, y - half, y + half)

    def held_out(self, n: int, rng: np.random.Generator) -> Labelled:
        return self._held[0][:n], self._held[1][:n]

    def draw(self, n: int, rng: np.random.Generator) -> Labelled:
        points, labels = self.learnt
        chosen = rng.choice(len(points), n, replace=n > len(points))
        return points[chosen], labels[chosen]


def source_of(experiment: Experiment, data: Arrays, split: np.random.Generator) -> Source:
    """The experiment's source; ``split`` draws the training points, or parts a person's own."""
    if experiment.data.name == OWN:
        return Own(data["points"], data["labels"], split)
    return Generated(experiment, split)


def _of_usual_size(points: Points) -> Points:
    """The points, moved and scaled, both axes alike, where they are far from the size that fields are made for."""
    middle, spread = points.mean(0), float(points.std(0).max())
    if _SPREAD[0] <= spread <= _SPREAD[1] and np.abs(middle).max() <= _ASIDE * spread:
        return points
    moved: Points = (points - middle) / spread
    return moved
