"""A bouncing ball in closed form. numpy only."""

from __future__ import annotations

import math

import numpy as np

from odeviz.tasks.bouncing_ball import GRAVITY, LEVEL, RESTITUTION, SLOWEST
from odeviz.tasks.chart import Floats


def impacts(height: float, velocity: float, end: float) -> list[tuple[float, float]]:
    """Times until ``end`` of a ball's impacts, and the speeds after them, zero for the last one of a ball that rests.

    The ball begins at ``height`` in m above the origin with ``velocity`` in m/s, at t = 0.
    """
    speed = math.sqrt(velocity**2 + 2.0 * GRAVITY * (height - LEVEL))
    t, found = (velocity + speed) / GRAVITY, []
    while t <= end:
        speed = RESTITUTION * speed if RESTITUTION * speed >= SLOWEST else 0.0
        found.append((t, speed))
        if not speed:
            break
        t += 2.0 * speed / GRAVITY
    return found


def paths(starts: Floats, times: Floats) -> Floats:
    """Height and velocity ``[balls, times, 2]`` from ``starts [balls, 2]`` at increasing times from 0."""
    states = np.empty((len(starts), len(times), 2))
    for ball, (height, velocity) in zip(states, starts.tolist(), strict=True):
        pieces = [
            (0.0, height, velocity),
            *((t, LEVEL, v) for t, v in impacts(height, velocity, float(times[-1]))),
        ]
        since = np.array([piece[0] for piece in pieces])
        # A piece begins just after its impact: at the very time of one, the state is that before it.
        which = np.maximum(np.searchsorted(since, times, side="left") - 1, 0)
        begun, from_height, speed = np.array(pieces)[which].T
        resting = (which > 0) & (speed == 0.0)
        after, pull = times - begun, np.where(resting, 0.0, GRAVITY)
        ball[:, 0] = from_height + speed * after - pull * after**2 / 2
        ball[:, 1] = speed - pull * after
    return states
