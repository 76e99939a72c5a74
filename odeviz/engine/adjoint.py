"""How a solve is differentiated.

``discrete``: exact for the steps taken (discretise, then optimise). The evaluations of accepted steps stay on the
kernel's tape; the backward pass walks it with the transposed tableau, and weight gradients are formed once, at
the end. Step sizes are constants of the differentiation.

``backsolve``: the adjoint ODE of Chen et al. (2018), eqs 4 and 5: a' = -a^T df/dy is solved backwards together
with y, restarted from the stored outputs, where a jumps by the loss's gradient. Parameters are a quadrature over
the accepted steps, so they burden neither the Runge-Kutta state nor the error norm (the seminorm of Kidger, Chen,
Lyons, 2021). Memory does not grow with the number of steps.

``backprop`` needs nothing here: the steps are ordinary tensor operations.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from odeviz.engine.controller import StepPolicy
from odeviz.engine.integrate import Watch, integrate
from odeviz.engine.interpolant import dense_weights
from odeviz.engine.kernel import Kernel
from odeviz.engine.solution import Stats, Status
from odeviz.engine.stepper import BufferedStepper, Keep, TapedStep, coefficients
from odeviz.engine.tableau import ButcherTableau


class Adjoint(Protocol):
    """A solve that can be differentiated once or more often after it has run."""

    def forward(self, y0: Tensor) -> Tensor:
        """Solve from ``y0 [batch, dim]``; states ``[time, batch, dim]``."""
        ...

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        """From dL/dy ``[time, batch, dim]`` to dL/dy0 and dL/dtheta, one per kernel parameter."""
        ...


class Differentiable(torch.autograd.Function):
    """Hands an :class:`Adjoint` to automatic differentiation."""

    @staticmethod
    def forward(ctx: Any, adjoint: Adjoint, y0: Tensor, *parameters: Tensor) -> Tensor:
        ctx.adjoint = adjoint
        return adjoint.forward(y0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return None, *ctx.adjoint.backward(grad)


def release_with(owner: object, kernel: Kernel) -> None:
    """Give the kernel's workspace back when ``owner`` (and with it the graph that needs it) is gone."""
    weakref.finalize(owner, kernel.release).atexit = False


class DiscreteAdjoint:
    """The exact gradient of the steps taken."""

    def __init__(
        self,
        kernel: Kernel,
        tableau: ButcherTableau,
        run: Callable[[BufferedStepper, Watch], Tensor],
        stats: Stats,
    ) -> None:
        self._kernel, self._tableau, self._run, self._stats = kernel, tableau, run, stats
        self._tape: list[TapedStep] = []
        release_with(self, kernel)

    def forward(self, y0: Tensor) -> Tensor:
        stepper = BufferedStepper(self._kernel, self._tableau, y0, Keep.ALL_STEPS)
        y = self._run(stepper, Watch(on_accept=self._tape.append))
        evaluations = 1 + self._tableau.core * len(self._tape)
        self._stats.bytes_kept = evaluations * self._kernel.bytes_per_slot()
        return y

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        kernel, core, stats = self._kernel, self._tableau.core, self._stats
        packed = kernel.pack(grad[0])
        lam = torch.zeros_like(packed)  # dL/d(end of the step)
        scratch = torch.empty_like(packed)
        # Row i of W: dL/d(input of stage i) for 0 < i < core; row core: dL/dy1.
        W = packed.new_zeros(core + 1, kernel.size)
        columns = [W[i + 1 :].T for i in range(core)]
        transposed = coefficients(self._tableau, packed.dtype, packed.device).transposed
        shared: Tensor | None = None  # dL/dk of the end derivative, from the step that begins with it
        stage_cotangents = [torch.empty_like(packed), torch.empty_like(packed)]
        visited: list[int] = []
        stats.nfe_backward = 0

        def pull_back(slot: int, cotangent: Tensor, out: Tensor) -> None:
            kernel.pull_back(slot, cotangent, out)
            visited.append(slot)
            stats.nfe_backward += 1

        for step in reversed(self._tape):
            inner = self._take_outputs(step, grad, lam)
            if inner is not None:
                shared = inner[1][core] if shared is None else shared.add_(inner[1][core])
            if shared is not None:
                pull_back(step.slots[core], shared, scratch)
                lam.add_(scratch)
            W[core].copy_(lam)
            dk = stage_cotangents[0]
            for i in range(core - 1, -1, -1):
                torch.addmv(lam, columns[i], transposed[i], beta=0, alpha=step.h, out=dk)
                if inner is not None:
                    dk.add_(inner[1][i])
                if i > 0:
                    pull_back(step.slots[i], dk, W[i])
            torch.sum(W[1:], 0, out=lam)
            if inner is not None:
                lam.add_(inner[0])
            shared = dk
            stage_cotangents.reverse()
        if shared is not None:
            pull_back(self._tape[0].slots[0], shared, scratch)
            lam.add_(scratch)
        lam.add_(packed)
        return kernel.unpack(lam), *kernel.gradients(visited)

    def _take_outputs(self, step: TapedStep, grad: Tensor, lam: Tensor) -> tuple[Tensor, Tensor] | None:
        """Add gradients of outputs at the step's end to ``lam``; for outputs inside it return dL/dy and dL/dk."""
        inside = [(row, theta) for row, theta in step.outputs if theta != 1.0]
        for row, theta in step.outputs:
            if theta == 1.0:
                lam.add_(self._kernel.pack(grad[row]))
        if not inside:
            return None
        rows = torch.stack([self._kernel.pack(grad[row]) for row, _ in inside])
        weights = rows.new_tensor(dense_weights(self._tableau, [theta for _, theta in inside]))
        return rows.sum(0), step.h * (weights.T @ rows)


