"""A planar field's fast path for one solve, with its divergence in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from odeviz.fields.planar import PlanarField


@dataclass(slots=True)
class _Slot:
    """What one evaluation at time ``t`` keeps, and what its vector-Jacobian product leaves for the gradient."""

    z: Tensor  # [1 + dim, batch], a row of ones first
    a: Tensor  # [units, batch], tanh(W z + b)
    slope: Tensor  # [units, batch], 1 - a^2
    first: Tensor  # [units, 1 + dim], gradient of [b, W] through the units' inputs
    last: Tensor  # [dim, units], cotangent of f times a
    trace: Tensor  # [units], cotangent of -tr J times the slope
    t: float = 0.0


class PlanarKernel:
    """See ``odeviz.engine.kernel.Kernel``. States are features-first ``[rows, batch]``.

    With ``log_density`` the last row is log p, whose derivative is -tr J. ``log_duration`` makes it the field
    T f(T s, z), T = exp(log_duration), and is the last of the parameters. Gates and T stand together as one vector
    G(s) = T g(T s), the only place where time comes in; automatic differentiation is asked for its gradient alone,
    once for a whole solve.
    """

    def __init__(
        self,
        field: PlanarField,
        y0: Tensor,
        log_duration: Tensor | None = None,
        *,
        log_density: bool = False,
    ) -> None:
        self.rows, self.batch = field.dim + log_density, y0.shape[0]
        if y0.dim() != 2 or y0.shape[1] != self.rows:
            raise ValueError(f"y0 must have the shape [batch, {self.rows}], not {list(y0.shape)}")
        self.size = self.rows * self.batch
        self._field, self._dim, self._log_duration = field, field.dim, log_duration
        self._parameters = (*field.parameters(), *(() if log_duration is None else (log_duration,)))
        self._has_density = log_density
        with torch.no_grad():
            self._weight, self._out = field.weight.detach().clone(), field.out.detach().clone()
            self._augmented = torch.cat([field.bias.detach()[:, None], self._weight], 1)
            self._traces = field.unit_traces().detach()
        self._gate_parts = [
            p.detach() for p in (field.clock_weight, field.clock_bias, field.gate_weight, field.gate_bias)
        ]
        self._duration = 1.0 if log_duration is None else float(log_duration.detach().exp())
        self._time: float | None = None
        self._gated_out, self._minus_traces = self._out, self._traces[None]
        self._like = y0.detach()
        self._tape = [self._slot()]

    def parameters(self) -> tuple[Tensor, ...]:
        return self._parameters

    def pack(self, y: Tensor) -> Tensor:
        s = y.new_empty(self.rows, self.batch)
        s.copy_(y.detach().t())
        return s.view(-1)

    def unpack(self, s: Tensor) -> Tensor:
        return s.view(*s.shape[:-1], self.rows, self.batch).transpose(-1, -2)

    def reserve(self, slots: int) -> None:
        self._tape.extend(self._slot() for _ in range(slots + 1 - len(self._tape)))

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        place = self._tape[slot + 1]
        place.t = t
        with torch.no_grad():
            self._at(t)
            rows = out.view(self.rows, self.batch)
            place.z[1:].copy_(s.view(self.rows, self.batch)[: self._dim])
            torch.mm(self._augmented, place.z, out=place.a)
            place.a.tanh_()
            torch.mm(self._gated_out, place.a, out=rows[: self._dim])
            if self._has_density:
                torch.mul(place.a, place.a, out=place.slope)
                torch.sub(1.0, place.slope, out=place.slope)
                torch.mm(self._minus_traces, place.slope, out=rows[self._dim :])

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        place = self._tape[slot + 1]
        with torch.no_grad():
            self._at(place.t)
            given, rows = cotangent.view(self.rows, self.batch), out.view(self.rows, self.batch)
            torch.mm(given[: self._dim], place.a.t(), out=place.last)
            delta = torch.mm(self._gated_out.t(), given[: self._dim])
            if self._has_density:
                # d(1 - a^2)/da = -2 a
                delta.addcmul_(place.a, self._minus_traces.t() * given[self._dim], value=-2.0)
                torch.mv(place.slope, given[self._dim], out=place.trace)
                rows[self._dim].zero_()
            else:
                torch.sub(1.0, place.a * place.a, out=place.slope)
            delta.mul_(place.slope)
            torch.mm(delta, place.z.t(), out=place.first)
            torch.mm(self._weight.t(), delta, out=rows[: self._dim])

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        places = [self._tape[slot + 1] for slot in slots]
        like = self._weight
        factors = like.new_tensor([1.0] * len(places) if weights is None else list(weights))
        times = like.new_tensor([place.t for place in places])
        first = torch.einsum("s,snk->nk", factors, torch.stack([place.first for place in places]))
        last = torch.stack([place.last for place in places])
        trace = torch.stack([place.trace for place in places])
        with torch.no_grad():
            # For each slot, the cotangent of G ``[slots, units]``: units' velocities and traces are linear in it.
            through = torch.einsum("dn,sdn->sn", self._out, last) - self._traces * trace
        gates, of_gates = self._through_gates(times, factors[:, None] * through)
        with torch.no_grad():
            weighted = factors[:, None] * gates
            traces = -(weighted * trace).sum(0)
            out = torch.einsum("sn,sdn->dn", weighted, last) + self._weight.t() * traces
            weight = first[:, 1:] + self._out.t() * traces[:, None]
        return (weight, first[:, 0], out, *of_gates)

    def _through_gates(self, times: Tensor, cotangent: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """G ``[slots, units]`` at the times, and the gradients of the gates' parameters, log T the last."""
        leaves = [part.requires_grad_() for part in self._copies()]
        with torch.enable_grad():
            gates = _gates(times[:, None], leaves)
            gradients = torch.autograd.grad(gates, leaves, cotangent)
        return gates.detach(), gradients

    def _copies(self) -> list[Tensor]:
        parts = [part.clone() for part in self._gate_parts]
        return parts if self._log_duration is None else [*parts, self._log_duration.detach().clone()]

    def bytes_per_slot(self) -> int:
        place = self._tape[0]
        kept = (place.z, place.a, place.slope, place.first, place.last, place.trace)
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)

    def release(self) -> None:
        self._tape.clear()

    def _slot(self) -> _Slot:
        new, (dim, units, batch) = self._like.new_empty, (self._dim, len(self._weight), self.batch)
        z = new(1 + dim, batch)
        z[0] = 1.0
        return _Slot(
            z, new(units, batch), new(units, batch), new(units, 1 + dim), new(dim, units), z.new_zeros(units)
        )

    def _at(self, t: float) -> None:
        """Make the gates those of time t."""
        if t == self._time:
            return
        self._time = t
        clock_weight, clock_bias, gate_weight, gate_bias = self._gate_parts
        clock = torch.add(clock_bias, clock_weight, alpha=self._duration * t).tanh_()
        gates = torch.addmv(gate_bias, gate_weight, clock).sigmoid_()
        if self._duration != 1.0:
            gates.mul_(self._duration)
        self._gated_out = self._out * gates
        self._minus_traces = (self._traces * gates).neg_()[None]


def _gates(times: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """G(s) = T g(T s) ``[slots, units]`` at times ``[slots, 1]``; T is 1 without its logarithm."""
    clock_weight, clock_bias, gate_weight, gate_bias, *duration = parts
    T = duration[0].exp() if duration else 1.0
    clock = torch.tanh(T * times * clock_weight + clock_bias)
    return T * torch.sigmoid(torch.nn.functional.linear(clock, gate_weight, gate_bias))
