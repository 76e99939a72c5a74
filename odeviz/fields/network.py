"""A multilayer perceptron for one batch size: evaluation, vector-Jacobian product and weight gradients in place.

States are features-first ``[rows, batch]``, so that a thin last layer is cheap. Everything is written into
buffers that exist already. The contributions to the weight gradients are formed slot by slot while the layers'
deltas are in the cache, unless they are larger than the deltas: then the deltas are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from odeviz.fields.activations import ACTIVATIONS
from odeviz.fields.folding import FoldedWeights, TableGradient
from odeviz.fields.products import Operation, ProductLayout, Products, product
from odeviz.fields.tape import Tape, new_buffer

Shapes = dict[str, tuple[int, ...]]

#: Slots whose gradient contributions are worked on together.
_CHUNK = 16


#: A flat state's rows ``[rows, batch]``: all, the field's own, those beside them.
Rows = tuple[Tensor, Tensor, Tensor]


@dataclass(slots=True)
class Place:
    """One slot of the tape: what its evaluation and its vector-Jacobian product leave there.

    The operations are prepared: a small field's evaluation consists of the interpreter's overhead. ``forward`` leads
    from the state in ``z`` to the last hidden layer's output ``top``; ``backward`` from ``cotangent`` to
    ``bottom``, dL/d(output of the first layer) before its activation; ``gradient`` forms ``products``.
    """

    #: All buffers by name.
    buffers: dict[str, Tensor]
    z: Tensor
    top: Tensor
    cotangent: Tensor
    bottom: Tensor
    t: float = 0.0
    forward: list[Operation] = field(default_factory=list)
    backward: list[Operation] = field(default_factory=list)
    gradient: list[Operation] = field(default_factory=list)


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
        self.scratch = {name: new_buffer(like, *shape).zero_() for name, shape in scratch.items()}
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
        buffers = self.scratch | kept
        self._initialise(buffers)
        x, batch = self._inputs(buffers), self.batch
        bottom = self._deltas(buffers)[0][:, :batch]
        place = Place(buffers, x[0][1:, :batch], x[-1], buffers["cotangent"], bottom)
        place.forward = list(self._forward_operations(buffers))
        place.backward = list(self._backward_operations(buffers))
        if "products" in kept:
            place.gradient = list(self._gradient_operations(buffers, self._layout.split(kept["products"])))
        return place

    def _initialise(self, buffers: dict[str, Tensor]) -> None:
        """What never changes in a slot's buffers."""
        for x in self._inputs(buffers):
            x[0] = 1

    def _inputs(self, buffers: dict[str, Tensor]) -> list[Tensor]:
        """For each layer its input, with its row of ones."""
        return [buffers[f"x{i}"] for i in range(len(self.sizes) - 1)]

    def _deltas(self, buffers: dict[str, Tensor]) -> list[Tensor]:
        """For each layer dL/d(its output), before its activation."""
        last = buffers["cotangent"][..., : self.dim, :]
        return [*(buffers[f"delta{i}"] for i in range(1, len(self.sizes) - 1)), last]

    def _hidden_layer(self, buffers: dict[str, Tensor], i: int) -> tuple[Tensor, Tensor | None]:
        """Input i without its row of ones, and what else the activation before it keeps."""
        return buffers[f"x{i}"][..., 1:, :], buffers.get(f"aux{i}")

    # The operations of one evaluation.

    def _forward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        for i in range(1, len(self.sizes) - 1):
            a, aux = self._hidden_layer(buffers, i)
            yield product(self.weights.augmented[i - 1], buffers[f"x{i - 1}"], a)
            yield partial(self.activation.apply, a, aux, a)

    def _backward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        delta = self._deltas(buffers)
        for i in range(len(delta) - 1, 0, -1):
            yield product(self.weights.transposed[i], delta[i], delta[i - 1])
            yield from self._through_activation(buffers, i, delta[i - 1])

    def _through_activation(self, buffers: dict[str, Tensor], i: int, delta: Tensor) -> Iterator[Operation]:
        """From dL/d(input i) to dL/d(output of layer i - 1), in place."""
        a, aux = self._hidden_layer(buffers, i)
        yield partial(self.activation.times_slope, delta, a, aux, delta, buffers[f"work{i}"])

    def _gradient_operations(self, buffers: dict[str, Tensor], products: Products) -> Iterator[Operation]:
        """For the buffers of one slot, or of several stacked."""
        return self._layout.form(self._deltas(buffers), self._inputs(buffers), products)

    # What the kernel calls.

    def load(self, layers: Iterable[Sequence[Tensor]], duration: float) -> None:
        """Take a private copy of the weights for one solve."""
        self.weights.load(layers, duration)

    def evaluate(self, t: float, s: Rows, out: Rows, slot: int) -> None:
        place = self.tape[slot]
        place.t = t
        self._at(t)
        place.z.copy_(s[1])
        for operation in place.forward:
            operation()
        self._write(place, out)

    def pull_back(self, slot: int, cotangent: Rows, out: Rows) -> None:
        place = self.tape[slot]
        self._at(place.t)
        place.cotangent.copy_(cotangent[0])
        for operation in place.backward:
            operation()
        torch.mm(self.weights.transposed[0], place.bottom, out=out[1])
        if self.extra_rows:
            out[2].zero_()
        for operation in place.gradient:
            operation()

    def gradient(self, slots: Sequence[int], weights: Sequence[float] | None) -> TableGradient:
        """Weighted sum over slots (weight one by default) of the gradients with respect to the folded table."""
        factors = [1.0] * len(slots) if weights is None else weights
        return self._gated_sum(slots, factors) if self.weights.gated else self._sum(slots, factors)

    def bytes(self) -> int:
        return (len(self.tape) + 1) * self.tape.bytes_per_slot

    def _at(self, t: float) -> None:
        self.weights.at(t)

    def _write(self, place: Place, out: Rows) -> None:
        """The last layer."""
        torch.mm(self.weights.augmented[-1], place.top, out=out[1])

    # Weight gradients.

    def _complete(self, products: Products, gates: Tensor | None) -> Products:
        """Add the divergence's share, with the gates ``[slots, units]`` of a gated network."""
        return products

    def _product_rows(self, slots: Sequence[int]) -> Iterator[tuple[Tensor, list[int]]]:
        """Rows of products ``[k, total]`` and the positions in ``slots`` they belong to."""
        if not self._keeps_deltas:
            for stacked, positions in self.tape.gather(slots, _CHUNK):
                yield stacked["products"], positions
            return
        rows = self.weights.new_zeros(min(_CHUNK, len(slots)), self._layout.total)
        for stacked, positions in self.tape.gather(slots, _CHUNK):
            products = self._layout.split(rows[: len(positions)])
            for operation in self._gradient_operations(stacked, products):
                operation()
            yield rows[: len(positions)], positions

    def _sum(self, slots: Sequence[int], factors: Sequence[float]) -> TableGradient:
        """Without gates the weights are the same in all slots, so that products are summed first."""
        folded, layout = self.weights, self._layout
        total = folded.new_zeros(1, layout.total)
        shift = folded.new_zeros(folded.units) if folded.shifted else None
        for rows, positions in self._product_rows(slots):
            total[0].addmv_(rows.t(), rows.new_tensor([factors[i] for i in positions]))
            if shift is not None:
                times = rows.new_tensor([factors[i] * self.tape[slots[i]].t for i in positions])
                folded.add_biases(layout.split(rows), times, shift)
        products = self._complete(layout.split(total), None)
        return TableGradient(products.only(), shift, None, None)

    def _gated_sum(self, slots: Sequence[int], factors: Sequence[float]) -> TableGradient:
        folded, layout = self.weights, self._layout
        total = folded.new_zeros(layout.total)
        shift, gate_weight, gate_bias = (folded.new_zeros(folded.units) for _ in range(3))
        # Fresh pages for every temporary would cost more than the arithmetic.
        memory = folded.new_zeros(min(_CHUNK, len(slots)), layout.total)
        for rows, positions in self._product_rows(slots):
            factor = rows.new_tensor([factors[i] for i in positions])
            times = rows.new_tensor([self.tape[slots[i]].t for i in positions])
            gates, work = folded.gates_at(times), layout.split(memory[: len(rows)])
            products = self._complete(layout.split(rows), gates)
            folded.add_biases(products, factor * times, shift)
            weighted = factor[:, None] * gates
            slope = folded.through_gates(products, gates, work) * weighted * (1 - gates)
            gate_bias.add_(slope.sum(0))
            gate_weight.addmv_(slope.t(), times)
            for i, share in enumerate(folded.split(weighted)):
                torch.mul(products.bias[i], share, out=work.bias[i])
                torch.mul(products.weight[i], share[:, :, None], out=work.weight[i])
            total.add_(memory[: len(rows)].sum(0))
        return TableGradient(layout.split(total), shift, gate_weight, gate_bias)


def _volume(shapes: Shapes) -> int:
    return sum(torch.Size(shape).numel() for shape in shapes.values())
