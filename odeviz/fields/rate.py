"""A positive rate read from the state, integrated along with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from odeviz.engine.kernel import AutogradKernel, Kernel, kernel_of
from odeviz.fields.activations import one_of
from odeviz.fields.divergence import Time


@dataclass(frozen=True, slots=True)
class Link:
    """How a number u becomes a positive rate."""

    rate: Callable[[Tensor], Tensor]
    #: Its derivative, from u and the rate.
    slope: Callable[[Tensor, Tensor], Tensor]
    #: The u at which the rate is 1.
    one: float


LINKS: dict[str, Link] = {
    "softplus": Link(nn.functional.softplus, lambda u, rate: torch.sigmoid(u), math.log(math.expm1(1.0))),
    "exp": Link(torch.exp, lambda u, rate: rate, 0.0),
}


class RateField(nn.Module):
    """d/dt [z, m] = [f(t, z), link(readout(z))] on states ``[batch, dim + 1]``: m is the rate's integral.

    ``field`` is any module ``forward(t, z)`` with ``dim``, ``readout`` an ``nn.Linear`` from z to one number, and
    ``link`` is ``softplus`` or ``exp``.
    """

    def __init__(self, field: nn.Module, readout: nn.Linear, link: str = "softplus") -> None:
        super().__init__()
        self.field, self.readout = field, readout
        self.link = one_of("link", link, tuple(LINKS))
        self.dim: int = field.dim + 1  # type: ignore[operator,assignment]

    def forward(self, t: Time, state: Tensor) -> Tensor:
        z = state[:, :-1]
        return torch.cat([self.field(t, z), LINKS[self.link].rate(self.readout(z))], dim=1)

    def kernel(self, y0: Tensor) -> RateKernel:
        """The field prepared for one solve from ``y0 [batch, dim + 1]``."""
        return RateKernel(self, y0)


class RateKernel:
    """See ``odeviz.engine.kernel.Kernel``: the inner field's kernel, and after its state the integrals ``[batch]``."""

    def __init__(self, field: RateField, y0: Tensor) -> None:
        z0 = y0[:, :-1]
        make = kernel_of(field.field)
        self._inner: Kernel = (
            AutogradKernel(field.field, z0, tuple(field.field.parameters())) if make is None else make(z0)
        )
        self._size, self.size = self._inner.size, self._inner.size + len(y0)
        self._link = LINKS[field.link]
        self._readout = (field.readout.weight, field.readout.bias)
        self._weight, self._bias = (part.detach().clone() for part in self._readout)
        #: For each slot z ``[batch, dim]`` and the rate's slope ``[batch]``; dL/du ``[batch]`` once it was visited.
        self._tape: list[tuple[Tensor, Tensor] | None] = []
        self._cotangents: dict[int, Tensor] = {}

    def parameters(self) -> tuple[Tensor, ...]:
        return (*self._inner.parameters(), *self._readout)

    def pack(self, y: Tensor) -> Tensor:
        return torch.cat([self._inner.pack(y[:, :-1]), y[:, -1].detach()])

    def unpack(self, s: Tensor) -> Tensor:
        return torch.cat([self._states(s), s[..., self._size :, None]], dim=-1)

    def reserve(self, slots: int) -> None:
        self._inner.reserve(slots)
        self._tape.extend([None] * (slots - len(self._tape)))

    @torch.no_grad()
    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        self._inner.evaluate(t, s[: self._size], out[: self._size], slot)
        z = self._states(s)
        u = torch.addmv(self._bias, z, self._weight[0])
        rate = self._link.rate(u)
        out[self._size :] = rate
        if slot >= 0:
            self._tape[slot] = z.clone(), self._link.slope(u, rate)

    @torch.no_grad()
    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        self._inner.pull_back(slot, cotangent[: self._size], out[: self._size])
        kept = self._tape[slot]
        assert kept is not None, f"slot {slot} was never evaluated"
        through = cotangent[self._size :] * kept[1]
        # A view of the cotangent of z: what the rate adds to it.
        self._states(out).addr_(through, self._weight[0])
        out[self._size :] = 0
        self._cotangents[slot] = through

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        inner = self._inner.gradients(slots, weights)
        with torch.no_grad():
            through = torch.stack([self._cotangents[slot] for slot in slots])
            if weights is not None:
                through = through * through.new_tensor(weights)[:, None]
            z = torch.stack([kept[0] for kept in (self._tape[slot] for slot in slots) if kept is not None])
            weight = torch.einsum("sb,sbd->d", through, z)[None]
        return (*inner, weight, through.sum()[None])

    def bytes_per_slot(self) -> int:
        kept = next((each for each in self._tape if each is not None), ())
        return self._inner.bytes_per_slot() + sum(part.nbytes for part in kept)

    def release(self) -> None:
        self._inner.release()
        self._tape.clear()
        self._cotangents.clear()

    def _states(self, s: Tensor) -> Tensor:
        """The states z ``[..., batch, dim]`` within flat ones, a view."""
        return self._inner.unpack(s[..., : self._size])
