"""The two ends of a flow: distributions of points in the plane. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.tasks.datasets import DATASETS
from odeviz.tasks.own_data import OWN

#: The source that is no data set.
NORMAL = "normal"
#: Half-width of the square that shows the standard normal, or a person's own points in their standard units.
_EXTENT = 4.0
#: Every so many of a person's own points one is held out.
_HELD_OUT = 5

#: (n, rng) -> points [n, 2] in float32
Draw = Callable[[int, np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Something to draw points from, in standard units: ``centre + unit * points`` are its own."""

    sample: Draw
    #: Half-width of the square around the origin that shows it, in standard units.
    extent: float
    #: Draws points that training never sees.
    test: Draw
    centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    unit: float = 1.0

    def own(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Points ``[n, 2]`` of standard units in its own."""
        return (self.centre + self.unit * points).astype(np.float32)


def distribution(name: str, noise: float, data: Mapping[str, NDArray[Any]] | None = None) -> Distribution:
    """The data set of that name; the name "own" is that of a person's own points, in ``data``."""
    if name == OWN:
        return _own(data or {})

    def draw(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        return DATASETS[name].sample(n, noise, rng, "density")[0]

    return Distribution(draw, DATASETS[name].extent, draw)


def source(name: str) -> Distribution:
    """The standard normal, or a data set with its default noise."""
    if name != NORMAL:
        return distribution(name, DATASETS[name].default_noise)

    def draw(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        return rng.standard_normal((n, 2), dtype=np.float32)

    return Distribution(draw, _EXTENT, draw)


def _own(data: Mapping[str, NDArray[Any]]) -> Distribution:
    """A person's own points about their mean, in units of one standard deviation for both axes.

    One point in five is held out. Points are drawn with replacement.
    """
    given = data["points"].astype(np.float64)
    centre = given.mean(axis=0)
    unit = float(np.sqrt(((given - centre) ** 2).mean()))
    points = ((given - centre) / unit).astype(np.float32)
    held_out = np.arange(len(points)) % _HELD_OUT == _HELD_OUT - 1

    def drawing(pool: NDArray[np.float32]) -> Draw:
        return lambda n, rng: pool[rng.integers(0, len(pool), size=n)]

    extent = max(_EXTENT, 1.1 * float(np.abs(points).max()))
    return Distribution(drawing(points[~held_out]), extent, drawing(points[held_out]), centre, unit)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Equally likely normals of one standard deviation about ``centres [m, 2]``."""

    centres: NDArray[np.float64]
    std: float


def _eight() -> Mixture:
    data = DATASETS["8gaussians"]
    angle = np.arange(8) * (np.pi / 4.0)
    centres = 4.0 / 1.414 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Mixture(centres, data.default_noise / 1.414)


#: Sources whose density is known in closed form.
BASES: Mapping[str, Mixture] = {NORMAL: Mixture(np.zeros((1, 2)), 1.0), "8gaussians": _eight()}
