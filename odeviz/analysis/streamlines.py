"""Curves along a vector field that is known on a grid, for all of its times at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from odeviz.analysis.results import FieldResult

Floats = NDArray[np.float64]

#: Curves along a side of the plane, their length to either side of where they begin as a share of it, and steps.
CURVES, REACH, STEPS = 13, 0.16, 18


def velocity_at(velocity: NDArray[Any], places: Floats) -> Floats:
    """``velocity [ny, nx, 2]`` between its nodes, bilinear, at ``places [n, 2]`` in cells from the first node.

    Outside the grid it is that of the nearest edge.
    """
    ny, nx, _ = velocity.shape
    x, y = np.clip(places[:, 0], 0.0, nx - 1.0), np.clip(places[:, 1], 0.0, ny - 1.0)
    i, j = np.minimum(x.astype(np.intp), nx - 2), np.minimum(y.astype(np.intp), ny - 2)
    a, b = (x - i)[:, None], (y - j)[:, None]
    flat, first = velocity.reshape(-1, 2), j * nx + i
    lower = flat[first] + a * (flat[first + 1] - flat[first])
    upper = flat[first + nx] + a * (flat[first + nx + 1] - flat[first + nx])
    result: Floats = lower + b * (upper - lower)
    return result


def streamlines(field: FieldResult, seed: int = 0) -> Floats:
    """Curves ``[T, curves, points, 2]`` in the field held fast at each of its times, and their seeds always the same.

    A curve is followed for the same length in both directions by the classical Runge-Kutta method in arc length, so
    that slow parts of the field show its direction as well as fast ones. It ends where the field does.
    """
    rng = np.random.default_rng(seed)
    cell = np.array([field.x[1] - field.x[0], field.y[1] - field.y[0]], dtype=np.float64)
    nx, ny = len(field.x), len(field.y)
    places = (np.stack(np.meshgrid(*[np.arange(CURVES)] * 2), axis=-1).reshape(-1, 2) + 0.5) / CURVES
    places = (places + rng.uniform(-0.3, 0.3, places.shape) / CURVES) * [nx - 1, ny - 1]
    step = REACH * (min(nx, ny) - 1) / STEPS
    lines = np.empty((len(field.t), len(places), 2 * STEPS + 1, 2))
    for k, velocity in enumerate(np.nan_to_num(np.asarray(field.velocity, dtype=np.float64)) / cell):
        typical = float(np.quantile(np.hypot(velocity[..., 0], velocity[..., 1]), 0.9)) or 1.0
        lines[k, :, STEPS] = places
        for sign in (1, -1):
            here = places
            for n in range(1, STEPS + 1):
                here = _step(velocity, here, sign * step, 0.01 * typical)
                lines[k, :, STEPS + sign * n] = here
    placed: Floats = lines * cell + [field.x[0], field.y[0]]
    return placed


def _step(velocity: Floats, here: Floats, h: float, slow: float) -> Floats:
    """One step of length ``h`` along the field; where it is much slower than ``slow`` the step shrinks to nothing."""
    top = np.array(velocity.shape[1::-1]) - 1.0

    def along(places: Floats) -> Floats:
        v = velocity_at(velocity, places)
        return v / (np.hypot(v[:, 0], v[:, 1]) + slow)[:, None]

    k1 = along(here)
    k2 = along(here + h / 2 * k1)
    k3 = along(here + h / 2 * k2)
    k4 = along(here + h * k3)
    there = here + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    inside = ((there >= 0) & (there <= top)).all(axis=1, keepdims=True)
    return np.where(inside, there, here)
