"""What can be reached: of a map of the plane cell by cell, and of trajectories. Importing this module imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from odeviz.engine import METHODS, Status
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.integrate import CancelToken
from odeviz.models import FlowModel, SolverOptions

#: States of a grid that are solved together.
_BLOCK = 2048
#: Attempted steps after which a state that is solved alone is given up.
_MOST_ALONE = 2_000

#: What a model answers for states ``[batch, dim]``, solved in this way: ``[batch, ...]``.
Question: TypeAlias = Callable[[Tensor, SolverOptions], Tensor]


@dataclass(frozen=True, slots=True)
class Answered:
    """``values [cells, ...]``, NaN where a solve did not arrive; then the status of one that failed, and a sentence."""

    values: Tensor
    status: str = "success"
    message: str = ""


def answered(
    model: FlowModel, states: Tensor, ask: Question, options: SolverOptions, solves: bool
) -> Answered | None:
    """What ``ask`` answers for ``states [cells, dim]``; None when one of its solves was cancelled.

    States that share their steps share their fate. Where such a solve fails, each state has steps of its own: what can
    be reached is, and only the rest is NaN.
    """
    together = _in_blocks(model, states, ask, options, solves, give_up=True)
    if together is None or together.status == "success":
        return together
    apart = _in_blocks(model, states, ask, _alone(options), solves, give_up=False)
    if apart is None:
        return None
    lost = torch.isnan(apart.values.reshape(len(states), -1)).any(1)
    if not bool(lost.any()):
        return Answered(apart.values)
    share = float(lost.double().mean())
    return replace(
        together, values=apart.values, message=f"{told(share)} was not reached. {together.message}"
    )


def carried_apart(
    model: FlowModel,
    start: Tensor,
    times: Sequence[float],
    options: SolverOptions,
    cancel: CancelToken | None,
) -> tuple[Tensor, str] | None:
    """States ``[time, batch, dim]`` by steps of each sample's own, and how many did not arrive; None if cancelled.

    For what shared steps did not reach: one sample that fails stops all others there.
    """
    solution = model.flow(start, times, _alone(options), cancel=cancel)
    if solution.status is Status.CANCELLED:
        return None
    return solution.y, not_arrived(solution.y1)


def not_arrived(ends: Tensor) -> str:
    """How many of the trajectories with these end states ``[batch, dim]`` did not arrive, in a sentence."""
    lost = int(torch.isnan(ends).any(1).sum())
    return f"{lost} of {len(ends)} trajectories did not arrive. " if lost else ""


def told(share: float) -> str:
    """A share of a view in words."""
    if share == 1.0:
        return "All of the view"
    return "Less than 1 % of the view" if share < 0.01 else f"{min(round(100 * share), 99)} % of the view"


def _in_blocks(
    model: FlowModel, states: Tensor, ask: Question, options: SolverOptions, solves: bool, give_up: bool
) -> Answered | None:
    """Blocks that fit a processor's cache are faster than one solve, and every k-th cell goes into one block.

    All blocks see the same picture then and take nearly the same steps, where blocks of neighbours could differ along a
    visible seam. With ``give_up`` nothing is asked once a solve has failed.
    """
    blocks = -(-len(states) // _BLOCK)
    values: list[Tensor] = []
    status, message = "success", ""
    for k in range(blocks):
        values.append(ask(states[k::blocks], options))
        solution = model.last_solution if solves else None
        if solution is not None and not solution.ok:
            if solution.status is Status.CANCELLED:
                return None
            status, message = solution.status.name.lower(), solution.message
            if give_up:
                return Answered(
                    values[0].new_full((len(states), *values[0].shape[1:]), math.nan), status, message
                )
    whole = values[0].new_empty((len(states), *values[0].shape[1:]))
    for k, part in enumerate(values):
        whole[k::blocks] = part
    return Answered(whole, status, message)


def _alone(options: SolverOptions) -> SolverOptions:
    """The same with steps for each state; by dopri5 for a method that cannot give them."""
    able = isinstance(METHODS[options.method], ButcherTableau)
    most = min(options.max_steps, _MOST_ALONE)
    return replace(options, method=options.method if able else "dopri5", per_sample=True, max_steps=most)
