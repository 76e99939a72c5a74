"""Where the points of a density come from: a generator without end, or a person's own points. No torch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.experiment import Experiment
from odeviz.tasks.own_data import OWN, robust_box
from odeviz.tasks.task import Arrays

Points = NDArray[np.float32]

#: Share of a person's own points that training never sees, and the most of them.
HELD_OUT_SHARE, MOST_HELD_OUT = 0.2, 8000
#: Room around a person's own points, as a share of their range.
_MARGIN = 0.15
#: Axes of which one has this many times the other's range are shown at scales of their own.
_UNEQUAL = 4.0


class Source(Protocol):
    """Points to learn a density from, in standard units: ``centre + unit * points`` are the data's own."""

    centre: Points
    unit: Points
    #: Whether both axes are shown at the same scale.
    equal: bool

    def draw(self, n: int, rng: np.random.Generator) -> Points:
        """Points of one batch ``[<= n, 2]``."""
        ...

    def held_out(self, n: int, rng: np.random.Generator) -> Points:
        """Up to ``n`` points that training does not see."""
        ...

    def shown(self, n: int, seed: int) -> Points:
        """Up to ``n`` points in the data's own units."""
        ...

    def extent(self) -> tuple[float, float, float, float]:
        """The rectangle that shows them, in the data's own units: a square where ``equal``."""
        ...


class Generated:
    """Fresh points of a data set at every draw; its units are the standard ones."""

    equal = True

    def __init__(self, experiment: Experiment) -> None:
        self._dataset, self._noise = DATASETS[experiment.data.name], experiment.data.noise
        self.centre, self.unit = np.zeros(2, np.float32), np.ones(2, np.float32)

    def draw(self, n: int, rng: np.random.Generator) -> Points:
        return self._dataset.sample(n, self._noise, rng, "density")[0]

    held_out = draw

    def shown(self, n: int, seed: int) -> Points:
        return self.draw(n, np.random.default_rng(seed))

    def extent(self) -> tuple[float, float, float, float]:
        half = self._dataset.extent
        return (-half, half, -half, half)


class Own:
    """A person's own points, parted into those that are learnt and those held out, each axis in units of its spread."""

    def __init__(self, points: Points, split: np.random.Generator) -> None:
        precise = points.astype(np.float64)
        self.centre, deviation = precise.mean(0).astype(np.float32), precise.std(0)
        self.unit = deviation.astype(np.float32)
        ranges = np.ptp(precise[~robust_box(points)[2]], axis=0)
        self.equal = bool(ranges.max() <= _UNEQUAL * ranges.min())
        self._points = points
        order = split.permutation(len(points))
        held = min(max(int(HELD_OUT_SHARE * len(points)), 1), MOST_HELD_OUT)
        self._held, self._learnt = self._standard(points[order[:held]]), self._standard(points[order[held:]])

    def _standard(self, points: Points) -> Points:
        standard: Points = (points - self.centre) / self.unit
        return standard

    def draw(self, n: int, rng: np.random.Generator) -> Points:
        return self._learnt[rng.choice(len(self._learnt), min(n, len(self._learnt)), replace=False)]

    def held_out(self, n: int, rng: np.random.Generator) -> Points:
        return self._held[:n]

    def shown(self, n: int, seed: int) -> Points:
        if n >= len(self._points):
            return self._points.copy()
        return self._points[np.random.default_rng(seed).choice(len(self._points), n, replace=False)]

    def extent(self) -> tuple[float, float, float, float]:
        # The bulk of them: a single far outlier would leave nothing else to see.
        _, _, far = robust_box(self._points)
        shown = self._points[~far] if not far.all() else self._points
        low, high = shown.min(0).astype(float), shown.max(0).astype(float)
        middle, half = (low + high) / 2, (0.5 + _MARGIN) * (high - low)
        if self.equal:
            half = np.full(2, half.max())
        return (middle[0] - half[0], middle[0] + half[0], middle[1] - half[1], middle[1] + half[1])


def source_of(experiment: Experiment, data: Arrays, split: np.random.Generator) -> Source:
    """The experiment's source; ``split`` parts a person's own points."""
    return Own(data["points"], split) if experiment.data.name == OWN else Generated(experiment)
