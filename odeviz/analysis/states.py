"""Points of the plane as states of a model, at their own times or carried back to t = 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.models import FlowModel, SolverOptions
from odeviz.tasks.plane import Plane, TimePlane

#: How the state under the mouse, or one carried back to t = 0, is solved.
PRECISE = SolverOptions(method="dopri5", rtol=1e-5, atol=1e-5)


def as_states(model: FlowModel, plane: Plane | TimePlane, points: NDArray[Any]) -> Tensor:
    """Points of the plane ``[batch, 2]``, or states, as states ``[batch, dim]`` of the model's type and device."""
    like = next(model.parameters())
    given = torch.as_tensor(np.array(points), dtype=like.dtype, device=like.device)
    return plane.states(given) if given.shape[1] == 2 else given


def as_starts(model: FlowModel, plane: Plane | TimePlane, seeds: NDArray[Any]) -> Tensor:
    """Seeds as states at t = 0; over an axis of time they are carried back to it."""
    states = as_states(model, plane, seeds)
    if not plane.over_time or np.shape(seeds)[1] != 2:
        return states
    times, field = states.new_tensor(np.array(seeds)[:, :1]), model.field
    # All at once over s from 0 to 1, where each sample's own time runs from its t to 0.
    return PRECISE.solve(lambda s, h: -times * field(times * (1.0 - s), h), states, (0.0, 1.0)).y1
