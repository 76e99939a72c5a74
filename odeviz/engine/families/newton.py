"""Newton's iterations for the stages of implicit methods, for all samples of a batch at once.

Hairer, Wanner, Solving Ordinary Differential Equations II, IV.8, "Implementation of Implicit Runge-Kutta Methods".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from odeviz.engine.kernel import CountedField, ExaminedField, VectorField
from odeviz.engine.norm import Tolerance, rms

#: What may be left of a stage's equation, as a share of the error allowed to a step.
SHARE = 0.03
#: What may be left where no tolerance is known, and at least, in rounding errors of the sample's largest entry.
ROUNDINGS = 10.0
#: Displacements of so many rounding errors that no longer shrink are rounding errors.
STALLED_ROUNDINGS = 1e4
MOST_ITERATIONS = 10
#: Iterations that may be tried with a new matrix in each.
MOST_RENEWALS = 25

#: LU factors ``[batch, dim, dim]`` and pivots ``[batch, dim]``.
Factors: TypeAlias = tuple[Tensor, Tensor]
#: From a stage ``[batch, dim]`` to what its own derivative adds to it.
Image: TypeAlias = Callable[[Tensor], Tensor]


def jacobian(field: VectorField, t: float, y: Tensor) -> tuple[Tensor, int]:
    """df/dy ``[batch, dim, dim]`` at ``y [batch, dim]``, and what it cost in evaluations of the field.

    The field's own ``jacobian(t, y)``, counted as one evaluation, where it has one. Else one evaluation and, for each
    output, one vector-Jacobian product of its sum over the batch, which is right because samples are independent.

    Raises ``ValueError`` when the field's own has another shape, or when the field depends on y where automatic
    differentiation cannot see it.
    """
    # Hooks that count the products of a backward pass must not count these.
    field = field.field if isinstance(field, CountedField | ExaminedField) else field
    own = getattr(field, "jacobian", None)
    # A module or a tensor of that name is a part of the field.
    if callable(own) and not isinstance(own, torch.nn.Module):
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
            return _of_constant(field, t, y, value), 1
        rows = [
            torch.autograd.grad(output.sum(), y, retain_graph=True, materialize_grads=True)[0]
            for output in value.unbind(1)
        ]
    return torch.stack(rows, 1), 1 + len(rows)


def _of_constant(field: VectorField, t: float, y: Tensor, value: Tensor) -> Tensor:
    """The Jacobian of a field whose ``value`` has no graph: zero, unless that is because it left torch."""
    y = y.detach()
    moved = field(t, y + 0.01 * (1 + y.abs()))
    if not torch.equal(moved, value) and bool(torch.isfinite(moved).all() & torch.isfinite(value).all()):
        raise ValueError(
            "field depends on y in a way automatic differentiation does not see (NumPy or no_grad inside): "
            "give it a method jacobian(t, y) or use an explicit method"
        )
    return y.new_zeros(*y.shape, y.shape[1])


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
    """Newton iterations for ``z = image(base + z)``, stage after stage of one step, with the same matrix.

    They end when theta / (1 - theta) times the norm of the last displacement, theta being the rate of contraction, is
    ``SHARE`` of ``tolerance``, or, without one, ``ROUNDINGS`` rounding errors. They fail when they diverge, are about
    to take more than ``MOST_ITERATIONS`` or meet numbers that are not finite. With a tolerance a smaller step then
    helps; without one a stage is tried again with a new matrix in each iteration.
    """

    def __init__(self, tolerance: Tolerance | None) -> None:
        self._tolerance = tolerance
        #: theta / (1 - theta) of the last stage.
        self._eta = 1.0
        #: The last displacement ``[batch, dim]``, over what is allowed, of iterations that failed.
        self.failed: Tensor | None = None

    def solve(
        self, image: Image, base: Tensor, guess: Tensor, lu: Factors, renewed: Callable[[Tensor], Factors]
    ) -> Tensor | None:
        """z ``[batch, dim]`` from a guess, or None if that failed.

        ``lu`` are the factors of ``I - d image / dy`` somewhere near, ``renewed`` makes those at a state.
        """
        z = self._iterate(image, base, guess, lambda y: lu, MOST_ITERATIONS, patient=False)
        if z is None and self._tolerance is None:
            self._eta = 1.0
            z = self._iterate(image, base, torch.zeros_like(guess), renewed, MOST_RENEWALS, patient=True)
        return z

    def _iterate(
        self,
        image: Image,
        base: Tensor,
        z: Tensor,
        matrix: Callable[[Tensor], Factors],
        most: int,
        patient: bool,
    ) -> Tensor | None:
        """One iteration after the other; a patient one sees nothing in displacements that grow for a while."""
        before = math.nan
        self._eta = max(self._eta, torch.finfo(base.dtype).eps) ** 0.8
        for left in reversed(range(most)):
            y = base + z
            move = solved(matrix(y), image(y) - z)
            z = z + move
            scaled = move / self._allowed(y)
            size = rms(scaled) if self._tolerance is None else self._tolerance.measure(scaled)
            theta = size / before
            if theta < 1.0:
                self._eta = theta / (1.0 - theta)
            if size == 0.0 or self._eta * size <= 1.0:
                self.failed = None
                return z
            hopeless = not patient and (theta >= 1.0 or theta**left * self._eta * size > 1.0)
            if not math.isfinite(size) or hopeless or left == 0:
                break
            before = size
        self.failed = None if self._stalled(move, y) else scaled
        return z if self.failed is None else None

    def _allowed(self, y: Tensor) -> Tensor:
        """The displacement ``[batch, dim]`` or ``[batch, 1]`` that need not be made."""
        rounding = ROUNDINGS * torch.finfo(y.dtype).eps * y.abs().amax(1, keepdim=True)
        if self._tolerance is None:
            return rounding.clamp_min(torch.finfo(y.dtype).tiny)
        return torch.maximum(SHARE * self._tolerance.scale(y.abs()), rounding)

    def _stalled(self, move: Tensor, y: Tensor) -> bool:
        """Whether displacements no longer shrink because they are rounding errors."""
        limit = STALLED_ROUNDINGS * torch.finfo(y.dtype).eps * y.abs().amax(1, keepdim=True)
        return bool((move.abs() <= limit).all())
