"""The discrete adjoint of explicit Runge-Kutta methods: the exact gradient of the steps taken.

The evaluations of accepted steps stay on the kernel's tape; the backward pass walks it with the transposed tableau,
and weight gradients are formed once, at the end. Step sizes are constants of the differentiation.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from odeviz.engine.adjoints.adjoint import Run, release_with
from odeviz.engine.adjoints.transposed import TransposedSteps, outputs_of
from odeviz.engine.families.buffered import BufferedStepper, Keep
from odeviz.engine.families.tableau import ButcherTableau
from odeviz.engine.integrate import Watch
from odeviz.engine.kernel import AutogradKernel, Kernel
from odeviz.engine.solution import Stats
from odeviz.engine.stepper import TapedStep


class DiscreteAdjoint:
    """The exact gradient of the steps taken, from the tape of their evaluations."""

    # The tape holds the weights the solve was made with, or notices that they were changed.
    evaluates = False

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
        kernel = self._kernel
        packed = kernel.pack(grad[0])
        walk = TransposedSteps(kernel, self._method, packed)
        visited: list[int] = []
        totals: tuple[Tensor, ...] | None = None
        evaluations = 0
        # One product for all slots is fastest, but automatic differentiation has the gradients of each already.
        at_once = not isinstance(kernel, AutogradKernel)
        slots: tuple[int, ...] = ()

        def pull(stage: int, cotangent: Tensor, out: Tensor, slots: tuple[int, ...]) -> None:
            kernel.pull_back(slots[stage], cotangent, out)
            visited.append(slots[stage])

        for step in reversed(self._tape):
            after, slots = slots, step.slots
            rows, thetas = outputs_of(step)
            # Without its end derivative in common with the step after, the field jumps between them.
            continues = not after or after[0] == slots[self._method.core]
            walk.step(step.h, partial(pull, slots=slots), thetas, grad[rows], continues)
            if not at_once:
                totals = _added(totals, kernel.gradients(visited))
                evaluations += len(visited)
                visited.clear()
        walk.arrive()
        totals = _added(totals, kernel.gradients(visited))
        self._stats.count_backward(self, evaluations + len(visited), 0)
        return kernel.unpack(walk.lam.add_(packed)), *totals


def _added(totals: tuple[Tensor, ...] | None, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if totals is None:
        return parts
    for total, part in zip(totals, parts, strict=True):
        total.add_(part)
    return totals
