"""Two-dimensional data sets: points to classify, and densities to learn. numpy only.

The densities are the toy distributions of Grathwohl et al., *FFJORD* (2019), with the same parameters,
so that likelihoods compare with published ones. Every generator draws independent points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]
#: (n, noise, rng) -> points [n, 2] and labels [n].
Generator = Callable[[int, float, np.random.Generator], tuple[Points, Labels]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A distribution of points in the plane, as offered for one or both tasks."""

    name: str
    title: str
    #: One generator for each task the set is offered for.
    generators: dict[str, Generator]
    #: The generator's own noise parameter at which ``entropy`` holds.
    default_noise: float
    #: Half-width of the square around the origin that shows the set.
    extent: float
    #: Differential entropy of the density in nats at ``default_noise``, by quadrature of the exact density;
    #: None for sets to classify.
    entropy: float | None = None
    #: What the classes are called, of a set to classify.
    classes: tuple[str, ...] = ()

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks this set is offered for."""
        return frozenset(self.generators)

    def sample(
        self, n: int, noise: float, rng: np.random.Generator, task: str | None = None
    ) -> tuple[NDArray[np.float32], Labels]:
        """Draw ``n`` independent points: ``points [n, 2]`` (float32) and ``labels [n]``.

        Labels are class indices for classification and -1 for density. ``task`` may be left out where the
        set is offered for one task, and means classification where it is offered for both.
        """
        generate = self.generators[task or min(self.generators)]
        points, labels = generate(n, noise, rng)
        return points.astype(np.float32), labels

    def entropy_at(self, noise: float) -> float | None:
        """Entropy in nats where it is known: at the default noise."""
        return self.entropy if math.isclose(noise, self.default_noise, abs_tol=1e-12) else None


def _polar(radius: Points | float, angle: Points) -> Points:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _normal(rng: np.random.Generator, n: int, std: float) -> Points:
    return rng.normal(size=(n, 2)) * std


def _unlabelled(n: int) -> Labels:
    return np.full(n, -1, dtype=np.int64)


def _half_circles(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Two interleaving half circles of radius 1, about (0, 0) and (1, 1/2)."""
    labels = rng.integers(0, 2, size=n)
    arc = _polar(1.0, rng.uniform(0.0, np.pi, size=n))
    points = np.where(labels[:, None] == 0, arc, np.array([1.0, 0.5]) - arc)
    return points + _normal(rng, n, noise), labels