class AugmentedKernel:
    """(y, a) as one flat state of twice the size, with y' = f and a' = -a^T df/dy."""

    def __init__(self, kernel: Kernel) -> None:
        self.inner = kernel
        self.size = 2 * kernel.size
        kernel.reserve(1)

    def parameters(self) -> tuple[Tensor, ...]:
        return self.inner.parameters()

    def pack(self, y: Tensor) -> Tensor:
        return y.clone()

    def unpack(self, s: Tensor) -> Tensor:
        return s

    def reserve(self, slots: int) -> None:
        self.inner.reserve(slots + 1)

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        # The inner kernel must keep every evaluation for its product with a: slot 0 is for those nobody asks for.
        n = self.inner.size
        self.inner.evaluate(t, s[:n], out[:n], slot + 1)
        self.inner.pull_back(slot + 1, s[n:], out[n:])
        out[n:].neg_()

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        raise TypeError(
            "the adjoint ODE is not differentiated again: use adjoint='backprop' for second derivatives"
        )

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        return self.inner.gradients([slot + 1 for slot in slots], weights)

    def bytes_per_slot(self) -> int:
        return self.inner.bytes_per_slot()

    def release(self) -> None:
        self.inner.release()


class BacksolveAdjoint:
    """The adjoint ODE, solved backwards from output to output."""

    def __init__(
        self,
        kernel: Kernel,
        tableau: ButcherTableau,
        times: Sequence[float],
        run: Callable[[BufferedStepper, Watch], Tensor],
        policy: Callable[[float, float, float | None], StepPolicy],
        stats: Stats,
    ) -> None:
        """``policy(t_from, t_to, first_step)`` makes the step policy of one backward interval."""
        self._kernel, self._tableau, self._times = kernel, tableau, times
        self._run, self._policy, self._stats = run, policy, stats
        self._y = torch.empty(0)
        release_with(self, kernel)

    def forward(self, y0: Tensor) -> Tensor:
        y = self._run(BufferedStepper(self._kernel, self._tableau, y0), Watch())
        self._y = y.detach()
        self._stats.bytes_kept = self._y.numel() * self._y.element_size()
        return y.clone()

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        kernel = AugmentedKernel(self._kernel)
        self._stats.nfe_backward = self._stats.recomputed = 0
        totals = tuple(torch.zeros_like(parameter) for parameter in kernel.parameters())
        lam = torch.zeros_like(self._kernel.pack(grad[0]))
        first_step: float | None = None
        for row in range(len(self._times) - 1, 0, -1):
            if not torch.isfinite(self._y[row]).all():
                continue  # never reached by the forward solve: nothing depends on it
            lam.add_(self._kernel.pack(grad[row]))
            lam, first_step = self._interval(kernel, row, lam, first_step, totals)
        lam.add_(self._kernel.pack(grad[0]))
        return self._kernel.unpack(lam), *totals

    def _interval(
        self,
        kernel: AugmentedKernel,
        row: int,
        lam: Tensor,
        first_step: float | None,
        totals: tuple[Tensor, ...],
    ) -> tuple[Tensor, float]:
        """Carry dL/dy back from output ``row`` to the one before; NaN when the adjoint ODE cannot be solved."""
        t1, t0 = self._times[row], self._times[row - 1]
        weights = [float(b) for b in self._tableau.b]

        def quadrature(step: TapedStep) -> None:
            parts = kernel.gradients(step.slots[:-1], [-step.h * b for b in weights])
            for total, part in zip(totals, parts, strict=True):
                total.add_(part)

        start = torch.cat([self._kernel.pack(self._y[row]), lam])
        stepper = BufferedStepper(kernel, self._tableau, start, Keep.LATEST_STEP)
        trace = integrate(
            stepper, (t1, t0), self._policy(t1, t0, first_step), Stats(), Watch(on_accept=quadrature)
        )
        self._stats.nfe_backward += stepper.nfe
        self._stats.recomputed += stepper.nfe
        if trace.status is not Status.SUCCESS:
            for total in totals:
                total.fill_(math.nan)
            return torch.full_like(lam, math.nan), abs(t1 - t0)
        return trace.outputs[-1][0, self._kernel.size :].clone(), abs(trace.next_step)
