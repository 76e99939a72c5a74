"""How a vector field is evaluated inside a solve: the fast path a field may offer, and the general one.

The engine works on flat states. A field that can do better than ordinary tensor operations defines
``kernel(y0) -> Kernel``; any other callable is wrapped in :class:`AutogradKernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

VectorField = Callable[[float, Tensor], Tensor]


class Kernel(Protocol):
    """A vector field prepared for one solve: batch, dtype, device and weights are fixed.

    States are flat vectors of ``size`` numbers; only the kernel knows their layout. What an evaluation needs for
    its vector-Jacobian product is kept in a numbered *slot* of a tape that is allocated once and reused.
    """

    size: int

    def parameters(self) -> tuple[Tensor, ...]:
        """The leaves that ``gradients`` is aligned with."""
        ...

    def pack(self, y: Tensor) -> Tensor:
        """``[batch, dim]`` to a new flat state ``[size]``."""
        ...

    def unpack(self, s: Tensor) -> Tensor:
        """Flat states ``[..., size]`` to ``[..., batch, dim]``."""
        ...

    def reserve(self, slots: int) -> None:
        """Grow the tape to at least this many slots, keeping what is in it."""
        ...

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        """Write f(t, s) into ``out``; with ``slot >= 0`` keep there what ``pull_back`` needs."""
        ...

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        """Write (df/ds)^T cotangent at a slot's evaluation into ``out``, and keep what ``gradients`` needs."""
        ...

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        """Sum over slots of weight * (df/dtheta)^T cotangent, for each parameter; weights are one by default.

        Only slots that ``pull_back`` has visited may be named.
        """
        ...

    def bytes_per_slot(self) -> int:
        """Bytes one evaluation keeps for the backward pass."""
        ...

    def release(self) -> None:
        """Give the workspace back; called once, when neither the solve nor its gradient needs it any more."""
        ...


class AutogradKernel:
    """Any callable f(t, y) as a kernel: each slot keeps the graph of its evaluation.

    States are batch-first. The vector-Jacobian product is automatic differentiation's.
    """

    def __init__(self, field: VectorField, y0: Tensor, parameters: tuple[Tensor, ...]) -> None:
        self._field = field
        self._shape = y0.shape
        self._parameters = parameters
        self._tape: list[tuple[Tensor, Tensor] | None] = []
        self._parts: dict[int, tuple[Tensor | None, ...]] = {}
        self.size = y0.numel()

    def parameters(self) -> tuple[Tensor, ...]:
        return self._parameters

    def pack(self, y: Tensor) -> Tensor:
        return y.detach().reshape(-1).clone()

    def unpack(self, s: Tensor) -> Tensor:
        return s.reshape(*s.shape[:-1], *self._shape)

    def reserve(self, slots: int) -> None:
        self._tape.extend([None] * (slots - len(self._tape)))

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        if slot < 0:
            with torch.no_grad():
                value = self._field(t, s.view(self._shape))
        else:
            with torch.enable_grad():
                y = s.detach().clone().view(self._shape).requires_grad_()
                value = self._field(t, y)
            self._tape[slot] = (y, value)
        if value.shape != self._shape:
            raise ValueError(
                f"field must return the shape of the state, {list(self._shape)}, not {list(value.shape)}"
            )
        out.copy_(value.detach().reshape(-1))

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        kept = self._tape[slot]
        assert kept is not None, f"slot {slot} was never evaluated"
        y, value = kept
        if not value.requires_grad:
            out.zero_()
            self._parts[slot] = (None,) * len(self._parameters)
            return
        dy, *parts = torch.autograd.grad(
            value, (y, *self._parameters), cotangent.view(self._shape), allow_unused=True, retain_graph=True
        )
        self._parts[slot] = tuple(parts)
        if dy is None:
            out.zero_()
        else:
            out.copy_(dy.reshape(-1))

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        totals = tuple(torch.zeros_like(parameter) for parameter in self._parameters)
        for index, slot in enumerate(slots):
            weight = 1.0 if weights is None else weights[index]
            for total, part in zip(totals, self._parts[slot], strict=True):
                if part is not None:
                    total.add_(part, alpha=weight)
        return totals

    def bytes_per_slot(self) -> int:
        # The input is certain; what the field's graph keeps beyond it is the field's affair.
        return self.size * self._tape[0][0].element_size() if self._tape and self._tape[0] else 0

    def release(self) -> None:
        self._tape.clear()
        self._parts.clear()
