"""True trajectories of a system, to nine digits. Imports torch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from odeviz.engine import solve
from odeviz.tasks.dynamics.systems import SYSTEMS, Floats


@lru_cache(maxsize=32)
def drawn(name: str, n: int, seed: tuple[int, int], first: bool, times: tuple[float, int]) -> Floats:
    """``n`` true trajectories ``[n, points, dim]`` of a system at ``points`` equal times from 0 to an end time.

    ``times`` are the end time and the number of points. The starts are drawn from the system's box by ``seed``;
    with ``first``, the first of them is the system's own. Read-only, and remembered.
    """
    system = SYSTEMS[name]
    starts = system.starts(n, np.random.default_rng(seed))
    if first:
        starts[0] = system.start
    return trajectories(name, starts, np.linspace(0.0, *times))


def trajectories(name: str, starts: Floats, times: Floats) -> Floats:
    """True trajectories ``[n, times, dim]`` from ``starts [n, dim]``, in float64. Read-only."""
    system = SYSTEMS[name]

    def rate(_t: float, y: Tensor) -> Tensor:
        return torch.stack(system.rates(y.unbind(-1), system.values), -1)

    with torch.no_grad():
        solution = solve(
            rate, torch.from_numpy(starts.astype(np.float64)), times.tolist(), method="dop853", rtol=1e-9, atol=1e-9,
            max_steps=1_000_000,
        )  # fmt: skip
    states: Floats = np.ascontiguousarray(solution.y.numpy().swapaxes(0, 1))
    states.setflags(write=False)
    return states
