"""The discrete adjoint of explicit Runge-Kutta methods: the exact gradient of the steps taken.

The evaluations of accepted steps stay on the kernel's tape; the backward pass walks it with the transposed tableau,
and weight gradients are formed once, at the end. Step sizes are constants of the differentiation.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from odeviz.engine.adjoint import Run, release_with
from odeviz.engine.buffered import BufferedStepper, Keep, coefficients
from odeviz.engine.integrate import Watch
from odeviz.engine.interpolant import dense_weights
from odeviz.engine.kernel import Kernel
from odeviz.engine.solution import Stats
from odeviz.engine.stepper import TapedStep
from odeviz.engine.tableau import ButcherTableau

PullBack = Callable[[int, Tensor, Tensor], None]


class DiscreteAdjoint:
    """The exact gradient of the steps taken, from the tape of their evaluations."""

    def __init__(self, kernel: Kernel, method: ButcherTableau, run: Run, stats: Stats) -> None:
        self._kernel, self._method, self._run, self._stats = kernel, method, run, stats
        self._tape: list[TapedStep] = []
        release_with(self, kernel)

    def forward(self, y0: Tensor) -> Tensor:
        stepper = BufferedStepper(self._kernel, self._method, y0, Keep.ALL_STEPS)
        y, _ = self._run(stepper, Watch(on_accept=self._tape.append))
        slots = {slot for step in self._tape for slot in step.slots}
        self._stats.bytes_kept += len(slots) * self._kernel.bytes_per_slot()
        return y

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        kernel, core = self._kernel, self._method.core
        packed = kernel.pack(grad[0])
        lam = torch.zeros_like(packed)  # dL/d(end of the step)
        scratch = torch.empty_like(packed)
        # Row i of W: dL/d(input of stage i) for 0 < i < core; row core: dL/dy1.
        W = packed.new_zeros(core + 1, kernel.size)
        columns = [W[i + 1 :].T for i in range(core)]
        transposed = coefficients(self._method, packed.dtype, packed.device).transposed
        # dL/dk of the first stage of the step after, and where that stage is: here, unless the field jumps.
        shared: Tensor | None = None
        shared_slot = -1
        stage_cotangents = [torch.empty_like(packed), torch.empty_like(packed)]
        visited: list[int] = []
        nfe = 0

        def pull_back(slot: int, cotangent: Tensor, out: Tensor) -> None:
            kernel.pull_back(slot, cotangent, out)
            visited.append(slot)
            nonlocal nfe
            nfe += 1

        for step in reversed(self._tape):
            inner = self._take_outputs(step, grad, lam)
            if inner is not None:
                self._through_extra_stages(step, inner, scratch, pull_back)
                if shared is not None and shared_slot == step.slots[core]:
                    shared.add_(inner[1][core])
                else:
                    pull_back(step.slots[core], inner[1][core], scratch)
                    lam.add_(scratch)
            if shared is not None:
                pull_back(shared_slot, shared, scratch)
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
            shared, shared_slot = dk, step.slots[0]
            stage_cotangents.reverse()
        if shared is not None:
            pull_back(shared_slot, shared, scratch)
            lam.add_(scratch)
        lam.add_(packed)
        self._stats.count_backward(self, nfe, 0)
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
        weights = rows.new_tensor(dense_weights(self._method, [theta for _, theta in inside]))
        return rows.sum(0), step.h * (weights.T @ rows)

    def _through_extra_stages(
        self, step: TapedStep, inner: tuple[Tensor, Tensor], scratch: Tensor, pull_back: PullBack
    ) -> None:
        """Carry dL/dk of the dense output's own stages on to the stages before them and to y."""
        dy, dk = inner
        first = self._method.core + 1
        weights = coefficients(self._method, dy.dtype, dy.device).extra_a
        for i in range(self._method.extra - 1, -1, -1):
            pull_back(step.slots[first + i], dk[first + i], scratch)
            dy.add_(scratch)
            dk[: first + i].add_(torch.outer(weights[i], scratch), alpha=step.h)
