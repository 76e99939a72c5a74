"""How a vector field is evaluated inside a solve: the fast path a field may offer, and the general one.

The engine works on flat states. A field that can do better than ordinary tensor operations defines
``kernel(y0) -> Kernel``, which is used while it stands for what the field does, see :func:`kernel_of`; any other
callable is wrapped in :class:`AutogradKernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from odeviz.engine.checks import called, checked_value
from odeviz.engine.kept_bytes import KeptBytes
from odeviz.engine.parameters import check_listed

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


def evaluated(field: Callable[..., Tensor], t: float | Tensor, y: Tensor) -> Tensor:
    """f(t, y), or ``ValueError`` when that changed y."""
    versioned = not y.is_inference()
    version = y._version if versioned else 0
    value = called(field, t, y)
    if versioned and y._version != version:
        raise ValueError(
            "field must not change the state it is given in place: give it y.mul(2), not y.mul_(2)"
        )
    return value


def kernel_of(field: object) -> Callable[[Tensor], Kernel] | None:
    """The field's method ``kernel``, if that stands for what calling the field does.

    It does not where a subclass of the class that defines it, or the object itself, has a ``forward`` of its own, nor
    where the module has hooks. Attributes of that name that are no methods mean something else.
    """
    kind = type(field)
    owner = next((base for base in kind.__mro__ if "kernel" in vars(base)), None)
    if owner is None or not callable(owner.__dict__["kernel"]):
        return None
    names = ("forward", "__call__")
    if any(getattr(kind, name, None) is not getattr(owner, name, None) for name in names):
        return None
    if isinstance(field, nn.Module):
        hooks = (
            field._forward_hooks,
            field._forward_pre_hooks,
            field._backward_hooks,
            field._backward_pre_hooks,
        )
        if any(hooks) or "forward" in vars(field):
            return None
    make: Callable[[Tensor], Kernel] = field.kernel  # type: ignore[attr-defined]
    return make


def stands_for(field: object, kind: type) -> bool:
    """Whether ``kind``'s own kernel, and its divergence if it has one, stand for those of ``field``."""
    return (
        isinstance(field, kind)
        and kernel_of(field) is not None
        and all(
            getattr(type(field), name, None) is getattr(kind, name, None)
            for name in ("kernel", "with_divergence", "forward")
        )
    )


class ExaminedField:
    """A field whose values must not depend on tensors that require a gradient and are not ``parameters``.

    The first value is looked at in any case, later ones where they are differentiable.
    """

    def __init__(self, field: Callable[..., Tensor], parameters: Sequence[Tensor]) -> None:
        #: For whoever looks for the field's own methods.
        self.field = self.__wrapped__ = field
        self._parameters = parameters
        self._begun = False

    def __call__(self, t: float | Tensor, y: Tensor) -> Tensor:
        if self._begun and not torch.is_grad_enabled():
            return self.field(t, y)
        call = self.field if self._begun else partial(called, self.field)
        self._begun = True
        with torch.enable_grad():
            value = call(t, y)
        if isinstance(value, Tensor):
            check_listed(value, (y, *self._parameters))
            value = value if torch.is_grad_enabled() else value.detach()
        return value


class CountedField:
    """A field whose vector-Jacobian products by automatic differentiation are counted by ``count``.

    The graph keeps the hooks, so ``count`` must not know what keeps the graph: such a circle is never collected.
    """

    def __init__(self, field: VectorField, count: Callable[[Tensor], None]) -> None:
        #: For whoever takes such products while solving, which are counted there.
        self.field = self.__wrapped__ = field
        self._count = count

    def __call__(self, t: float, y: Tensor) -> Tensor:
        value = checked_value(self.field(t, y), y)
        # A view, for a field may return a tensor that outlives this evaluation, and the hook must not.
        value = value.view_as(value)
        if value.requires_grad:
            value.register_hook(self._count)  # type: ignore[no-untyped-call]
        return value


class AutogradKernel:
    """Any callable f(t, y) as a kernel: each slot keeps the graph of its evaluation.

    States are batch-first. The vector-Jacobian product is automatic differentiation's, which gives the parameters'
    share at once: ``gradients`` lets go of what it has added up, so ask for it soon, and once for each slot.
    """

    def __init__(
        self, field: VectorField, y0: Tensor, parameters: tuple[Tensor, ...], *, listed: bool = False
    ) -> None:
        """Unless they are ``listed`` on purpose, ``parameters`` must be all that the field depends on."""
        self._field = field
        self._listed = listed
        self._begun = False
        self._shape = y0.shape
        self._parameters = parameters
        self._tape: list[tuple[Tensor, Tensor] | None] = []
        self._parts: dict[int, tuple[Tensor | None, ...]] = {}
        #: What the first two evaluations kept; what the second shares with the first is no evaluation's own.
        self._measured: list[int] = []
        self._kept = KeptBytes(parameters)
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
                y = s.view(self._shape)
                value = self._field(t, y) if self._begun else evaluated(self._field, t, y)
            self._begun = True
        else:
            with torch.enable_grad():
                y = s.detach().clone().view(self._shape).requires_grad_()
                value = self._field(t, y) if len(self._measured) == 2 else self._measured_field(t, y)
            self._tape[slot] = (y, value)
        if not (isinstance(value, Tensor) and value.shape == self._shape and value.dtype == s.dtype):
            checked_value(value, s.view(self._shape))
        out.copy_(value.detach().reshape(-1))

    def _measured_field(self, t: float, y: Tensor) -> Tensor:
        before = self._kept.total
        with torch.autograd.graph.saved_tensors_hooks(self._kept.pack, self._kept.unpack):
            value = self._field(t, y)
        if not (self._listed or self._measured):
            check_listed(value, (y, *self._parameters))
        self._kept.add(y)
        self._kept.add(checked_value(value, y))
        self._measured.append(self._kept.total - before)
        return value

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
            for total, part in zip(totals, self._parts.pop(slot), strict=True):
                if part is not None:
                    total.add_(part, alpha=weight)
        return totals

    def bytes_per_slot(self) -> int:
        return self._measured[-1] if self._measured else 0

    def release(self) -> None:
        self._tape.clear()
        self._parts.clear()
