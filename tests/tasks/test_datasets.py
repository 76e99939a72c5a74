"""The generators against closed densities, quadrature and nearest neighbours: never against themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.special import digamma, ive, logsumexp, ndtr

from odeviz.tasks.datasets import DATASETS

DENSITIES = [name for name, data in DATASETS.items() if "density" in data.tasks]
CLASSES = [name for name, data in DATASETS.items() if "classification" in data.tasks]


def draw(name: str, n: int, *, noise: float | None = None, task: str = "density", seed: int = 0):
    data = DATASETS[name]
    return data.sample(n, data.default_noise if noise is None else noise, np.random.default_rng(seed), task)


def isotropic(points, centres, std):
    """log of an equal mixture of isotropic normals, at points [n, 2] with centres [m, 2]."""
    squares = (points**2).sum(1)[:, None] - 2.0 * points @ centres.T + (centres**2).sum(1)[None]
    return logsumexp(-squares / (2 * std**2), axis=1) - math.log(2 * math.pi * std**2 * len(centres))


def arc(start: float, end: float, nodes: int):
    """Midpoints of equal pieces of an arc of angles."""
    return start + (end - start) * (np.arange(nodes) + 0.5) / nodes


def unit(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def log_eight_gaussians(points):
    return isotropic(points, 4 / 1.414 * unit(arc(0, 2 * np.pi, 8) - np.pi / 8), 0.5 / 1.414)


def log_moons(points):
    upper = unit(arc(0, np.pi, 400))
    lower = np.array([1.0, 0.5]) - upper
    return isotropic(points, 2 * np.concatenate([upper, lower]) + np.array([-1.0, -0.2]), 0.2)


def log_rings(points):
    centres = np.concatenate([radius * unit(arc(0, 2 * np.pi, 400)) for radius in (0.75, 1.5, 2.25, 3.0)])
    return isotropic(points, centres, 0.08)


def log_two_spirals(points):
    turn = np.sqrt(arc(0, 1, 800)) * 3 * np.pi
    arm = np.stack([-np.cos(turn), np.sin(turn)], axis=1) * turn[:, None] / 3

    def mixture(p):
        # Uniform jitter over [0, 1/6] plus normal noise of .1 is a difference of two normal integrals.
        z = (p[:, None, :] - arm[None]) / 0.1
        return (6 * (ndtr(z) - ndtr(z - 1 / 0.6))).prod(2).mean(1)

    return np.log(0.5 * (mixture(points) + mixture(-points)))


def log_swiss_roll(points):
    turn = arc(1.5 * np.pi, 4.5 * np.pi, 1500)
    return isotropic(points, turn[:, None] / 5 * unit(turn), 0.2)


def log_circles(points):
    centres = np.concatenate([radius * unit(arc(0, 2 * np.pi, 400)) for radius in (3.0, 1.5)])
    return isotropic(points, centres, 0.24)


CLOSED = {
    "8gaussians": log_eight_gaussians,
    "moons": log_moons,
    "rings": log_rings,
    "circles": log_circles,
    "swissroll": log_swiss_roll,
    "2spirals": log_two_spirals,
}


@pytest.mark.parametrize("name", CLOSED)
def test_entropy_is_that_of_the_closed_density(name):
    points, _ = draw(name, 3000, seed=1)
    surprise = -CLOSED[name](points.astype(np.float64))
    standard_error = surprise.std() / math.sqrt(len(points))
    assert DATASETS[name].entropy == pytest.approx(surprise.mean(), abs=3.5 * standard_error)
    assert standard_error < 0.03


@pytest.mark.parametrize("name", ["pinwheel", "8gaussians"])
def test_entropy_agrees_with_nearest_neighbours(name):
    # Kozachenko and Leonenko (1987), 8 neighbours; standard error .007 and a bias of about -.015 here.
    points, _ = draw(name, 20_000, seed=2)
    distance = cKDTree(points).query(points.astype(np.float64), k=9)[0][:, -1]
    estimate = digamma(len(points)) - digamma(8) + math.log(math.pi) + 2 * np.log(distance).mean()
    assert DATASETS[name].entropy == pytest.approx(estimate, abs=0.04)


def test_pinwheel_entropy_is_that_of_its_density_in_polar_coordinates():
    """Before the doubling, each circle of radius r carries a known density of the angle, sheared."""
    radii, bins, width = 200, 120, 3.0 / 200
    angle = arc(0, 2 * np.pi, 24_000)
    mass = np.empty((radii, bins))
    for i, r in enumerate(arc(0, 3, radii)):
        along, across = r * np.cos(angle), r * np.sin(angle)
        density = np.exp(-0.5 * ((along - 1) / 0.3) ** 2 - 0.5 * (across / 0.1) ** 2) / (2 * np.pi * 0.03)
        fifth = ((angle - 0.25 * np.exp(along)) / (2 * np.pi / 5)) % 1.0
        mass[i] = np.bincount((fifth * bins).astype(int), density * r, bins)
    mass *= width * (2 * np.pi / len(angle))
    area = arc(0, 3, radii)[:, None] * width * (2 * np.pi / bins)
    entropy = -(mass * np.log(np.maximum(mass, 1e-300) / area)).sum() + math.log(4)
    assert mass.sum() == pytest.approx(1.0, abs=1e-5)
    assert DATASETS["pinwheel"].entropy == pytest.approx(entropy, abs=2e-3)


@pytest.mark.parametrize(
    ("name", "nll"),
    [
        ("8gaussians", 4.256),
        ("moons", 3.294),
        ("pinwheel", 3.62),
        ("checkerboard", 4.494),
        ("2spirals", 3.746),
        ("rings", 3.59),
        ("circles", 3.893),
        ("swissroll", 3.464),
    ],
)
def test_best_single_gaussian_has_the_published_likelihood(name, nll):
    points, _ = draw(name, 200_000, seed=3)
    covariance = np.cov(points.T.astype(np.float64))
    assert 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1] == pytest.approx(nll, abs=0.008)


def test_circles_entropy_is_that_of_its_radial_density():
    """Normal noise about a circle of radius R: exp(-(r - R)^2 / 2 s^2) e^(-rR / s^2) I0(rR / s^2) / 2 pi s^2."""
    r, s = arc(0, 8, 100_000), 0.24
    density = sum(
        np.exp(-((r - R) ** 2) / (2 * s * s)) * ive(0, r * R / s**2) / (4 * np.pi * s * s) for R in (3.0, 1.5)
    )
    ring = 2 * np.pi * r * (8 / len(r))
    assert (density * ring).sum() == pytest.approx(1.0, abs=1e-9)
    entropy = -(density * np.log(np.maximum(density, 1e-300)) * ring).sum()
    assert DATASETS["circles"].entropy == pytest.approx(entropy, abs=1e-4)


def test_swiss_roll_entropy_is_that_of_its_density_by_quadrature():
    n, half = 160, 4.0
    axis = arc(-half, half, n)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    log_density, cell = log_swiss_roll(points), (2 * half / n) ** 2
    density = np.exp(log_density)
    assert (density * cell).sum() == pytest.approx(1.0, abs=1e-6)
    assert DATASETS["swissroll"].entropy == pytest.approx(-(density * log_density * cell).sum(), abs=2e-4)


def test_checkerboard_is_uniform_on_eight_squares():
    points, _ = draw("checkerboard", 40_000, seed=4)
    cell = np.floor(points / 2).astype(int)
    assert np.all((cell.sum(1) % 2) == 0)
    _, counts = np.unique(cell, axis=0, return_counts=True)
    assert len(counts) == 8
    assert np.abs(counts - 5000).max() < 4.5 * math.sqrt(5000 * 7 / 8)
    assert DATASETS["checkerboard"].entropy == math.log(8 * 4)


@pytest.mark.parametrize("task", ["classification", "density"])
def test_noise_zero_lies_on_the_curve(task):
    points, _ = draw("moons", 500, noise=0.0, task=task)
    shift = np.array([0.0, 0.0]) if task == "classification" else np.array([0.0, 0.3])
    plain = (points - shift) / 2 + np.array([0.5, 0.25])
    on_upper = np.abs(np.hypot(*plain.T) - 1)
    on_lower = np.abs(np.hypot(*(plain - np.array([1.0, 0.5])).T) - 1)
    assert np.minimum(on_upper, on_lower).max() < 1e-6


@pytest.mark.parametrize("name", DENSITIES)
def test_density_has_no_labels(name):
    points, labels = draw(name, 7, noise=0.0)
    assert points.shape == (7, 2)
    assert np.isfinite(points).all()
    assert (labels == -1).all()


@pytest.mark.parametrize("name", CLASSES)
def test_two_equal_classes_within_view(name):
    points, labels = draw(name, 4000, task="classification")
    assert points.dtype == np.float32
    assert labels.dtype == np.int64
    assert set(labels) == {0, 1}
    assert abs(labels.mean() - 0.5) < 0.04
    assert np.abs(points).max() < DATASETS[name].extent
    assert np.abs(points).max() > 0.6 * DATASETS[name].extent


def test_classes_are_parted_by_radius_or_arm():
    points, labels = draw("annuli", 2000, task="classification")
    radius = np.hypot(*points.T)
    assert radius[labels == 0].max() <= 1.0 + 1e-6
    assert radius[labels == 1].min() >= 2.0 - 1e-6
    points, labels = draw("circles", 2000, noise=0.0, task="classification")
    assert np.hypot(*points.T) == pytest.approx(np.where(labels == 0, 3.0, 1.5), abs=1e-6)
    points, labels = draw("spirals", 2000, noise=0.0, task="classification")
    turn = np.hypot(*points.T) * np.pi
    assert np.cos(np.arctan2(points[:, 1], points[:, 0]) - turn) == pytest.approx(
        1.0 - 2.0 * labels, abs=1e-3
    )


@pytest.mark.parametrize("name", DATASETS)
def test_same_seed_same_points(name):
    task = min(DATASETS[name].tasks)
    first, again, other = (draw(name, 50, task=task, seed=seed)[0] for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_entropy_is_known_at_the_default_noise_only():
    moons = DATASETS["moons"]
    assert moons.entropy_at(0.1) == moons.entropy
    assert moons.entropy_at(0.2) is None
    assert DATASETS["annuli"].entropy_at(0.0) is None