def _moons_classes(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    points, labels = _half_circles(n, noise, rng)
    return 2.0 * (points - np.array([0.5, 0.25])), labels


def _moons_density(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    points, _ = _half_circles(n, noise, rng)
    return 2.0 * points + np.array([-1.0, -0.2]), _unlabelled(n)


def _circles(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Concentric circles of radius 1 (class 0) and 1/2 (class 1), noise added, then tripled."""
    labels = rng.integers(0, 2, size=n)
    points = _polar(np.where(labels == 0, 1.0, 0.5), rng.uniform(0.0, 2.0 * np.pi, size=n))
    return 3.0 * (points + _normal(rng, n, noise)), labels


def _annuli(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """A disc of radius 1 (class 0) inside a ring from 2 to 3 (class 1), uniform in radius.

    Dupont et al., *Augmented Neural ODEs* (2019): no flow of the plane can part them without tearing.
    """
    labels = rng.integers(0, 2, size=n)
    radius = rng.uniform(0.0, 1.0, size=n) + 2.0 * labels
    points = _polar(radius, rng.uniform(0.0, 2.0 * np.pi, size=n))
    return points + _normal(rng, n, noise), labels


def _spirals(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Two spirals of one and a half turns out to radius 3, uniform along the plane's area."""
    labels = rng.integers(0, 2, size=n)
    turn = np.sqrt(rng.uniform(size=n)) * 3.0 * np.pi
    points = _polar(turn / np.pi, turn + np.pi * labels)
    return points + _normal(rng, n, noise), labels


def _eight_gaussians(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Normals of standard deviation ``noise`` on a circle of radius 4, all divided by 1.414."""
    centres = _polar(4.0, rng.integers(0, 8, size=n) * (np.pi / 4.0))
    return (centres + _normal(rng, n, noise)) / 1.414, _unlabelled(n)


def _pinwheel(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Five arms, normal along (.3) and across (``noise``), sheared by an angle exp(r) / 4, then doubled."""
    along = 1.0 + 0.3 * rng.normal(size=n)
    across = noise * rng.normal(size=n)
    angle = rng.integers(0, 5, size=n) * (2.0 * np.pi / 5.0) + 0.25 * np.exp(along)
    # Row vectors times a rotation, as in the original: clockwise.
    x = along * np.cos(angle) + across * np.sin(angle)
    y = across * np.cos(angle) - along * np.sin(angle)
    return 2.0 * np.stack([x, y], axis=-1), _unlabelled(n)


def _checkerboard(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Uniform on the eight dark squares, each 2 x 2, of a 4 x 4 board, plus noise."""
    x = rng.uniform(-2.0, 2.0, size=n)
    y = rng.uniform(size=n) - 2.0 * rng.integers(0, 2, size=n) + np.floor(x) % 2
    return 2.0 * np.stack([x, y], axis=-1) + _normal(rng, n, noise), _unlabelled(n)


def _two_spirals(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Two arms of one and a half turns, jittered uniformly by up to 1/6 outwards, plus noise."""
    turn = np.sqrt(rng.uniform(size=n)) * 3.0 * np.pi
    arm = np.stack([-np.cos(turn) * turn, np.sin(turn) * turn], axis=-1) + rng.uniform(0.0, 0.5, size=(n, 2))
    sign = 1.0 - 2.0 * rng.integers(0, 2, size=(n, 1))
    return sign * arm / 3.0 + _normal(rng, n, noise), _unlabelled(n)


def _rings(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """Four concentric circles of radius .75, 1.5, 2.25 and 3, equally likely, plus noise."""
    radius = 0.75 * rng.integers(1, 5, size=n)
    points = _polar(radius, rng.uniform(0.0, 2.0 * np.pi, size=n))
    return points + _normal(rng, n, noise), _unlabelled(n)


def _swiss_roll(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    """An arm of one and a half turns, of radius 1.5 pi to 4.5 pi plus noise, all divided by 5."""
    turn = 1.5 * np.pi * (1.0 + 2.0 * rng.uniform(size=n))
    return (_polar(turn, turn) + _normal(rng, n, noise)) / 5.0, _unlabelled(n)


def _circles_density(n: int, noise: float, rng: np.random.Generator) -> tuple[Points, Labels]:
    return _circles(n, noise, rng)[0], _unlabelled(n)


def _registry(*sets: Dataset) -> dict[str, Dataset]:
    return {data.name: data for data in sets}


DATASETS: dict[str, Dataset] = _registry(
    Dataset(
        "moons",
        "Two moons",
        {"classification": _moons_classes, "density": _moons_density},
        default_noise=0.1,
        extent=4.0,
        entropy=2.3939,
        classes=("upper moon", "lower moon"),
    ),
    Dataset(
        "circles",
        "Two circles",
        {"classification": _circles, "density": _circles_density},
        default_noise=0.08,
        extent=4.0,
        entropy=3.2681,
        classes=("outer circle", "inner circle"),
    ),
    Dataset(
        "spirals",
        "Two spirals to part",
        {"classification": _spirals},
        default_noise=0.1,
        extent=4.0,
        classes=("first spiral", "second spiral"),
    ),
    Dataset(
        "annuli",
        "Disc in a ring",
        {"classification": _annuli},
        default_noise=0.0,
        extent=4.0,
        classes=("disc", "ring"),
    ),
    Dataset(
        "8gaussians",
        "Eight Gaussians",
        {"density": _eight_gaussians},
        default_noise=0.5,
        extent=4.5,
        entropy=2.8319,
    ),
    Dataset("pinwheel", "Pinwheel", {"density": _pinwheel}, default_noise=0.1, extent=4.5, entropy=2.3178),
    Dataset(
        "checkerboard",
        "Checkerboard",
        {"density": _checkerboard},
        default_noise=0.0,
        extent=4.5,
        entropy=math.log(32.0),
    ),
    Dataset(
        "2spirals", "Two spirals", {"density": _two_spirals}, default_noise=0.1, extent=4.5, entropy=2.6454
    ),
    Dataset("rings", "Four rings", {"density": _rings}, default_noise=0.08, extent=4.0, entropy=2.6232),
    Dataset(
        "swissroll", "Swiss roll", {"density": _swiss_roll}, default_noise=1.0, extent=4.0, entropy=2.6696
    ),
)


def offered(task: str) -> tuple[str, ...]:
    """Names of the sets that are offered for a task."""
    return tuple(name for name, data in DATASETS.items() if task in data.tasks)
