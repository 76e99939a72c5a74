"""Networks with their exact divergence: the state is z and log p, whose derivative is -tr df/dz.

With s_l = ψ' of hidden layer l and W_l the weights of layer l at the current time, the activation's constants and
the gates folded in, counting layers from one:

- 1 hidden layer: tr J = c^T s_1 with c_k = sum_d W_1[k, d] W_2[d, k];
- 2 hidden layers: tr J = s_2^T M s_1 with M = W_2 o (W_1 W_3)^T (o elementwise), for any number of dimensions;
- more: the D columns of the Jacobian travel through the layers beside the state, as one batch of (1 + D) B.

The last row of the cotangent, λ = dL/d(log p)', multiplies -tr J, and so the closed forms keep -c and -M.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from odeviz.fields.network import Network, Place, Rows, Shapes
from odeviz.fields.products import Operation, Products, product


def divergence_network(hidden_layers: int) -> type[Network]:
    """The cheapest kind for a number of hidden layers."""
    kinds: dict[int, type[Network]] = {1: OneHiddenLayer, 2: TwoHiddenLayers}
    return kinds.get(hidden_layers, Tangents)


class _ClosedForm(Network):
    """What the closed forms share: a curvature term at each activation, and a last row."""

    extra_rows = 1

    def __init__(self, sizes: Sequence[int], activation: str, time: str, batch: int, like: Tensor) -> None:
        super().__init__(sizes, activation, time, batch, like)
        #: For each layer, memory of its input's shape that is free between two operations: all the same.
        self._free = [self.scratch["hidden"][:n] for n in self.sizes[:-1]]

    def _scratch_shapes(self) -> Shapes:
        return super()._scratch_shapes() | {"hidden": (max(self.sizes[:-1]), self.batch)}

    def _at(self, t: float) -> None:
        if self.weights.at(t):
            self._combine()

    def _combine(self) -> None:
        """What the divergence needs of the weights at the current time."""
        raise NotImplementedError

    def _curve(self, buffers: dict[str, Tensor], i: int, out: Tensor) -> Iterator[Operation]:
        """out = dL/ds_i through the divergence."""
        raise NotImplementedError

    def _lambda(self, buffers: dict[str, Tensor]) -> Tensor:
        """The cotangent of -tr J, ``[..., 1, batch]``."""
        return buffers["cotangent"][..., self.dim :, :]

    def _first_slope(self, buffers: dict[str, Tensor], slope: Tensor) -> Operation:
        a, aux = self._hidden_layer(buffers, 1)
        return partial(self.activation.slope, a, aux, slope)

    def _backward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        if not self.activation.bends:
            yield from super()._backward_operations(buffers)
            return
        delta, transposed = self._deltas(buffers), self.weights.transposed
        for i in range(len(delta) - 1, 0, -1):
            yield from self._curve(buffers, i, delta[i - 1])
            yield partial(self.activation.times_bend, delta[i - 1], *self._hidden_layer(buffers, i))
            yield partial(delta[i - 1].addmm_, transposed[i], delta[i])
            yield from super()._through_activation(buffers, i, delta[i - 1])

    def _through_activation(self, buffers: dict[str, Tensor], i: int, delta: Tensor) -> Iterator[Operation]:
        curved, work = self._free[i], buffers[f"work{i}"]
        yield from self._curve(buffers, i, curved)
        a, aux = self._hidden_layer(buffers, i)
        yield partial(self.activation.times_slope_and_curvature, delta, curved, a, aux, work)

    def _gradient_operations(self, buffers: dict[str, Tensor], products: Products) -> Iterator[Operation]:
        yield from super()._gradient_operations(buffers, products)
        # Where buffers of several slots are stacked, scratch memory of one is not enough.
        stacked = "hidden" not in buffers
        slope = torch.empty_like(buffers["delta1"]) if stacked else self._free[1]
        yield self._first_slope(buffers, slope)
        assert products.trace is not None
        yield product(self._before_trace(buffers), slope.mT, products.trace)

    def _before_trace(self, buffers: dict[str, Tensor]) -> Tensor:
        """What the first slope is multiplied by to give dL/d(-tr J), times the cotangent."""
        raise NotImplementedError


class OneHiddenLayer(_ClosedForm):
    """tr J = c^T s_1."""

    def _trace_shape(self) -> tuple[int, ...]:
        return (1, self.sizes[1])

    def _scratch_shapes(self) -> Shapes:
        return super()._scratch_shapes() | {"-c": (1, self.sizes[1])}

    def _combine(self) -> None:
        first, last = self.weights.plain
        torch.sum(first * last.t(), 1, out=self.scratch["-c"][0]).neg_()

    def _forward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        yield from super()._forward_operations(buffers)
        yield self._first_slope(buffers, self._free[1])

    def _write(self, place: Place, out: Rows) -> None:
        super()._write(place, out)
        torch.mm(self.scratch["-c"], self._free[1], out=out[2])

    def _curve(self, buffers: dict[str, Tensor], i: int, out: Tensor) -> Iterator[Operation]:
        yield partial(torch.mul, buffers["-c"].t(), self._lambda(buffers), out=out)

    def _before_trace(self, buffers: dict[str, Tensor]) -> Tensor:
        return self._lambda(buffers)

    def _complete(self, products: Products, gates: Tensor | None) -> Products:
        assert products.trace is not None
        dc, (first, last) = -products.trace[:, 0], self.weights.weights_at(gates)
        return products.plus([dc[:, :, None] * last.mT, dc[:, None, :] * first.mT])


class TwoHiddenLayers(_ClosedForm):
    """tr J = s_2^T M s_1: one more product of the size of the middle layer's."""

    def _trace_shape(self) -> tuple[int, ...]:
        return (self.sizes[2], self.sizes[1])

    def _slot_shapes(self) -> Shapes:
        return super()._slot_shapes() | {"-Ms": (self.sizes[2], self.batch)}

    def _delta_shapes(self) -> Shapes:
        return super()._delta_shapes() | {"λs": (self.sizes[2], self.batch)}

    def _scratch_shapes(self) -> Shapes:
        return super()._scratch_shapes() | {"-M": (self.sizes[2], self.sizes[1])}

    def _combine(self) -> None:
        first, middle, last = self.weights.plain
        minus_M = self.scratch["-M"]
        torch.addmm(minus_M, last.t(), first.t(), beta=0, alpha=-1, out=minus_M).mul_(middle)

    def _forward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        yield from super()._forward_operations(buffers)
        slope, sMs = self._free[1:]
        yield self._first_slope(buffers, slope)
        yield product(buffers["-M"], slope, buffers["-Ms"])
        a, aux = self._hidden_layer(buffers, 2)
        yield partial(self.activation.times_slope, buffers["-Ms"], a, aux, sMs, buffers["work2"])

    def _write(self, place: Place, out: Rows) -> None:
        super()._write(place, out)
        torch.sum(self._free[2], 0, keepdim=True, out=out[2])

    def _curve(self, buffers: dict[str, Tensor], i: int, out: Tensor) -> Iterator[Operation]:
        lam = self._lambda(buffers)
        if i == 2:
            yield partial(torch.mul, buffers["-Ms"], lam, out=out)
            return
        s, work = buffers["λs"], buffers["work2"]
        yield partial(self.activation.times_slope, lam, *self._hidden_layer(buffers, 2), s, work)
        yield product(buffers["-M"].t(), s, out)

    def _before_trace(self, buffers: dict[str, Tensor]) -> Tensor:
        return buffers["λs"]

    def _complete(self, products: Products, gates: Tensor | None) -> Products:
        assert products.trace is not None
        minus_dM, (first, middle, last) = products.trace, self.weights.weights_at(gates)
        minus_dQ = minus_dM * middle
        share = [minus_dQ.mT @ -last.mT, minus_dM * (last.mT @ -first.mT), (minus_dQ @ -first).mT]
        return products.plus(share)


