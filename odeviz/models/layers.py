"""The flow of a net whose layers are Euler steps: from layer to layer, straight lines between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from odeviz.engine import Solution, VectorField, solve
from odeviz.engine.integrate import CancelToken
from odeviz.engine.interpolant import DenseOutput
from odeviz.fields.blocks import boundaries


def layered_flow(
    field: VectorField,
    z0: Tensor,
    t: Sequence[float],
    layers: int,
    t1: float,
    cancel: CancelToken | None,
    dense: bool,
) -> Solution:
    """Carry states ``z0 [batch, dim]`` through those of [0, t1]'s ``layers`` equal steps that lie within ``t``.

    A time between two layers leaves the rest of its step to be made. Backwards, Euler's steps are made backwards: that
    is not the inverse of the net, which need not have one.
    """
    times = boundaries(layers, t1, t[0], t[-1])
    solution = solve(field, z0, times, method="euler", grid=times, adjoint="backprop", cancel=cancel)
    lines = _lines(times, solution.y)
    y = torch.stack([lines(moment) for moment in t])
    return dataclasses.replace(solution, t=tuple(t), y=y, dense=lines if dense else None)


def _lines(times: Sequence[float], states: Tensor) -> DenseOutput:
    """Straight lines from state to state ``[times, batch, dim]``."""
    lines = DenseOutput()
    for (start, end), (here, there) in zip(pairwise(times), pairwise(states), strict=True):
        lines.append(start, end, end - start, here, (there - here)[None])
    return lines
