"""Exact gradients of the steps taken for any method: each step is made again, this time to be differentiated.

The forward pass keeps what each step started from; the backward pass takes the steps in reverse, makes each again by
ordinary tensor operations and lets automatic differentiation pull the gradient through it. A reversible method need
not even keep that: the start of a step is computed from its end (Zhuang et al., MALI, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from odeviz.engine.adjoints.adjoint import Run
from odeviz.engine.integrate import Watch
from odeviz.engine.solution import Stats, Status
from odeviz.engine.stepper import Carried, TapedStep


class Reversible(Carried, Protocol):
    """A stepper that can compute the start of a step from its end."""

    def undo(self, t: float, h: float, carry: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The carry before the step of size ``h`` from ``t`` that ended in ``carry``."""
        ...


@dataclass(slots=True)
class _Kept:
    step: TapedStep
    #: None where the step is undone instead.
    carry: tuple[Tensor, ...] | None
    memory: Any
    window: tuple[float, float] | None


class ReplayAdjoint:
    """The exact gradient of the steps taken, by making each again."""

    evaluates = True

    def __init__(
        self, stepper: Carried, parameters: tuple[Tensor, ...], run: Run, stats: Stats, *, undo: bool
    ) -> None:
        """``stepper`` stands at its start; with ``undo`` it must be :class:`Reversible`, and no start is kept."""
        self._stepper, self._parameters, self._run, self._stats = stepper, parameters, run, stats
        self._undo = undo
        self._tape: list[_Kept] = []
        self._end: tuple[Tensor, ...] = ()

    def forward(self, y0: Tensor) -> Tensor:
        stepper, kept = self._stepper, self._tape

        def keep(step: TapedStep) -> None:
            carry = tuple(x.detach() for x in stepper.carry()) if stepper.fresh or not self._undo else None
            kept.append(_Kept(step, carry, stepper.memory(), stepper.window))

        y, trace = self._run(stepper, Watch(on_accept=keep))
        self._end = tuple(x.detach() for x in stepper.carry())
        if trace.status is Status.EVENT:
            # The step that an event stopped was not made current: the solve ends where that step began.
            kept[-1].carry = self._end
        carries = [self._end, *(k.carry for k in kept if k.carry is not None)]
        storages = {x.data_ptr(): x.numel() * x.element_size() for carry in carries for x in carry}
        self._stats.bytes_kept += sum(storages.values())
        return y

    def backward(self, grad: Tensor) -> tuple[Tensor, ...]:
        stepper = self._stepper
        evaluations = stepper.nfe
        totals = [torch.zeros_like(p) for p in self._parameters]
        carry = self._end
        cotangents = tuple(torch.zeros_like(x) for x in carry)
        for kept in reversed(self._tape):
            stepper.window = kept.window
            if kept.carry is not None:
                carry = kept.carry
            else:
                with torch.no_grad():
                    carry = stepper.undo(kept.step.t, kept.step.h, carry)  # type: ignore[attr-defined]
            cotangents = self._pull_back(kept, carry, cotangents, grad, totals)
        evaluations = stepper.nfe - evaluations
        self._stats.count_backward(self, evaluations, evaluations)
        d_y0 = grad[0] if not cotangents else grad[0] + cotangents[0]
        return d_y0, *totals

    def _pull_back(
        self,
        kept: _Kept,
        carry: tuple[Tensor, ...],
        cotangents: tuple[Tensor, ...],
        grad: Tensor,
        totals: list[Tensor],
    ) -> tuple[Tensor, ...]:
        """From dL/d(carry after a step) to dL/d(carry before it); parameters' shares go to ``totals``."""
        stepper, step = self._stepper, kept.step
        with torch.enable_grad():
            begin = tuple(x.detach().requires_grad_() for x in carry)
            stepper.resume(begin, kept.memory)
            stepper.attempt(step.t, step.h)
            pairs = [(stepper.interpolate(step.h, [theta])[0], grad[row]) for row, theta in step.outputs]
            if len(cotangents) > 1:
                stepper.finish()
            stepper.accept()
            # After a restart the following step depends on the state alone.
            pairs += list(zip(stepper.carry(), cotangents, strict=False))
            pairs = [(value, cotangent) for value, cotangent in pairs if value.requires_grad]
            values, weights = zip(*pairs, strict=True)
            inputs = (*begin, *self._parameters)
            parts = torch.autograd.grad(values, inputs, weights, allow_unused=True)
        for total, part in zip(totals, parts[len(begin) :], strict=True):
            if part is not None:
                total.add_(part)
        return tuple(
            torch.zeros_like(x) if part is None else part
            for x, part in zip(begin, parts[: len(begin)], strict=True)
        )