class Tangents(Network):
    """Three hidden layers or more: column d of the Jacobian is block 1 + d of every activation.

    The row of ones is zero there, so that biases act on the state alone and one product serves all.
    """

    extra_rows = 1

    def _directions(self) -> int:
        """Tangents of each sample: by default one for each dimension, the unit vectors."""
        return self.dim

    def _columns(self) -> int:
        return (1 + self._directions()) * self.batch

    def _slot_shapes(self) -> Shapes:
        return super()._slot_shapes() | self._hidden("u", self._columns())

    def _delta_shapes(self) -> Shapes:
        return super()._delta_shapes() | {"last": (self.dim, self._columns())}

    def _scratch_shapes(self) -> Shapes:
        shapes = super()._scratch_shapes() | self._hidden("slope", self.batch)
        shapes |= self._hidden("curved", self.batch)
        shapes |= self._hidden("product", self._directions() * self.batch)
        return shapes | {"values": (self.dim, self._columns())}

    def _initialise(self, buffers: dict[str, Tensor]) -> None:
        super()._initialise(buffers)
        for x in self._inputs(buffers):
            x[0, self.batch :] = 0
        buffers["last"].zero_()
        unit = self._blocks(buffers["x0"][1:])
        unit.copy_(torch.eye(self.dim, self._directions()).to(unit)[:, :, None].expand_as(unit))

    def _deltas(self, buffers: dict[str, Tensor]) -> list[Tensor]:
        return [*super()._deltas(buffers)[:-1], buffers["last"]]

    def _blocks(self, columns: Tensor) -> Tensor:
        """The tangents ``[n, directions, batch]`` of ``[n, (1 + directions) * batch]``."""
        return columns[:, self.batch :].view(len(columns), self._directions(), self.batch)

    def _diagonal(self, columns: Tensor) -> Tensor:
        """Entries ``[batch, dim]`` of ``[dim, (1 + directions) * batch]`` whose sum is the trace."""
        return self._blocks(columns).diagonal(dim1=0, dim2=1)

    def _hidden_layer(self, buffers: dict[str, Tensor], i: int) -> tuple[Tensor, Tensor | None]:
        a, aux = super()._hidden_layer(buffers, i)
        return a[:, : self.batch], aux

    def _slope(self, buffers: dict[str, Tensor], i: int) -> Operation:
        return partial(self.activation.slope, *self._hidden_layer(buffers, i), buffers[f"slope{i}"])

    def _forward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        for i in range(1, len(self.sizes) - 1):
            x, u, slope = buffers[f"x{i}"], buffers[f"u{i}"], buffers[f"slope{i}"][:, None, :]
            a, aux = self._hidden_layer(buffers, i)
            yield product(self.weights.augmented[i - 1], buffers[f"x{i - 1}"], u)
            yield partial(self.activation.apply, u[:, : self.batch], aux, a)
            yield self._slope(buffers, i)
            yield partial(torch.mul, self._blocks(u), slope, out=self._blocks(x[1:]))

    def _write(self, place: Place, out: Rows) -> None:
        values = place.buffers["values"]
        torch.mm(self.weights.augmented[-1], place.top, out=values)
        self._write_values(values, out)

    def _write_values(self, values: Tensor, out: Rows) -> None:
        """The state's derivative from the last layer's ``values``: f and its Jacobian."""
        out[1].copy_(values[:, : self.batch])
        self._write_trace(values, out[2][0])

    def _write_trace(self, values: Tensor, out: Tensor) -> None:
        """out ``[batch]`` = -tr J from the last layer's ``values``."""
        torch.sum(self._diagonal(values), 1, out=out).neg_()

    def _backward_operations(self, buffers: dict[str, Tensor]) -> Iterator[Operation]:
        yield partial(self._pull_back_values, buffers)
        yield from super()._backward_operations(buffers)

    def _pull_back_values(self, buffers: dict[str, Tensor]) -> None:
        """dL/d(values) in ``last``, from the cotangent: the reverse of ``_write_values``."""
        last, cotangent = buffers["last"], buffers["cotangent"]
        last[:, : self.batch].copy_(cotangent[: self.dim])
        self._blocks(last).zero_()
        self._pull_back_trace(cotangent[self.dim], last)

    def _pull_back_trace(self, cotangent: Tensor, last: Tensor) -> None:
        """Add to dL/d(values) in ``last`` what comes through -tr J, whose cotangent is ``[batch]``."""
        self._diagonal(last).sub_(cotangent[:, None])

    def _through_activation(self, buffers: dict[str, Tensor], i: int, delta: Tensor) -> Iterator[Operation]:
        curved, slope, work = (buffers[f"{name}{i}"] for name in ("curved", "slope", "work"))
        u, tangents = self._blocks(buffers[f"u{i}"]), self._blocks(delta)
        products = buffers[f"product{i}"].view(tangents.shape)
        a, aux = self._hidden_layer(buffers, i)
        yield partial(torch.mul, u, tangents, out=products)
        yield partial(torch.sum, products, 1, out=curved)
        yield self._slope(buffers, i)
        yield partial(tangents.mul_, slope[:, None, :])
        state = delta[:, : self.batch]
        yield partial(self.activation.times_slope_and_curvature, state, curved, a, aux, work)
