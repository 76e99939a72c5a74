"""The multilayer perceptron's fast path: evaluation, closed-form vector-Jacobian product and weight gradients.

States are features-first ``[rows, batch]``, so that a thin last layer is cheap. Everything is written into
buffers that exist already. The contributions to the weight gradients are formed slot by slot while the layers'
deltas are in the cache, unless they are larger than the deltas: then the deltas are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from odeviz.fields.activations import ACTIVATIONS
from odeviz.fields.folding import FoldedWeights, TableGradient
from odeviz.fields.products import ProductLayout, Products, layer_mm, outer_sum
from odeviz.fields.tape import Shapes, Tape

if TYPE_CHECKING:
    from odeviz.fields.mlp import MLPField

#: Slots whose gradient contributions are worked on together.
_CHUNK = 16


@dataclass(slots=True)
class Place:
    """One slot of the tape, with what its evaluation and its vector-Jacobian product leave there.

    ``x[l]``: input of layer l with its row of ones; ``a[l]``: the same without; ``aux[l]``: what else the
    activation before layer l keeps; ``delta[l]``: dL/d(output of layer l) before its activation.
    """

    t: float
    x: list[Tensor]
    a: list[Tensor]
    aux: list[Tensor | None]
    cotangent: Tensor
    delta: list[Tensor]
    products: Products | None
    more: dict[str, Tensor]


class Workspace:
    """Everything a kernel writes to: folded weights, tape, scratch."""

    def __init__(
        self, weights: FoldedWeights, tape: Tape[Place], scratch: dict[str, Tensor], chunk: Tensor | None
    ) -> None:
        self.weights, self.tape, self.scratch = weights, tape, scratch
        #: Where gradient contributions are formed when the tape keeps deltas instead.
        self.chunk = chunk

    def bytes(self) -> int:
        return (len(self.tape) + 1) * self.tape.bytes_per_slot()


class MLPKernel:
    """See ``odeviz.engine.kernel.Kernel``."""

    #: Rows of the state beside the field's own.
    extra_rows: ClassVar[int] = 0

    def __init__(self, field: MLPField, y0: Tensor, log_duration: Tensor | None = None) -> None:
        self._check(field, y0)
        self.sizes, self.dim, self.batch = field.sizes, field.dim, y0.shape[0]
        self.rows = self.dim + self.extra_rows
        self.size = self.batch * self.rows
        self._activation = ACTIVATIONS[field.activation]
        self._layout = ProductLayout(self.sizes, self._trace_shape())
        self._scaled = log_duration is not None
        self._parameters = (*field.parameters(), *(() if log_duration is None else (log_duration,)))
        self._duration = 1.0 if log_duration is None else float(log_duration.detach().exp())
        self._pool = field.workspaces
        self._key = (type(self), self.batch, y0.dtype, y0.device)
        like = y0.detach()
        self._workspace: Workspace | None = self._pool.take(self._key, lambda: self._make(field.time, like))
        self._weights, self._tape = self._workspace.weights, self._workspace.tape
        self._scratch, self._chunk = self._workspace.scratch, self._workspace.chunk
        with torch.no_grad():
            self._weights.load(field.time_linears(), self._duration)
            self._prepare()

    def _check(self, field: MLPField, y0: Tensor) -> None:
        columns = field.dim + self.extra_rows
        if y0.dim() != 2 or y0.shape[1] != columns:
            raise ValueError(f"y0 must have the shape [batch, {columns}], not {list(y0.shape)}")
        weight = next(field.parameters())
        if (y0.dtype, y0.device) != (weight.dtype, weight.device):
            raise ValueError(
                f"y0 must have the field's dtype and device, {weight.dtype} on {weight.device}, "
                f"not {y0.dtype} on {y0.device}"
            )

    # Buffers: what a kind of kernel keeps. A subclass adds its own.

    def _columns(self) -> int:
        """Columns of the activations: the batch."""
        return self.batch

    def _trace_shape(self) -> tuple[int, ...]:
        """Shape of the products from which the divergence's weight gradients are made."""
        return ()

    def _slot_shapes(self) -> dict[str, tuple[int, ...]]:
        """What an evaluation keeps."""
        shapes: dict[str, tuple[int, ...]] = {
            f"x{i}": (1 + n, self._columns()) for i, n in enumerate(self.sizes[:-1])
        }
        if self._activation.keeps_sigmoid:
            shapes |= {f"aux{i}": (n, self.batch) for i, n in enumerate(self.sizes[1:-1], 1)}
        return shapes

    def _delta_shapes(self) -> dict[str, tuple[int, ...]]:
        """What a vector-Jacobian product leaves for the gradient products."""
        shapes: dict[str, tuple[int, ...]] = {
            f"delta{i}": (n, self._columns()) for i, n in enumerate(self.sizes[1:-1])
        }
        return shapes | {"cotangent": (self.rows, self.batch)}

    def _scratch_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"work{i}": (n, self.batch) for i, n in enumerate(self.sizes[1:-1], 1)}

    def _make(self, time: str, like: Tensor) -> Workspace:
        slots, deltas = self._slot_shapes(), self._delta_shapes()
        scratch_shapes = self._scratch_shapes()
        immediate = self._layout.total <= 2 * _volume(deltas)
        if immediate:
            slots["row"] = (self._layout.total,)
            scratch_shapes |= deltas
        else:
            slots |= deltas
        scratch = {name: like.new_ones(shape) for name, shape in scratch_shapes.items()}
        weights = FoldedWeights(self.sizes, time, self._activation, like)
        tape = Tape(slots, lambda buffers: self._bind(scratch | buffers), like)
        return Workspace(
            weights, tape, scratch, None if immediate else like.new_empty(_CHUNK, self._layout.total)
        )

    def _bind(self, buffers: dict[str, Tensor]) -> Place:
        layers = len(self.sizes) - 1
        x = [buffers[f"x{i}"] for i in range(layers)]
        for inputs in x:
            inputs[0] = 1
        return Place(
            t=0.0,
            x=x,
            a=[inputs[1:] for inputs in x],
            aux=[buffers.get(f"aux{i}") for i in range(layers)],
            cotangent=buffers["cotangent"],
            delta=[*(buffers[f"delta{i}"] for i in range(layers - 1)), buffers["cotangent"][: self.dim]],
            products=self._layout.split(buffers["row"]) if "row" in buffers else None,
            more=buffers,
        )

    def _prepare(self) -> None:
        """What depends on the weights alone."""

    # The engine's protocol.

    def parameters(self) -> tuple[Tensor, ...]:
        return self._parameters

    def pack(self, y: Tensor) -> Tensor:
        s = y.new_empty(self.rows, self.batch)
        s.copy_(y.detach().t())
        return s.view(-1)

    def unpack(self, s: Tensor) -> Tensor:
        return s.view(*s.shape[:-1], self.rows, self.batch).transpose(-1, -2)

    def reserve(self, slots: int) -> None:
        self._tape.reserve(slots)

    def evaluate(self, t: float, s: Tensor, out: Tensor, slot: int) -> None:
        place = self._tape[slot]
        place.t = self._duration * t
        self._at(place.t)
        self._forward(place, s.view(self.rows, self.batch), out.view(self.rows, self.batch))

    def pull_back(self, slot: int, cotangent: Tensor, out: Tensor) -> None:
        place = self._tape[slot]
        self._at(place.t)
        place.cotangent.copy_(cotangent.view(self.rows, self.batch))
        self._backward(place, out.view(self.rows, self.batch))
        if place.products is not None:
            self._form(place, place.products)

    def gradients(self, slots: Sequence[int], weights: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        with torch.no_grad():
            table = self._gated_sum(slots, weights) if self._weights.gated else self._sum(slots, weights)
            result = self._weights.gradients(table)
            if self._scaled:
                result.append(self._weights.duration_gradient(table))
        return tuple(result)

    def bytes_per_slot(self) -> int:
        return self._tape.bytes_per_slot()

    def release(self) -> None:
        if self._workspace is not None:
            workspace, self._workspace = self._workspace, None
            self._pool.put(self._key, workspace)

    # One evaluation.

    def _at(self, t: float) -> None:
        self._weights.at(t)

    def _forward(self, place: Place, s: Tensor, out: Tensor) -> None:
        x, a, weights = place.x, place.a, self._weights.augmented
        a[0].copy_(s[: self.dim])
        layer_mm(weights[0], x[0], a[1])
        self._activation.apply(a[1], place.aux[1], a[1])
        for i in range(1, len(x) - 1):
            torch.mm(weights[i], x[i], out=a[i + 1])
            self._activation.apply(a[i + 1], place.aux[i + 1], a[i + 1])
        torch.mm(weights[-1], x[-1], out=out[: self.dim])

    def _backward(self, place: Place, out: Tensor) -> None:
        """Fill ``place.delta`` from its cotangent, and ``out``."""
        a, delta, weights = place.a, place.delta, self._weights.transposed
        layer_mm(weights[-1], delta[-1], delta[-2])
        self._through_activation(place, len(a) - 1)
        for i in range(len(a) - 2, 0, -1):
            torch.mm(weights[i], delta[i], out=delta[i - 1])
            self._through_activation(place, i)
        torch.mm(weights[0], delta[0], out=out[: self.dim])

    def _through_activation(self, place: Place, i: int) -> None:
        """From dL/da to dL/du, in place, at the activation before layer i."""
        delta = place.delta[i - 1]
        self._activation.times_slope(delta, place.a[i], place.aux[i], delta, self._scratch[f"work{i}"])

    # Weight gradients.

    def _form(self, place: Place, products: Products) -> None:
        for i, delta in enumerate(place.delta):
            torch.mv(delta, place.x[i][0], out=products.bias[i])
            outer_sum(delta, place.a[i], products.weight[i])

    def _complete(self, products: Products, weights: list[Tensor]) -> Products:
        """Add the divergence's share, at the layers' gated weights ``[slots, n, k]``."""
        return products

    def _rows(self, slots: Sequence[int]) -> Iterator[tuple[Tensor, list[int]]]:
        """Rows of products ``[k, total]`` with the positions in ``slots`` they belong to."""
        if self._chunk is None:
            yield from self._tape.gather("row", slots)
            return
        for first in range(0, len(slots), _CHUNK):
            positions = list(range(first, min(first + _CHUNK, len(slots))))
            rows = self._chunk[: len(positions)]
            for row, position in zip(rows, positions, strict=True):
                self._form(self._tape[slots[position]], self._layout.split(row))
            yield rows, positions

    def _factors(
        self, slots: Sequence[int], weights: Sequence[float] | None, positions: list[int], like: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Weights and times ``[k]`` of the named positions."""
        factors = [1.0 if weights is None else weights[i] for i in positions]
        times = [self._tape[slots[i]].t for i in positions]
        return like.new_tensor(factors), like.new_tensor(times)

    def _sum(self, slots: Sequence[int], weights: Sequence[float] | None) -> TableGradient:
        """Without gates the weights are the same in all slots, so that products are summed first."""
        total = self._weights.new_zeros(1, self._layout.total)
        shift = self._weights.new_zeros(self._layout.units) if self._weights.shifted else None
        for rows, positions in self._rows(slots):
            factors, times = self._factors(slots, weights, positions, rows)
            total[0].addmv_(rows.t(), factors)
            if shift is not None:
                shift.addmv_(rows[:, : self._layout.units].t(), factors * times)
        products = self._complete(self._layout.split(total), [weight[None] for weight in self._weights.plain])
        return TableGradient(_only(products), shift, None, None)

    def _gated_sum(self, slots: Sequence[int], weights: Sequence[float] | None) -> TableGradient:
        folded, units = self._weights, self._layout.units
        total = self._layout.split(folded.new_zeros(self._layout.total))
        shift, gate_weight, gate_bias = (folded.new_zeros(units) for _ in range(3))
        for rows, positions in self._rows(slots):
            for first in range(0, len(positions), _CHUNK):
                factors, times = self._factors(slots, weights, positions[first : first + _CHUNK], rows)
                part = rows[first : first + _CHUNK]
                shift.addmv_(part[:, :units].t(), factors * times)
                gates, gated = folded.at_all(times)
                products = self._complete(self._layout.split(part), gated)
                weighted = factors[:, None] * gates
                pull = folded.through_gates(products, gates) * weighted * (1 - gates)
                gate_bias.add_(pull.sum(0))
                gate_weight.addmv_(pull.t(), times)
                for i, factor in enumerate(folded.split(weighted)):
                    total.bias[i].add_((products.bias[i] * factor).sum(0))
                    total.weight[i].add_((products.weight[i] * factor[:, :, None]).sum(0))
        return TableGradient(total, shift, gate_weight, gate_bias)


def _only(products: Products) -> Products:
    """The single evaluation of ``[1, ...]``."""
    trace = None if products.trace is None else products.trace[0]
    return Products([bias[0] for bias in products.bias], [weight[0] for weight in products.weight], trace)


def _volume(shapes: Shapes) -> int:
    return sum(torch.Size(shape).numel() for shape in shapes.values())
