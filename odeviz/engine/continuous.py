"""The continuous adjoint: a' = -a^T df/dy solved backwards in time (Chen et al., 2018, eqs 4 and 5).

a is restarted from the stored outputs, where it jumps by the loss's gradient. Parameters are a quadrature over the
accepted steps, so they burden neither the Runge-Kutta state nor the error norm (the seminorm of Kidger, Chen, Lyons,
2021). Memory does not grow with the number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from odeviz.engine.adjoint import Run, release_with
from odeviz.engine.buffered import BufferedStepper, Keep
from odeviz.engine.controller import StepPolicy
from odeviz.engine.integrate import Watch, integrate
from odeviz.engine.kernel import Kernel
from odeviz.engine.solution import Stats, Status
from odeviz.engine.stepper import TapedStep
from odeviz.engine.tableau import ButcherTableau


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
        method: ButcherTableau,
        times: Sequence[float],
        run: Run,
        policy: Callable[[float, float, float | None], StepPolicy],
        stats: Stats,
    ) -> None:
        """``policy(t_from, t_to, first_step)`` makes the step policy of one backward interval."""
        self._kernel, self._method, self._times = kernel, method, list(times)
        self._run, self._policy, self._stats = run, policy, stats
        self._y = torch.empty(0)
        self._evaluations = 0
        release_with(self, kernel)

    def forward(self, y0: Tensor) -> Tensor:
        y, trace = self._run(BufferedStepper(self._kernel, self._method, y0), Watch())
        self._times += [t for t, _ in trace.crossings]
        self._y = y.detach()
        self._stats.bytes_kept += self._y.numel() * self._y.element_size()
        return y.clone()

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        kernel = AugmentedKernel(self._kernel)
        self._evaluations = 0
        totals = tuple(torch.zeros_like(parameter) for parameter in kernel.parameters())
        lam = torch.zeros_like(self._kernel.pack(grad[0]))
        first_step: float | None = None
        forwards = self._times[1] > self._times[0]
        # Rows that the forward solve never reached are left out: nothing depends on them.
        reached = [row for row in range(len(self._times)) if bool(torch.isfinite(self._y[row]).all())]
        reached.sort(key=lambda row: self._times[row], reverse=forwards)
        for row, before in pairwise(reached):
            lam.add_(self._kernel.pack(grad[row]))
            if self._times[row] != self._times[before]:
                lam, first_step = self._interval(kernel, row, before, lam, first_step, totals)
        lam.add_(self._kernel.pack(grad[reached[-1]]))
        self._stats.count_backward(self, self._evaluations, self._evaluations)
        return self._kernel.unpack(lam), *totals

    def _interval(
        self,
        kernel: AugmentedKernel,
        row: int,
        before: int,
        lam: Tensor,
        first_step: float | None,
        totals: tuple[Tensor, ...],
    ) -> tuple[Tensor, float]:
        """Carry dL/dy back from output ``row`` to the one ``before``; NaN when the adjoint ODE cannot be solved."""
        t1, t0 = self._times[row], self._times[before]
        weights = [float(b) for b in self._method.b]

        def quadrature(step: TapedStep) -> None:
            parts = kernel.gradients(step.slots[:-1], [-step.h * b for b in weights])
            for total, part in zip(totals, parts, strict=True):
                total.add_(part)

        start = torch.cat([self._kernel.pack(self._y[row]), lam])
        stepper = BufferedStepper(kernel, self._method, start, Keep.LATEST_STEP)
        trace = integrate(
            stepper, (t1, t0), self._policy(t1, t0, first_step), Stats(), Watch(on_accept=quadrature)
        )
        self._evaluations += stepper.nfe
        if trace.status is not Status.SUCCESS:
            for total in totals:
                total.fill_(math.nan)
            return torch.full_like(lam, math.nan), abs(t1 - t0)
        return trace.outputs[-1][0, self._kernel.size :].clone(), abs(trace.next_step)
