"""Newton's iterations for the stages of implicit methods, for all samples of a batch at once.

Hairer, Wanner, Solving Ordinary Differential Equations II, IV.8, "Implementation of Implicit Runge-Kutta Methods".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from odeviz.engine.kernel import VectorField
from odeviz.engine.norm import Tolerance, rms

#: What may be left of a stage's equation, as a share of the error allowed to a step.
SHARE = 0.03
#: What may be left where no tolerance is known, and at least, in rounding errors of the sample's largest entry.
ROUNDINGS = 10.0
#: Displacements of so many rounding errors that no longer shrink are rounding errors.
STALLED_ROUNDINGS = 1e4
MOST_ITERATIONS = 10

#: LU factors ``[batch, dim, dim]`` and pivots ``[batch, dim]``.
Factors: TypeAlias = tuple[Tensor, Tensor]


def jacobian(field: VectorField, t: float, y: Tensor) -> tuple[Tensor, int]:
    """df/dy ``[batch, dim, dim]`` at ``y [batch, dim]``, and what it cost in evaluations of the field.

    The field's own ``jacobian(t, y)``, counted as one evaluation, where it has one. Else one evaluation and, for each
    output, one vector-Jacobian product of its sum over the batch, which is right because samples are independent.

    Raises ``ValueError`` when the field's own has another shape.
    """
    # Hooks that count the products of a backward pass must not count these.
    field = getattr(field, "bare", field)
    own = getattr(field, "jacobian", None)
    if own is not None:
        value: Tensor = own(t, y.detach())
        if value.shape != (*y.shape, y.shape[1]):
            raise ValueError(
                f"field.jacobian must return {[*y.shape, y.shape[1]]}, [batch, dim, dim], not {list(value.shape)}"
            )
        return value.detach(), 1
    # What this saves is let go at once: whoever counts what a solve keeps must not count it.
    kept_nowhere = torch.autograd.graph.saved_tensors_hooks(Tensor.detach, Tensor.detach)
    with torch.inference_mode(False), torch.enable_grad(), kept_nowhere:
        y = y.detach().clone().requires_grad_()
        value = field(t, y)
        if not value.requires_grad:
            return y.new_zeros(*y.shape, y.shape[1]), 1
        rows = [
            torch.autograd.grad(output.sum(), y, retain_graph=True, materialize_grads=True)[0]
            for output in value.unbind(1)
        ]
    return torch.stack(rows, 1), 1 + len(rows)


def factors(J: Tensor, scale: float) -> Factors:
    """LU factors of ``I - scale * J`` for Jacobians ``[batch, dim, dim]``; a singular one is found when it is used."""
    identity = torch.eye(J.shape[-1], dtype=J.dtype, device=J.device)
    lu, pivots, _ = torch.linalg.lu_factor_ex(torch.sub(identity, J, alpha=scale))
    return lu, pivots


def solved(lu: Factors, right: Tensor) -> Tensor:
    """The solutions ``[batch, dim]`` for right-hand sides ``[batch, dim]``."""
    solution: Tensor = torch.linalg.lu_solve(*lu, right.unsqueeze(-1))
    return solution.squeeze(-1)


class Newton:
    """Simplified Newton iterations for ``z = image(base + z)``, stage after stage of one step.

    They end when theta / (1 - theta) times the norm of the last displacement, theta being the rate of contraction, is
    ``SHARE`` of ``tolerance``, or, without one, ``ROUNDINGS`` rounding errors. They fail, so that :meth:`solve` returns
    None, when they diverge, are about to take more than ``MOST_ITERATIONS`` or meet numbers that are not finite.
    """

    def __init__(self, tolerance: Tolerance | None) -> None:
        self._tolerance = tolerance
        #: theta / (1 - theta) of the last stage.
        self._eta = 1.0
        #: The displacement, over what is allowed, when iterations failed.
        self.failed: Tensor | None = None

    def _allowed(self, y: Tensor) -> Tensor:
        rounding = ROUNDINGS * torch.finfo(y.dtype).eps * y.abs().amax(1, keepdim=True)
        if self._tolerance is None:
            return rounding.clamp_min(torch.finfo(y.dtype).tiny)
        return torch.maximum(SHARE * self._tolerance.scale(y.abs()), rounding)

    def solve(
        self, image: Callable[[Tensor], Tensor], base: Tensor, guess: Tensor, lu: Factors
    ) -> Tensor | None:
        """z ``[batch, dim]`` from a guess; ``lu`` are the factors of ``I - d image / dy``. None if that failed."""
        measure = rms if self._tolerance is None else self._tolerance.measure
        z, before = guess, math.nan
        self._eta = max(self._eta, torch.finfo(base.dtype).eps) ** 0.8
        for left in reversed(range(MOST_ITERATIONS)):
            y = base + z
            move = solved(lu, image(y) - z)
            z = z + move
            scaled = move / self._allowed(y)
            size = measure(scaled)
            theta = size / before
            if theta < 1.0:
                self._eta = theta / (1.0 - theta)
            if size == 0.0 or self._eta * size <= 1.0:
                return z
            hopeless = theta >= 1.0 or theta**left * self._eta * size > 1.0
            if not math.isfinite(size) or hopeless:
                if self._stalled(move, y):
                    return z
                break
            before = size
        self.failed = scaled
        return None

    def _stalled(self, move: Tensor, y: Tensor) -> bool:
        limit = STALLED_ROUNDINGS * torch.finfo(y.dtype).eps * y.abs().amax(1, keepdim=True)
        return bool((move.abs() <= limit).all())
