"""A multilayer perceptron for one batch size: evaluation, vector-Jacobian product and weight gradients in place.

States are features-first ``[rows, batch]``, so that a thin last layer is cheap. Everything is written into
buffers that exist already. The contributions to the weight gradients are formed slot by slot while the layers'
deltas are in the cache, unless they are larger than the deltas: then the deltas are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from odeviz.fields.activations import ACTIVATIONS
from odeviz.fields.folding import FoldedWeights, TableGradient
from odeviz.fields.products import Operation, ProductLayout, Products, gradient_products, layer_product
from odeviz.fields.tape import Tape

Shapes = dict[str, tuple[int, ...]]

#: Slots whose gradient contributions are worked on together.
_CHUNK = 16


@dataclass(slots=True)
class Place:
    """One slot of the tape: what its evaluation and its vector-Jacobian product leave there.

    ``x[l]``: input of layer l with its row of ones; ``a[l]``: the same without it; ``aux[l]``: what else the
    activation before layer l keeps; ``delta[l]``: dL/d(output of layer l), before its activation.
    The operations are prepared: a small field's evaluation consists of the interpreter's overhead.
    """

    t: float
    x: list[Tensor]
    a: list[Tensor]
    aux: list[Tensor | None]
    delta: list[Tensor]
    cotangent: Tensor
    #: All buffers by name.
    buffers: dict[str, Tensor]
    #: The hidden layers' products on the way forward, and layers L-1 to 1 on the way back.
    forward: list[Operation]
    backward: list[Operation]
    #: The contributions to the gradients: where they go (nowhere if deltas are kept), and how they are formed.
    products: Products | None
    gradient: list[Operation]


class Network:
    """Folded weights, tape and scratch memory, and the arithmetic on them. In use by one solve at a time."""

    #: Rows of the state beside the field's own.
    extra_rows: ClassVar[int] = 0

    def __init__(self, sizes: Sequence[int], activation: str, time: str, batch: int, like: Tensor) -> None:
        self.sizes, self.dim, self.batch = tuple(sizes), sizes[0], batch
        self.rows = self.dim + self.extra_rows
        self.activation = ACTIVATIONS[activation]
        self.weights = FoldedWeights(sizes, time, self.activation, like)
        self._layout = ProductLayout(sizes, self._trace_shape())
        slots, deltas, scratch = self._slot_shapes(), self._delta_shapes(), self._scratch_shapes()
        self._keeps_deltas = self._layout.total > 2 * _volume(deltas)
        if self._keeps_deltas:
            slots |= deltas
        else:
            slots["products"] = (self._layout.total,)
            scratch |= deltas
        self.scratch = {name: like.new_zeros(shape) for name, shape in scratch.items()}
        self.tape = Tape(slots, self._bind, like)

    # Buffers: what is kept where. A subclass adds its own.

    def _columns(self) -> int:
        """Columns of the activations."""
        return self.batch

    def _trace_shape(self) -> tuple[int, ...]:
        """Shape of the products from which the divergence's weight gradients are made."""
        return ()

    def _hidden(self, prefix: str, columns: int) -> Shapes:
        """One buffer for each hidden layer; layer i has input i, so the first is 1."""
        return {f"{prefix}{i}": (n, columns) for i, n in enumerate(self.sizes[1:-1], 1)}

    def _slot_shapes(self) -> Shapes:
        """What an evaluation keeps."""
        shapes: Shapes = {f"x{i}": (1 + n, self._columns()) for i, n in enumerate(self.sizes[:-1])}
        return shapes | (self._hidden("aux", self.batch) if self.activation.keeps_sigmoid else {})

    def _delta_shapes(self) -> Shapes:
        """What a vector-Jacobian product leaves for the gradient."""
        return self._hidden("delta", self._columns()) | {"cotangent": (self.rows, self.batch)}

    def _scratch_shapes(self) -> Shapes:
        return self._hidden("work", self.batch)

    def _bind(self, kept: dict[str, Tensor]) -> Place:
        buffers, layers = self.scratch | kept, len(self.sizes) - 1
        x = [buffers[f"x{i}"] for i in range(layers)]
        delta = [*(buffers[f"delta{i}"] for i in range(1, layers)), self._last_delta(buffers)]
        self._initialise(x)
        place = Place(
            t=0.0,
            x=x,
            a=[inputs[1:] for inputs in x],
            aux=[buffers.get(f"aux{i}") for i in range(layers)],
            delta=delta,
            cotangent=buffers["cotangent"],
            buffers=buffers,
            forward=[],
            backward=[
                layer_product(self.weights.transposed[i], delta[i], delta[i - 1])
                for i in range(layers - 1, 0, -1)
            ],
            products=None,
            gradient=[],
        )
        place.forward = [
            layer_product(self.weights.augmented[i], x[i], self._before_activation(place, i + 1))
            for i in range(layers - 1)
        ]
        if "products" in kept:
            place.products = self._layout.split(kept["products"])
            place.gradient = list(self._gradient_operations(place, place.products))
        return place

    def _initialise(self, x: list[Tensor]) -> None:
        for inputs in x:
            inputs[0] = 1

    def _last_delta(self, buffers: dict[str, Tensor]) -> Tensor:
        return buffers["cotangent"][: self.dim]

    def _before_activation(self, place: Place, i: int) -> Tensor:
        """Where layer i - 1 writes: here the activation is applied in place."""
        return place.a[i]

    def _gradient_operations(self, place: Place, products: Products) -> Iterator[Operation]:
        return gradient_products(place.delta, place.x, products)

    # What the kernel calls.

    def load(self, layers: Iterable[Sequence[Tensor]], duration: float) -> None:
        """Take a private copy of the weights for one solve."""
        self.weights.load(layers, duration)

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        place = self.tape[slot]
        place.t = t
        self._at(t)
        self._forward(place, s.view(self.rows, self.batch), out.view(self.rows, self.batch))

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        place = self.tape[slot]
        self._at(place.t)
        place.cotangent.copy_(cotangent.view(self.rows, self.batch))
        self._backward(place, out.view(self.rows, self.batch))
        if place.products is not None:
            self._form(place, place.gradient, place.products)

    def gradient(self, slots: Sequence[int], weights: Sequence[float] | None) -> TableGradient:
        """Weighted sum over slots (weight one by default) of the gradients with respect to the folded table."""
        factors = [1.0] * len(slots) if weights is None else weights
        return self._gated_sum(slots, factors) if self.weights.gated else self._sum(slots, factors)

    def bytes(self) -> int:
        return (len(self.tape) + 1) * self.tape.bytes_per_slot

    # One evaluation.

    def _at(self, t: float) -> None:
        self.weights.at(t)

    def _forward(self, place: Place, z: Tensor, out: Tensor) -> None:
        place.a[0].copy_(z)
        apply, i = self.activation.apply, 1
        for product, W, x, u in place.forward:
            product(W, x, out=u)
            apply(u, place.aux[i], u)
            i += 1
        torch.mm(self.weights.augmented[-1], place.x[-1], out=out)

    def _backward(self, place: Place, out: Tensor) -> None:
        """From ``place.cotangent`` to ``place.delta`` and dL/dz in ``out``."""
        i = len(place.x) - 1
        for product, W, delta, before in place.backward:
            product(W, delta, out=before)
            self._through_activation(place, i, before)
            i -= 1
        torch.mm(self.weights.transposed[0], place.delta[0], out=out)

    def _through_activation(self, place: Place, i: int, delta: Tensor) -> None:
        """From dL/d(input i) to dL/d(output of layer i - 1), in place."""
        self.activation.times_slope(delta, place.a[i], place.aux[i], delta, self.scratch[f"work{i}"])

    # Weight gradients.

    def _form(self, place: Place, operations: Iterable[Operation], products: Products) -> None:
        for operation, left, right, out in operations:
            operation(left, right, out=out)

    def _complete(self, products: Products, weights: list[Tensor]) -> Products:
        """Add the divergence's share, at the layers' gated weights ``[slots, n, k]``."""
        return products

    def _product_rows(self, slots: Sequence[int]) -> Iterator[tuple[Tensor, list[int]]]:
        """Rows of products ``[k, total]`` and the positions in ``slots`` they belong to."""
        if not self._keeps_deltas:
            yield from self.tape.gather("products", slots, _CHUNK)
            return
        buffer = self.weights.new_zeros(min(_CHUNK, len(slots)), self._layout.total)
        for first in range(0, len(slots), _CHUNK):
            positions = list(range(first, min(first + _CHUNK, len(slots))))
            for row, position in zip(buffer, positions, strict=False):
                place, products = self.tape[slots[position]], self._layout.split(row)
                self._form(place, self._gradient_operations(place, products), products)
            yield buffer[: len(positions)], positions

    def _sum(self, slots: Sequence[int], factors: Sequence[float]) -> TableGradient:
        """Without gates the weights are the same in all slots, so that products are summed first."""
        folded, units = self.weights, self._layout.units
        total = folded.new_zeros(1, self._layout.total)
        shift = folded.new_zeros(units) if folded.shifted else None
        for rows, positions in self._product_rows(slots):
            total[0].addmv_(rows.t(), rows.new_tensor([factors[i] for i in positions]))
            if shift is not None:
                timed = [factors[i] * self.tape[slots[i]].t for i in positions]
                shift.addmv_(rows[:, :units].t(), rows.new_tensor(timed))
        products = self._complete(self._layout.split(total), [weight[None] for weight in folded.plain])
        return TableGradient(products.only(), shift, None, None)

    def _gated_sum(self, slots: Sequence[int], factors: Sequence[float]) -> TableGradient:
        folded, units = self.weights, self._layout.units
        total = self._layout.split(folded.new_zeros(self._layout.total))
        shift, gate_weight, gate_bias = (folded.new_zeros(units) for _ in range(3))
        for rows, positions in self._product_rows(slots):
            factor = rows.new_tensor([factors[i] for i in positions])
            times = rows.new_tensor([self.tape[slots[i]].t for i in positions])
            shift.addmv_(rows[:, :units].t(), factor * times)
            gates, gated = folded.at_all(times)
            products = self._complete(self._layout.split(rows), gated)
            weighted = factor[:, None] * gates
            slope = folded.through_gates(products, gates) * weighted * (1 - gates)
            gate_bias.add_(slope.sum(0))
            gate_weight.addmv_(slope.t(), times)
            for i, share in enumerate(folded.split(weighted)):
                total.bias[i].add_((share * products.bias[i]).sum(0))
                total.weight[i].add_((share[:, :, None] * products.weight[i]).sum(0))
        return TableGradient(total, shift, gate_weight, gate_bias)


def _volume(shapes: Shapes) -> int:
    return sum(torch.Size(shape).numel() for shape in shapes.values())
