"""A multilayer perceptron's fast path for one solve."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from odeviz.fields.network import Network, Rows

if TYPE_CHECKING:
    from odeviz.fields.mlp import MLPField


#: How many views of states a kernel keeps, and of how many numbers at most, so that it pins little memory.
_VIEWS, _SMALL = 64, 1 << 14


class MLPKernel:
    """See ``odeviz.engine.kernel.Kernel``. A lent network with the field's weights at the time of construction.

    ``kind`` is what the network computes, the field alone or with its divergence. ``log_duration`` makes it the
    field T f(T s, z), T = exp(log_duration), and is the last of the parameters.
    """

    def __init__(
        self, field: MLPField, y0: Tensor, log_duration: Tensor | None = None, kind: type[Network] = Network
    ) -> None:
        layers = [layer.tensors() for layer in field.time_linears()]
        rows = field.dim + kind.extra_rows
        _check(y0, rows, layers[0][0])
        self.batch, self.rows, self.size = y0.shape[0], rows, y0.shape[0] * rows
        self._scaled = log_duration is not None
        self._duration = 1.0 if log_duration is None else float(log_duration.detach().exp())
        self._parameters = (*chain(*layers), *(() if log_duration is None else (log_duration,)))
        self._pool, self._key = field.workspaces, (kind, self.batch, y0.dtype, y0.device)
        self._network = self._pool.take(
            self._key, lambda: kind(field.sizes, field.activation, field.time, self.batch, y0.detach())
        )
        self._lent = True
        self._dim = field.dim
        self._views: dict[int, Rows] = {}
        with torch.no_grad():
            self._network.load(layers, self._duration)

    @property
    def network(self) -> Network:
        """The network that is lent, until it is given back."""
        return self._network

    def parameters(self) -> tuple[Tensor, ...]:
        return self._parameters

    def pack(self, y: Tensor) -> Tensor:
        s = y.new_empty(self.rows, self.batch)
        s.copy_(y.detach().t())
        return s.view(-1)

    def unpack(self, s: Tensor) -> Tensor:
        return s.view(*s.shape[:-1], self.rows, self.batch).transpose(-1, -2)

    def reserve(self, slots: int) -> None:
        self._network.tape.reserve(slots)

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        self._network.evaluate(self._duration * t, self._rows_of(s), self._rows_of(out), slot)

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        self._network.pull_back(slot, self._rows_of(cotangent), self._rows_of(out))

    def _rows_of(self, s: Tensor) -> Rows:
        """A flat state's rows. Views are kept, which cost a small field a tenth of its evaluation."""
        # A view keeps its memory alive, so that no other state can come to lie at the same place.
        place = s.data_ptr()
        views = self._views.get(place)
        if views is None:
            rows = s.view(self.rows, self.batch)
            views = rows, rows[: self._dim], rows[self._dim :]
            if self.size <= _SMALL:
                if len(self._views) >= _VIEWS:
                    self._views.clear()
                self._views[place] = views
        return views

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        with torch.no_grad():
            table = self._network.gradient(slots, weights)
            result = self._network.weights.gradients(table)
            if self._scaled:
                result.append(self._network.weights.duration_gradient(table))
        return tuple(result)

    def bytes_per_slot(self) -> int:
        return self._network.tape.bytes_per_slot

    def release(self) -> None:
        if self._lent:
            self._lent = False
            self._views.clear()
            self._pool.put(self._key, self._network)
            del self._network


def _check(y0: Tensor, columns: int, weight: Tensor) -> None:
    if y0.dim() != 2 or y0.shape[1] != columns:
        raise ValueError(f"y0 must have the shape [batch, {columns}], not {list(y0.shape)}")
    if (y0.dtype, y0.device) != (weight.dtype, weight.device):
        raise ValueError(
            f"y0 must have the field's dtype and device, {weight.dtype} on {weight.device}, "
            f"not {y0.dtype} on {y0.device}"
        )
