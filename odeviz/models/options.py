"""How a model's solves are made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from odeviz.engine import METHODS, Solution, VectorField, solve
from odeviz.engine.checks import checked_count, described
from odeviz.engine.integrate import CancelToken
from odeviz.engine.per_sample.problem import checked_each
from odeviz.engine.problem import Settings, checked_method, checked_settings
from odeviz.engine.solve import check_adjoint


@dataclass(frozen=True, slots=True)
class SolverOptions:
    """Solver settings of a model; replace the whole object to change them, at any time.

    Raises ``ValueError`` or ``TypeError`` naming a setting that ``odeviz.solve`` would refuse.
    """

    method: str = "dopri5"
    rtol: float = 1e-5
    atol: float = 1e-5
    #: Number of equal steps of a method without step-size control.
    steps: int = 20
    #: How a solve is differentiated: a name in ``odeviz.engine.ADJOINTS``.
    adjoint: str = "discrete"
    #: First step of a method with step-size control, as a share of the whole interval; None estimates it.
    first_step: float | None = None
    #: Attempted steps after which a solve gives up.
    max_steps: int = 10_000
    #: Every sample has steps of its own, and fails alone; explicit Runge-Kutta methods only.
    per_sample: bool = False

    def __post_init__(self) -> None:
        method = checked_method(self.method)
        check_adjoint(self.adjoint, method)
        if self.per_sample:
            checked_each(method)
        checked_settings(
            Settings(
                self.method,
                self.rtol,
                self.atol,
                steps=checked_count("steps", self.steps),
                first_step=self.first_step,
                max_steps=self.max_steps,
            )
        )

    @property
    def adaptive(self) -> bool:
        """Whether the method controls its step size."""
        return METHODS[self.method].adaptive

    def solve(
        self,
        field: VectorField,
        y0: Tensor,
        t: Sequence[float],
        *,
        cancel: CancelToken | None = None,
        dense: bool = False,
    ) -> Solution:
        """Solve dy/dt = field(t, y) from ``y0 [batch, dim]`` through the times ``t``."""
        span = abs(t[-1] - t[0])
        return solve(
            field,
            y0,
            t,
            method=self.method,
            rtol=self.rtol,
            atol=self.atol,
            steps=None if self.adaptive else self.steps,
            adjoint=self.adjoint,
            max_steps=self.max_steps,
            first_step=None if self.first_step is None else min(self.first_step, 1.0) * span,
            cancel=cancel,
            dense=dense,
            per_sample=self.per_sample,
        )


def check_states(name: str, x: object, dim: int) -> None:
    """``ValueError`` unless x is a tensor ``[batch, dim]`` of at least one row."""
    if not isinstance(x, Tensor) or x.dim() != 2 or x.shape[1] != dim or not len(x):
        raise ValueError(f"{name} must be a non-empty tensor [batch, {dim}], not {described(x)}")


def checked_widths(hidden: Sequence[int]) -> tuple[int, ...]:
    """The widths of hidden layers."""
    if not isinstance(hidden, Sequence) or isinstance(hidden, str):
        raise TypeError(f"hidden must be a sequence of widths, such as (64, 64), not {described(hidden)}")
    return tuple(hidden)


def check_end_time(t1: float) -> None:
    """``ValueError`` unless a flow from t = 0 can end there."""
    if not (math.isfinite(t1) and t1 > 0):
        raise ValueError(f"t1 must be a positive finite number, not {t1}")


def without_graph(solution: Solution) -> Solution:
    """A solution that can be kept: the same values and statistics, without the graph that made them."""
    stopped = None if solution.stopped is None else solution.stopped.detach()
    return dataclasses.replace(solution, y=solution.y.detach(), stopped=stopped)
