"""How a solve is differentiated.

``discrete``: exact for the steps taken (discretise, then optimise); see ``discrete.py`` for the fast path of explicit
Runge-Kutta methods and ``replay.py`` for every other family.

``backsolve`` and ``interpolating``: the adjoint ODE of Chen et al. (2018), eqs 4 and 5; see ``continuous.py``.

``reversible``: exact for the steps taken, which are undone one after the other; see ``replay.py``.

``backprop`` needs nothing here: the steps are ordinary tensor operations.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from odeviz.engine.adjoints.first_order import SOLVES, final
from odeviz.engine.autocast import without_autocast
from odeviz.engine.integrate import Trace, Watch
from odeviz.engine.kernel import Kernel
from odeviz.engine.parameters import Unchanged, changed_in_place
from odeviz.engine.stepper import Stepper

#: Runs the time loop; the states ``[rows, batch, dim]`` of outputs and crossings, and what the loop left.
Run = Callable[[Stepper, Watch], tuple[Tensor, Trace]]


class Adjoint(Protocol):
    """A solve that can be differentiated once or more often after it has run."""

    #: Whether the backward pass evaluates the field anew, so that its parameters must not have changed.
    evaluates: bool

    def forward(self, y0: Tensor) -> Tensor:
        """Solve from ``y0 [batch, dim]``; states ``[rows, batch, dim]`` of outputs and crossings."""
        ...

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        """From dL/dy ``[rows, batch, dim]`` to dL/dy0 and dL/dtheta, one per parameter."""
        ...


class Differentiable(torch.autograd.Function):
    """Hands an :class:`Adjoint` to automatic differentiation."""

    @staticmethod
    def forward(ctx: Any, adjoint: Adjoint, field: object, y0: Tensor, *parameters: Tensor) -> Tensor:
        """``field`` is for the names of its parameters."""
        ctx.adjoint = adjoint
        ctx.roots = (y0, *parameters)
        ctx.unchanged = Unchanged(field, parameters, frozen=adjoint.evaluates)
        # For torch's check that the gradient is taken once, unless the graph is retained.
        ctx.save_for_backward(*(parameters if adjoint.evaluates else ()))
        # No view, which the caller could not change in place.
        return adjoint.forward(y0).data

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if ctx.adjoint.evaluates:
            ctx.unchanged.check()
        _ = ctx.saved_tensors
        with torch.no_grad(), without_autocast(grad.device), _changes_told(ctx.unchanged):
            gradients = ctx.adjoint.backward(grad)
        if torch.is_grad_enabled():
            gradients = final(gradients, (*ctx.roots, grad), SOLVES)
        return None, None, *gradients


@contextmanager
def _changes_told(unchanged: Unchanged) -> Iterator[None]:
    """What torch says of a tensor that is not what it was, in our words and with its name if it is known."""
    try:
        yield
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        unchanged.check()
        raise RuntimeError(changed_in_place("a tensor")) from error


def release_with(owner: object, kernel: Kernel) -> None:
    """Give the kernel's workspace back when ``owner`` (and with it the graph that needs it) is gone."""
    weakref.finalize(owner, kernel.release).atexit = False
