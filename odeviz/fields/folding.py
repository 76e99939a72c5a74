"""A network's weights as its kernel uses them: one table, with the activation's constants and the end time folded in.

Layer l computes gate_l(t) * (W_l ψ_{l-1} + b_l) + w_l t. In the table a row is a unit: its bias, then its weights.
The activations have a row of ones to match, so that a layer is one product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from odeviz.fields.activations import Activation
from odeviz.fields.products import Products


@dataclass(slots=True)
class TableGradient:
    """Gradient with respect to the folded table: products, and [units] for time's weights and the gates."""

    products: Products
    shift: Tensor | None
    gate_weight: Tensor | None
    gate_bias: Tensor | None


class FoldedWeights:
    """A private copy of a network's weights: later changes of the parameters do not reach it."""

    def __init__(self, sizes: Sequence[int], time: str, activation: Activation, like: Tensor) -> None:
        units, widest = sum(sizes[1:]), max(sizes[:-1])
        bounds = list(accumulate(sizes[1:], initial=0))
        #: Units of all layers together.
        self.units = units
        self.activation = activation
        self.gated, self.shifted = time == "concatsquash", time != "none"
        self._rows = [slice(first, last) for first, last in pairwise(bounds)]
        self._inputs = list(sizes[:-1])
        self._layers = len(self._rows)
        self._ones = like.new_ones(widest)
        self._bias, self._shift = like.new_zeros(units), like.new_zeros(units)
        self._gate_weight, self._gate_bias = like.new_zeros(units), like.new_zeros(units)
        self._gate = like.new_ones(units)
        self._table = like.new_zeros(units, 1 + widest)
        #: The table at the current time.
        self._now = torch.zeros_like(self._table) if self.gated else self._table
        self._bias_now, self._gate_column = self._now[:, 0], self._gate[:, None]
        self._time: float | None = None
        self._duration = 1.0
        #: For each layer [n, 1 + k]: bias and weights at the current time; the weights alone; their transpose.
        self.augmented = [self._now[rows, : 1 + k] for rows, k in zip(self._rows, self._inputs, strict=True)]
        self.plain = [table[:, 1:] for table in self.augmented]
        self.transposed = [table.t() for table in self.plain]
        self._targets = [
            (self._table[rows, 1 : 1 + k], self._ones[:k], *(v[rows] for v in self._vectors()))
            for rows, k in zip(self._rows, self._inputs, strict=True)
        ]

    def _scales(self, layer: int) -> tuple[float, float]:
        """Factors of a layer's weights: by what comes after them and by what comes before."""
        last = layer == self._layers - 1
        after = self._duration if last else self.activation.inner
        return after, self.activation.outer if layer else 1.0

    def _vectors(self) -> tuple[Tensor, ...]:
        return self._bias, self._shift, self._gate_weight, self._gate_bias

    def load(self, layers: Iterable[Sequence[Tensor]], duration: float) -> None:
        """Copy the parameters, a layer's as in ``TimeLinear.tensors``; values are multiplied by ``duration``."""
        self._duration, self._time = duration, None
        offset = self.activation.offset
        for index, ((weight, bias, *timed), target) in enumerate(zip(layers, self._targets, strict=True)):
            after, before = self._scales(index)
            table, ones, folded_bias, folded_shift, *gate = target
            torch.mul(weight, after * before, out=table)
            if index and offset:
                torch.addmv(bias, weight, ones, beta=after, alpha=after * offset, out=folded_bias)
            else:
                torch.mul(bias, after, out=folded_bias)
            if timed:
                torch.mul(timed[0], after, out=folded_shift)
            for copy, parameter in zip(gate, timed[1:], strict=False):
                copy.copy_(parameter)
        if self.gated or not self.shifted:
            self._table[:, 0] = self._bias

    def at(self, t: float) -> bool:
        """Make the layers those of time t; whether their weights (not only their biases) changed."""
        if t == self._time:
            return False
        first, self._time = self._time is None, t
        if self.gated:
            torch.add(self._gate_bias, self._gate_weight, alpha=t, out=self._gate).sigmoid_()
            torch.mul(self._table, self._gate_column, out=self._now)
            self._bias_now.add_(self._shift, alpha=t)
            return True
        if self.shifted:
            torch.add(self._bias, self._shift, alpha=t, out=self._bias_now)
        return first

    def gates_at(self, times: Tensor) -> Tensor:
        """Gates ``[slots, units]`` at times ``[slots]``."""
        return torch.addcmul(self._gate_bias, times[:, None], self._gate_weight).sigmoid_()

    def weights_at(self, gates: Tensor | None) -> list[Tensor]:
        """The layers' weights ``[slots, n, k]`` with gates ``[slots, units]``; ``[1, n, k]`` without."""
        if gates is None:
            return [weight[None] for weight in self.plain]
        return [
            self._table[rows, 1 : 1 + k] * gates[:, rows, None]
            for rows, k in zip(self._rows, self._inputs, strict=True)
        ]

    def through_gates(self, products: Products, gates: Tensor, work: Products) -> Tensor:
        """dL/dgate ``[slots, units]`` from the products ``[slots, ...]`` of the gated weights."""
        out = torch.empty_like(gates)
        for bias, weight, memory, rows, k in zip(
            products.bias, products.weight, work.weight, self._rows, self._inputs, strict=True
        ):
            table = self._table[rows, 1 : 1 + k]
            if memory.stride(-1) != 1:
                table = table.t().contiguous().t()
            torch.sum(torch.mul(weight, table, out=memory), -1, out=out[:, rows])
            out[:, rows].addcmul_(bias, self._bias[rows])
        return out

    def add_biases(self, products: Products, factors: Tensor, total: Tensor) -> None:
        """Add the biases' gradients ``[slots, n]`` times factors ``[slots]`` to ``total [units]``."""
        for bias, rows in zip(products.bias, self._rows, strict=True):
            total[rows].addmv_(bias.t(), factors)

    def new_zeros(self, *shape: int) -> Tensor:
        return self._table.new_zeros(*shape)

    def split(self, vector: Tensor) -> list[Tensor]:
        """[..., units] by layers."""
        return [vector[..., rows] for rows in self._rows]

    def gradients(self, total: TableGradient) -> list[Tensor]:
        """Parameters' gradients in the order of ``Module.parameters()``, from the table's."""
        result = []
        shift = None if total.shift is None else self.split(total.shift)
        for index, rows in enumerate(self._rows):
            after, before = self._scales(index)
            bias = total.products.bias[index] * after
            weight = total.products.weight[index] * (after * before)
            if index and self.activation.offset:
                weight.add_(bias[:, None], alpha=self.activation.offset)
            result += [weight, bias]
            if shift is not None:
                result.append(shift[index] * after)
            if total.gate_weight is not None and total.gate_bias is not None:
                result += [total.gate_weight[rows].clone(), total.gate_bias[rows].clone()]
        return result

    def duration_gradient(self, total: TableGradient) -> Tensor:
        """dL/dlog T ``[]`` for f~(s, z) = T f(T s, z).

        The field is linear in the last layer's part of the table (its factor T), and t enters only in products
        with w and g (its argument), so by Euler's theorem on homogeneous functions
        dL/dlog T = <W_L, dW_L> + <b_L, db_L> + <w_L, dw_L> + sum over layers of <w, dw> + <g, dg>.
        """
        rows, k = self._rows[-1], self._inputs[-1]
        result = torch.sum(self._table[rows, 1 : 1 + k] * total.products.weight[-1])
        result += self._bias[rows] @ total.products.bias[-1]
        if total.shift is not None:
            result += self._shift[rows] @ total.shift[rows]
            result += self._shift @ total.shift
        if total.gate_weight is not None:
            result += self._gate_weight @ total.gate_weight
        return result
