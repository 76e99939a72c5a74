"""Trajectories of a flow with jumps, with a corner at every jump. Importing this module imports torch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from odeviz.engine import Solution
from odeviz.models import FlowModel


def with_corners(
    model: FlowModel, solution: Solution, times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Tensor]:
    """Times ``[T]`` and states ``[T, batch, dim]`` of a solve at ``times``, and twice at each jump: before and after.

    The solve must have been asked for ``dense=True``.
    """
    states, found, kept = solution.y, [times], [solution.y]
    for index, record in enumerate(solution.events):
        if not len(record.t):
            continue
        when, place = np.unique(record.t.detach().cpu().double().numpy(), return_inverse=True)
        here, samples = torch.as_tensor(place, device=states.device), record.sample.to(states.device)
        before = solution(when.tolist()).detach()
        after = before.clone()
        at = record.y.detach()
        before[here, samples] = at
        after[here, samples] = model.jumped(index, record.t.detach(), at).detach()
        found += [when, when]
        kept += [before, after]
    moments = np.concatenate(found)
    # Of equal times the state before the jump comes first.
    order = np.argsort(moments, kind="stable")
    return moments[order], torch.cat(kept)[torch.as_tensor(order, device=states.device)]


def speeds(times: NDArray[np.float64], states: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖dz/dt‖ ``[T, batch]`` of states ``[T, batch, dim]`` by differences on both sides, not across a jump."""
    spans = np.diff(times)
    length = np.linalg.norm(np.diff(states, axis=0), axis=-1)
    apart = (spans > 0.0)[:, None]
    slope = np.divide(length, spans[:, None], out=np.zeros_like(length), where=apart)
    nothing = np.zeros_like(length[:1])
    total = np.concatenate([nothing, slope]) + np.concatenate([slope, nothing])
    sides = np.concatenate([nothing, np.ones_like(length) * apart]) + np.concatenate(
        [np.ones_like(length) * apart, nothing]
    )
    mean: NDArray[np.float64] = total / np.maximum(sides, 1.0)
    return mean
